#!/usr/bin/env python3
"""`slipstream serve` beside a real broker: the lag of every queue, and a client that does not read."""
import http.client
import json
import re

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
