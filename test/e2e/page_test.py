#!/usr/bin/env python3
"""The page of `slipstream serve` in a headless browser: what it shows, does, and where things are. Needs no broker."""
import re

import layout
import webdriver
from harness import main, wait_for
from served import ServedAloneTest

WINDOWS = """
    SET 'execution.checkpointing.interval' = '500 ms'; SET 'parallelism.default' = '2';
    CREATE TABLE orders (account INT, price DOUBLE, ts AS LOCALTIMESTAMP,
        WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
      WITH ('connector' = 'datagen', 'rows-per-second' = '5000',
        'fields.account.min' = '0', 'fields.account.max' = '900');
    CREATE TABLE totals (account INT, window_end TIMESTAMP(3), total DOUBLE) WITH ('connector' = 'blackhole');
    INSERT INTO totals SELECT account, window_end, SUM(price)
      FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '2' SECOND))
      GROUP BY account, window_start, window_end;"""

SMALL = """
    SET 'parallelism.default' = '1';
    CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20');
    CREATE TABLE kept (k INT) WITH ('connector' = 'blackhole');
    INSERT INTO kept SELECT k FROM numbers;"""

FAILING = """
    CREATE TABLE n (k INT) WITH ('connector' = 'datagen', 'fields.k.kind' = 'sequence',
      'fields.k.start' = '1', 'fields.k.end' = '9');
    CREATE TABLE o (k INT) WITH ('connector' = 'blackhole');
    INSERT INTO o SELECT 1 / (k - 5) FROM n"""


def wide_job(sources=6, sinks=4):
    """Many sources that come together and many sinks that get a part."""
    tables = "".join(f"""
        CREATE TABLE s{i} (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20');""" for i in range(sources))
    tables += "".join(f"""
        CREATE TABLE t{i} (k INT, n BIGINT) WITH ('connector' = 'blackhole');""" for i in range(sinks))
    everything = " UNION ALL ".join(f"SELECT k FROM s{i}" for i in range(sources))
    inserts = "".join(f"""
        INSERT INTO t{i} SELECT k % {i + 2}, COUNT(*) FROM everything GROUP BY k % {i + 2};""" for i in range(sinks))
    return f"SET 'parallelism.default' = '2'; {tables} CREATE VIEW everything AS {everything}; {inserts}"


