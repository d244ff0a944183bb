#!/usr/bin/env python3
"""`slipstream serve` beside a real broker: lag of every queue, a client that does not read, the cluster in the page."""
import http.client
import json
import re
import urllib.request

import layout
import webdriver
from harness import PATIENCE, main, wait_for
from served import ServedTest

MESSAGES = 30_000
PADDING = "x" * 700  # so many messages are more than what may wait for a client


class ServeQueuesTest(ServedTest):
    TABLE = """
        SET 'execution.checkpointing.interval' = '200 ms'; SET 'parallelism.default' = '2';
        CREATE TABLE {topic} (seq BIGINT, text STRING) WITH ('connector' = 'rocketmq', 'topic' = '{topic}',
          'consumerGroup' = '{topic}-e2e', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
          'scan.startup.mode' = 'earliest');"""

    def table(self, topic):
        return self.TABLE.format(topic=topic, namesrv=self.cluster.namesrv)

    def lags(self):
        return {split["split"].rsplit("/", 1)[1]: split["lag"] for split in self.job("reader")["splits"]}

    def test_the_lag_of_every_queue_is_shown(self):
        self.create_topics({"lagging": 4})
        self.audit.produce("lagging", 8_000)
        self.serve()
        self.submit("reader", self.table("lagging") + """
            CREATE TABLE gone (seq BIGINT) WITH ('connector' = 'blackhole');
            INSERT INTO gone SELECT seq FROM lagging;""")
        wait_for(lambda: self.lags() == dict.fromkeys("0123", 0) and self.job("reader")["rows_read"] == 8_000, 60,
                 "all queues read")
        readers = {(split["vertex"], split["subtask"]) for split in self.job("reader")["splits"]}
        self.assertEqual(readers, {(0, 0), (0, 1)})
        for queue in range(4):
            self.assertRegex(self.metrics(), r'slipstream_source_split_lag\{job="reader",[^}]*'
                                             rf'split="lagging/[^"]*/{queue}"\}} 0')

    def test_a_job_waits_for_a_broker_that_is_away_when_the_server_starts(self):
        self.create_topics({"awaited": 2})
        self.audit.produce("awaited", 1_000)
        server = self.serve()
        self.submit("reader", self.table("awaited") + f"""
            CREATE TABLE copies (seq BIGINT) WITH ('connector' = 'rocketmq', 'topic' = 'awaited_copies',
              'nameServerAddress' = '{self.cluster.namesrv}', 'format' = 'json',
              'sink.delivery-guarantee' = 'exactly-once');
            INSERT INTO copies SELECT seq FROM awaited;""")
        wait_for(lambda: self.job("reader")["completed_checkpoints"] > 1, 60, "checkpoints")
        server.kill()
        self.crash_broker()
        server = self.serve()
        self.assertIn(self.job("reader")["state"], ("starting", "running", "restarting"))
        self.start_broker()
        self.audit.produce("awaited", 1_000, start=1_000)
        wait_for(lambda: self.audit.tally("awaited_copies", "seq", (0, 2_000))["missing"] == 0, 120, "all copies")
        self.assertEqual(self.audit.tally("awaited_copies", "seq", (0, 2_000))["duplicates"], 0)
        self.assertEqual(self.job("reader")["state"], "running")
        self.check_metrics_are_listed()

    def rows_of(self, sql):
        request = urllib.request.Request(f"{self.url}/api/v1/queries", json.dumps({"sql": sql}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60 * PATIENCE) as answer:
            lines = [json.loads(line) for line in answer if line.strip()]
        self.assertIsNone(lines[-1]["end"]["error"])
        return [line["row"] for line in lines[1:-1]]

    def look(self, browser, wanted, **fields):
        """Fills these fields and reads messages, again when a busy machine was slower than the page waits for them,
        until what the message browser says of them is as wanted."""
        wait_for(lambda: re.search(wanted, self.look_once(browser, fields)), 120, f"'{wanted}'; it says "
                                                                                  f"'{browser.text('#seen')}'")

    def look_once(self, browser, fields):
        browser.script("for (const [id, it] of Object.entries(arguments[0])) document.getElementById(id).value = it;"
                       "document.getElementById('seen')?.remove()", fields)
        browser.click("#look")
        return browser.wait_text("#seen", "messages that were read")

    def check_layout(self, browser, what, selectors):
        for width in (1200, 400):
            browser.resize(width, 1600)
            layout.check_texts(self, browser, f"{what}-{width}")
            layout.check_boxes(self, browser, f"{what}-{width}", selectors)
            browser.screenshot(self.path(f"{what}-{width}.png"))
        browser.resize(1200, 1600)

    def test_topics_groups_and_messages_of_the_cluster_in_the_page(self):
        if not webdriver.is_installed():
            self.skipTest("chromium and chromedriver are not installed: ./dev setup test")
        self.create_topics({"browsed": 2, "unread": 1})
        self.audit.produce("browsed", 300, '{"seq":{n},"text":"<b>{n%7}</b>"}')
        self.serve(environment={"SLIPSTREAM_NAMESERVER": self.cluster.namesrv})
        self.submit("reader", self.table("browsed") + """
            CREATE TABLE gone (seq BIGINT) WITH ('connector' = 'blackhole');
            INSERT INTO gone SELECT seq FROM browsed;""")
        lag = "SELECT * FROM rmq_lag WHERE topic = 'browsed' AND group_name = 'browsed-e2e'"
        wait_for(lambda: [row["behind"] for row in self.rows_of(lag)] == [0, 0], 60, "the group's offsets")
        browser = webdriver.Browser(height=1600)
        self.addCleanup(browser.close)
        browser.open(f"{self.url}/#/cluster")
        browser.wait_text("#part-topics", "unread")
        browser.wait_text("#part-groups", "browsed-e2e")
        browser.type("#part-topics input", "brows")
        wait_for(lambda: browser.texts("#part-topics tbody td:first-child") == ["browsed"], 30, "what the search finds")
        self.check_layout(browser, "cluster",
                          ["header", "#topics", "#part-topics input", "|#groups", "|#part-groups input"])
        browser.click("#part-topics tbody a")
        browser.wait_text("#part-lag", "browsed-e2e")
        self.assertEqual(browser.script("return document.title"), "browsed · Slipstream")
        messages = browser.texts("#part-queues tbody td:last-child")
        self.assertEqual(sum(map(int, messages)), 300)
        browser.wait_text("#part-browser", "Look")
        self.look(browser, "^40 of 40 messages")
        self.look(browser, "^3 of 4 messages", most="3")
        self.look(browser, "^200 of 200 messages", most="9999")
        bodies = browser.texts("#messages button")
        self.assertTrue(all(re.fullmatch(r'\{"seq":\d+,"text":"<b>\d</b>"\}', body) for body in bodies), bodies[:3])
        self.assertEqual(browser.script("return document.querySelectorAll('#messages b').length"), 0)
        queue = browser.script("return document.getElementById('queue').options[1].value")
        self.look(browser, r"^[23] of 20 messages", queue=queue, most="20", containing="<B>3", **{"from": "10"})
        offsets = [int(each) for each in browser.texts("#messages td:nth-child(2)")]
        self.assertTrue(offsets and all(10 <= each < 30 for each in offsets), offsets)
        browser.click("#messages button")
        browser.wait_text("#messages .details pre:last-child", '"seq": ')
        self.check_layout(browser, "topic", ["#topic", "|#queues", "|#lag", "|#browser", "|#queue", "|#messages"])
        browser.open(f"{self.url}/#/cluster/nowhere")
        browser.wait_text("#part-queues", "there is no such topic")
        self.assertEqual(browser.problems(), [])
        groups = [row["group_name"] for row in self.rows_of("SELECT * FROM rmq_groups")]
        self.assertNotIn("slipstream_page", groups, "looking leaves nothing behind")

    def query_lag(self):
        lags = re.findall(r'source_split_lag\{job="\(query\)"[^}]*\} (\d+)', self.metrics())
        return sum(map(int, lags))

    def queries(self):
        return self.call("GET", "/api/v1/status")[1]["queries"]

    def test_a_client_that_does_not_read_holds_the_source_back(self):
        self.create_topics({"slow": 2})
        self.audit.produce("slow", MESSAGES, f'{{"seq":{{n}},"text":"{PADDING}"}}')
        self.serve()
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60 * PATIENCE)
        connection.request("POST", "/api/v1/queries", json.dumps({"sql": self.table("slow") + "SELECT * FROM slow"}),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        self.assertIn("columns", json.loads(answer.readline()))
        wait_for(lambda: self.query_lag() > 0, 60, "a lag of the query")
        # What is not read here is not read there either.
        seen = []
        wait_for(lambda: seen.append(self.query_lag()) or len(seen) > 20 and len(set(seen[-20:])) == 1, 60,
                 "the source to stand still", pause=0.1)
        self.assertGreater(seen[-1], 0)
        self.assertEqual(self.queries(), 1)
        connection.close()
        answer.close()
        wait_for(lambda: self.queries() == 0 and self.query_lag() == 0, 60, "the end of the query")


if __name__ == "__main__":
    main()