class PageTest(ServedAloneTest):
    def setUp(self):
        super().setUp()
        if not webdriver.is_installed():
            self.skipTest("chromium and chromedriver are not installed: ./dev setup test")
        self.serve()

    def browse(self, path="", **how):
        browser = webdriver.Browser(**how)
        self.addCleanup(browser.close)
        browser.open(f"{self.url}/#/{path}")
        return browser

    def check_console(self, browser, *expected):
        """Nothing but answers of these codes went wrong there."""
        wrong = [each for each in browser.problems() if not any(f" {code} (" in each for code in expected)]
        self.assertEqual(wrong, [])

    def names(self, browser):
        return browser.texts("#jobs tr td:first-child")

    def await_names(self, browser, *names):
        wait_for(lambda: self.names(browser) == list(names), 30, f"{names}; there are {self.names(browser)}")

    # ---- all jobs ----

    def test_all_jobs_in_a_table_with_search_order_and_totals(self):
        browser = self.browse()
        browser.wait_text("#nothing", "There is no job yet")
        for name in ("copy-10", "copy-2", "copy-1"):
            self.submit(name, SMALL)
        self.submit("broken", FAILING)
        self.await_state("broken", "failed")
        self.await_names(browser, "broken", "copy-1", "copy-2", "copy-10")
        browser.wait_text("#counted", "3 running · 1 failed")
        copy = "#jobs tr:nth-child(2) td"
        wait_for(lambda: re.match(r"copy-1 running [\d.]+/s [\d.]+/s – \d+ \d+ 0 ", " ".join(browser.texts(copy))), 30,
                 "rates of a job")
        self.assertRegex(" ".join(browser.texts("#totals td")), r"^all 4  [\d.]+/s [\d.]+/s – \d+ \d+ 0 ")
        self.assertEqual(browser.script("return document.title"), "Slipstream")
        browser.click("#by-name")
        self.await_names(browser, "copy-10", "copy-2", "copy-1", "broken")
        browser.click("#by-state")
        self.await_names(browser, "broken", "copy-1", "copy-2", "copy-10")
        browser.type("#search", "PY-1")
        self.await_names(browser, "copy-1", "copy-10")
        self.assertIn("2 of 4", browser.text("#totals"))
        browser.type("#search", " failed")
        browser.wait_text("#nothing", "No job is called so")
        browser.script("document.getElementById('search').value = ''")
        browser.type("#search", "failed")
        self.await_names(browser, "broken")
        browser.click("#jobs a")
        browser.wait_text("#state", "failed")
        self.check_console(browser)

    # ---- one job ----

    def test_a_job_is_shown_with_its_graph_and_its_name_in_the_title(self):
        self.submit("orders", WINDOWS)
        browser = self.browse("jobs/orders")
        browser.wait_text("#state", "running")
        browser.wait_text("#checkpoints", "KiB")
        wait_for(lambda: re.search(r"in [\d.]+( k)?/s", browser.text("svg.graph")), 30, "rates in the graph")
        browser.wait_text("svg.graph", "hash")
        wait_for(lambda: re.search(r"watermark 20\d\d-", browser.text("svg.graph")), 30, "a watermark in the graph")
        self.assertIn("it reads nothing that has an end", browser.text("#splits"))
        self.assertEqual(browser.script("return document.title"), "orders · running · Slipstream")
        browser.click("#savepoint")
        browser.wait_text("#done", "savepoint")
        browser.click("#stop")
        browser.wait_text("#state", "stopped")
        browser.wait_text("#checkpoints", "savepoint")
        self.check_console(browser)

    def test_the_last_hour_is_drawn(self):
        self.submit("orders", WINDOWS)
        self.await_points("orders", 2)
        browser = self.browse("jobs/orders")
        browser.wait_text("#rows .legend", "in ")
        self.assertRegex(browser.text("#rows .legend"), r"in [\d.]+( k)?\s+out [\d.]+( k)?")
        self.assertRegex(browser.text("#pressure .legend"), r"busiest operator \d+ %\s+most back-pressured \d+ %")
        self.assertRegex(browser.text("#checkpoint-times .legend"), r"longest \d+ ms")
        self.assertRegex(browser.text("#checkpoint-sizes .legend"), r"state [\d.]+ [KM]?i?B")
        self.assertIn("nothing yet", browser.text("#lag-chart"), "nothing that it reads has an end")
        lines = browser.script("return document.querySelectorAll('#rows path.line').length")
        self.assertEqual(lines, 2)
        newest = browser.text("#rows .legend")
        # read at once: the next point draws the newest ones again
        pointed = browser.script("""
            const chart = document.querySelector('#rows svg.chart'), box = chart.getBoundingClientRect();
            chart.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + 70, clientY: box.top + 40}));
            return document.querySelector('#rows .legend').innerText""")
        self.assertRegex(pointed, r"\d\d:\d\d:\d\d$", "the values under the pointer")
        self.assertNotEqual(pointed, newest)
        self.check_console(browser)

    def await_points(self, name, count):
        path = f"/api/v1/jobs/{name}/series"
        wait_for(lambda: len(self.call("GET", path)[1]["at_ms"]) >= count, 60, f"{count} points of {name}")

    def test_a_click_on_an_operator_shows_its_subtasks(self):
        self.submit("orders", WINDOWS)
        browser = self.browse("jobs/orders")
        browser.wait_text("svg.graph", "hash")
        is_hidden = "return document.getElementById('operator').hidden"
        self.assertTrue(browser.script(is_hidden))
        choose = "document.querySelectorAll('.vertex')[arguments[0]].dispatchEvent(new MouseEvent('click'))"
        browser.script(choose, 1)
        browser.wait_text("#operator", "Sink(totals)")
        self.assertEqual(browser.texts("#operator tbody td:first-child"), ["0", "1"])
        wait_for(lambda: re.search(r"^0\t\d[\d.]*( k)?\t[\d.]+( k)?/s", browser.text("#operator tbody")), 30,
                 "rows and rates of a subtask")
        browser.script(choose, 0)
        browser.wait_text("#operator", "Source(orders)")
        self.assertEqual(browser.script("return document.querySelectorAll('.vertex.chosen').length"), 1)
        browser.click("#close")
        self.assertTrue(browser.script(is_hidden))
        self.check_console(browser)

    def test_a_job_that_is_not_there(self):
        self.submit("orders", SMALL)
        browser = self.browse("jobs/nobody")
        browser.wait_text("#missing", "There is no job 'nobody'")
        self.assertEqual(browser.script("return document.title"), "nobody · no such job · Slipstream")
        browser.click("#missing a")
        self.await_names(browser, "orders")
        browser.click("#jobs a")
        browser.wait_text("#state", "running")
        self.call("POST", "/api/v1/jobs/orders/cancel")
        browser.wait_text("#state", "cancelled")
        self.call("DELETE", "/api/v1/jobs/orders")
        browser.wait_text("#missing", "There is no job 'orders'")
        self.check_console(browser, 404)

    def test_cancel_and_remove_are_asked_for(self):
        self.submit("orders", SMALL)
        browser = self.browse("jobs/orders")
        browser.wait_text("#state", "running")
        browser.click("#cancel")
        browser.wait_text("#question[open]", "Cancel job 'orders'?")
        browser.click("#no")
        wait_for(lambda: not browser.text("#question[open]"), 30, "the end of the question")
        self.assertEqual(self.job("orders")["state"], "running")
        browser.click("#cancel")
        browser.click("#yes")
        browser.wait_text("#state", "cancelled")
        browser.click("#remove")
        browser.wait_text("#question[open]", "Remove job 'orders'?")
        browser.click("#yes")
        browser.wait_text("#nothing", "There is no job yet")
        self.assertEqual(self.call("GET", "/api/v1/jobs/orders")[0], 404)
        self.check_console(browser, 404)

    def test_a_page_that_is_left_takes_its_question_and_its_answers_along(self):
        for name in ("orders", "other"):
            self.submit(name, SMALL)
        browser = self.browse("new")
        browser.wait_text("#new", "Submit")
        browser.script("location.hash = '#/jobs/orders'")
        browser.wait_text("#state", "running")
        browser.click("#cancel")
        browser.wait_text("#question[open]", "Cancel job 'orders'?")
        browser.script("history.back()")
        browser.wait_text("#new", "Submit")
        self.assertEqual(browser.text("#question[open]"), "")
        # an answer that comes when the page of another job is shown
        browser.script("location.hash = '#/jobs/orders'")
        browser.wait_text("#state", "running")
        browser.script("""
            const ask = window.fetch;
            window.fetch = async (path, request) => {
              if (request.method !== 'POST') return ask(path, request);
              await new Promise((resolve) => window.goOn = resolve);
              const answer = await ask(path, request);
              window.isAnswered = true;
              return answer;
            };""")
        browser.click("#savepoint")
        browser.script("location.hash = '#/jobs/other'")
        browser.wait_text("#job h2", "other")
        browser.script("window.goOn()")
        wait_for(lambda: browser.script("return window.isAnswered"), 30, "the answer")
        browser.wait_text("#state", "running")
        self.assertEqual(browser.text("#done"), "", "it is of another job")
        self.assertEqual(self.job("orders")["state"], "running")
        self.check_console(browser)

    # ---- scripts ----

    def test_a_query_and_a_text_that_survives_a_reload(self):
        self.submit("orders", WINDOWS)
        browser = self.browse("query")
        browser.wait_text("#query", "with the tables of")
        browser.type("#sql", "SELECT account, prize FROM orders")
        browser.click("#check")
        browser.wait_text("#problem", "unknown table")
        browser.script("const jobs = document.getElementById('tables-of'); jobs.value = 'orders';"
                       "jobs.dispatchEvent(new Event('change'))")
        browser.click("#check")
        browser.wait_text("#problem", "did you mean 'price'")
        browser.script("const sql = document.getElementById('sql'); sql.value = sql.value.replace('prize', 'price');"
                       "sql.dispatchEvent(new Event('input'))")
        browser.click("#check")
        browser.wait_text("#progress", "no errors")
        self.assertEqual(browser.text("#problem"), "")
        browser.reload()
        browser.wait_text("#query", "with the tables of")
        self.assertEqual(browser.value("#sql"), "SELECT account, price FROM orders")
        self.assertEqual(browser.value("#tables-of"), "orders")
        browser.click("#run")
        wait_for(lambda: browser.script("return document.querySelectorAll('#result tbody tr').length") > 10, 30, "rows")
        self.assertEqual(self.call("GET", "/api/v1/status")[1]["queries"], 1)
        browser.click("#end")
        browser.wait_text("#progress", "ended by you")
        wait_for(lambda: self.call("GET", "/api/v1/status")[1]["queries"] == 0, 30, "the query's end in the server")
        self.check_console(browser)

    def test_a_job_is_submitted_in_the_page(self):
        browser = self.browse("new")
        browser.wait_text("#new", "Submit")
        browser.type("#name", "failing")
        browser.type("#sql", "INSERT INTO nowhere SELECT 1")
        browser.click("#check")
        browser.wait_text("#problem", "^")
        browser.click("#submit")
        browser.wait_text("#problem", "^")
        browser.reload()
        browser.wait_text("#new", "Submit")
        self.assertEqual(browser.value("#name"), "failing")
        browser.script("const sql = document.getElementById('sql'); sql.value = arguments[0];"
                       "sql.dispatchEvent(new Event('input'))", FAILING)
        browser.click("#submit")
        browser.wait_text("#state", "failed")
        browser.wait_text("#failures", "division by zero")
        browser.open(f"{self.url}/#/new")
        browser.wait_text("#new", "Submit")
        self.assertEqual(browser.value("#sql"), "", "what was submitted is not kept")
        self.check_console(browser, 400)

    def test_the_editor_colours_sql_and_marks_errors_at_their_place(self):
        browser = self.browse("new")
        browser.wait_text("#new", "Submit")
        script = ("-- zażółć 'no string'\nSELECT 'it''s', prix, 1.5e3 FROM \"a b\" /* and\nSELECT */ WHERE prix\n"
                  "FROM <i>")
        browser.script("const sql = document.getElementById('sql'); sql.value = arguments[0];"
                       "sql.dispatchEvent(new Event('input'))", script)
        self.assertEqual(browser.texts(".sql-comment"), ["-- zażółć 'no string'", "/* and\nSELECT */"])
        self.assertEqual(browser.texts(".sql-keyword"), ["SELECT", "FROM", "WHERE", "FROM"])
        self.assertEqual(browser.texts(".sql-string"), ["'it''s'"])
        self.assertEqual(browser.texts(".sql-number"), ["1.5e3"])
        self.assertEqual(browser.text(".colours").rstrip("\n"), script, "as it was written, and no HTML")
        wrong = ("CREATE TABLE n (k INT) WITH ('connector' = 'datagen');\n"
                 "SELECT '数据😀', prix\n  FROM n; SELECT 1 FROM nowhere;")
        browser.script("const sql = document.getElementById('sql'); sql.value = arguments[0];"
                       "sql.dispatchEvent(new Event('input'))", wrong)
        self.assertEqual(browser.texts(".sql-wrong"), [])
        browser.click("#check")
        wait_for(lambda: browser.texts(".sql-wrong") == ["prix", "nowhere"], 30,
                 f"marks; there are {browser.texts('.sql-wrong')}")
        browser.click("#problem button:last-child")
        selected = ("const sql = document.getElementById('sql');"
                    "return sql.value.slice(sql.selectionStart, sql.selectionEnd)")
        self.assertEqual(browser.script(selected), "nowhere")
        # what is typed and what is coloured lie upon each other
        places = browser.script("""
            const text = document.getElementById('sql'), colours = document.querySelector('.colours');
            const style = (element) => {
              const {font, padding, whiteSpace, letterSpacing, tabSize, borderWidth} = getComputedStyle(element);
              const {x, y} = element.getBoundingClientRect();
              return [font, padding, whiteSpace, letterSpacing, tabSize, borderWidth, x, y];
            };
            return [style(text), style(colours)];""")
        self.assertEqual(places[0], places[1])
        browser.type("#sql", " ")
        self.assertEqual(browser.texts(".sql-wrong"), [], "they are those of another text")
        self.check_console(browser)

    # ---- the cluster ----

    def test_a_server_without_a_cluster_says_so(self):
        browser = self.browse("cluster")
        browser.wait_text("#part-topics", "SLIPSTREAM_NAMESERVER")
        browser.wait_text("#part-groups", "SLIPSTREAM_NAMESERVER")
        self.check_console(browser, 400)

    # Answers of a cluster with a topic of arguments[0] queues, each with 1,000 messages; of those that a query wants it
    # holds window.missing back, and then says nothing more.
    CLUSTER = """
        const ask = window.fetch, queues = arguments[0];
        const rowsOf = (sql, rowsMax) => {
          if (sql.includes('rmq_queues')) {
            return Array.from({length: queues}, (_, queue) => ({broker: 'b', queue, min_offset: 0, max_offset: 1000}));
          }
          if (!sql.includes('rocketmq')) return [];
          const wanted = Math.min(rowsMax, Number(sql.match(/LIMIT (\\d+)$/)[1]));
          return Array.from({length: wanted - window.missing}, (_, n) => ({
            body: btoa('m'), broker: 'b', queue_id: n % queues, queue_offset: n, id: String(n), stored: null,
            tags: null, keys: null, properties: {}}));
        };
        window.missing = 0;
        window.fetch = async (path, request) => {
          if (path !== '/api/v1/queries') return ask(path, request);
          const {sql, rows_max} = JSON.parse(request.body);
          const lines = rowsOf(sql, rows_max).map((row) => JSON.stringify({row}) + '\\n').join('');
          return new Response(new ReadableStream({
            start(stream) {
              stream.enqueue(new TextEncoder().encode(lines));
              if (window.missing === 0 || !sql.includes('rocketmq')) stream.close();
              else request.signal.addEventListener('abort', () => stream.error(request.signal.reason));
            }
          }));
        };"""

    def browse_cluster(self, queues):
        browser = self.browse("new")
        browser.wait_text("#new", "Submit")
        browser.script(self.CLUSTER, queues)
        browser.script("location.hash = '#/cluster/busy'")
        browser.wait_text("#part-browser", "Look")
        return browser

    def test_no_more_messages_are_shown_than_were_asked_for(self):
        browser = self.browse_cluster(3)
        browser.click("#look")
        browser.wait_text("#result", "40 of 42 messages")
        offsets = browser.texts("#messages td:nth-child(2)")
        self.assertEqual(offsets, [str(offset) for offset in range(41, 1, -1)], "the newest")
        self.assertNotIn("only a part", browser.text("#result"))
        # nothing comes of the last two
        browser.script("window.missing = 2; document.getElementById('result').replaceChildren()")
        browser.click("#look")
        browser.wait_text("#result", "only a part: no message for 3 s")
        self.assertIn("40 of 40 messages", browser.text("#result"))
        self.check_console(browser)

    def test_more_queues_than_messages_that_may_be_read(self):
        browser = self.browse_cluster(300)
        browser.click("#look")
        browser.wait_text("#result", "only a part: 200 rows")
        self.assertIn("40 of 200 messages", browser.text("#result"))
        self.assertEqual(len(browser.texts("#messages td:nth-child(2)")), 40)
        self.check_console(browser)

    # ---- layout ----

    JOBS = ["header", "#home", "#home h2", "#search", "#by-name", "#by-state", "#by-lag", "#totals"]
    JOB = ["header", "#job", "#job h2", "#state", "#stop", "|#hour", "|#graph", "|#splits", "|#checkpoints",
           "|#failures", "|#events", "|#script"]
    QUERY = ["header", "#query", "#sql", "#run", "#end", "#check", "|#rows"]
    NEW = ["header", "#new", "#name", "#sql", "#submit", "#check"]

    def check_layout(self, browser, what, path, ready, selectors):
        browser.open(f"{self.url}/#/{path}")
        wait_for(lambda: browser.script("return document.querySelector(arguments[0]) !== null", ready), 30, ready)
        layout.check_texts(self, browser, what)
        layout.check_boxes(self, browser, what, selectors)
        browser.screenshot(self.path(f"{what}.png"))

    def test_the_layout_of_every_page_wide_and_narrow_light_and_dark(self):
        self.submit("orders", WINDOWS)
        self.submit("a-job-with-a-name-that-is-as-long-as-a-name-can-be-0123456789-0", SMALL)
        wait_for(lambda: self.job("orders")["completed_checkpoints"] > 1, 60, "checkpoints")
        for width, dark in ((1200, False), (400, True)):
            browser = self.browse(width=width, height=800, dark=dark)
            self.check_layout(browser, f"jobs-{width}", "", "#jobs tr", self.JOBS)
            self.check_layout(browser, f"job-{width}", "jobs/orders", "#checkpoints td", self.JOB)
            self.check_layout(browser, f"query-{width}", "query", "#sql", self.QUERY)
            self.check_layout(browser, f"new-{width}", "new", "#sql", self.NEW)
            browser.close()

    # The boxes, and the pieces of lines and labels of a graph as [x, y, right, bottom] each, in its own pixels.
    GRAPH = """
        const box = (element) => element.getBBox();
        const group = (selector) => [...document.querySelectorAll(selector)];
        const shift = (element) => element.closest('.vertex')?.transform.baseVal[0].matrix ?? {e: 0, f: 0};
        const rectangle = (element) => {
          const {x, y, width, height} = box(element), {e, f} = shift(element);
          return [x + e, y + f, x + e + width, y + f + height];
        };
        const points = (line) => {
          const found = [];
          for (let at = 0; at <= line.getTotalLength(); at += 2) {
            const {x, y} = line.getPointAtLength(at);
            found.push([x, y]);
          }
          return found;
        };
        return {boxes: group('svg.graph .box').map(rectangle), labels: group('.exchange text').map(rectangle),
                lines: group('path.edge').map(points)};"""

    def test_lines_of_a_wide_graph_cross_neither_boxes_nor_labels(self):
        self.submit("wide", wide_job())
        browser = self.browse("jobs/wide")
        wait_for(lambda: re.search(r"in [\d.]+( k)?/s", browser.text("svg.graph")), 30, "rates in the graph")
        graph = browser.script(self.GRAPH)
        self.assertGreater(len(graph["boxes"]), 20)
        self.assertGreater(len(graph["lines"]), 20)
        covered = graph["boxes"] + graph["labels"]
        texts = [[each, *each, number] for number, each in enumerate(covered)]
        self.assertEqual(layout.overlaps(texts), [], "boxes and labels that cover each other")
        for line in graph["lines"]:
            for left, top, right, bottom in covered:
                crossing = [(x, y) for x, y in line if left + 1 < x < right - 1 and top + 1 < y < bottom - 1]
                self.assertEqual(crossing, [], f"a line in the box {left, top, right, bottom}")
        # all of it can be reached
        window = "const window = document.querySelector('.graph-window'); return "
        self.assertTrue(browser.script(window + "window.scrollWidth > window.clientWidth"))
        self.assertFalse(browser.script("return document.documentElement.scrollWidth > innerWidth"))
        browser.click("#fit")
        wait_for(lambda: browser.script(window + "window.scrollWidth <= window.clientWidth"), 30, "a graph that fits")
        browser.screenshot(self.path("wide.png"))
        self.check_console(browser)


if __name__ == "__main__":
    main()
