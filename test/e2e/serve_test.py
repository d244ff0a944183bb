#!/usr/bin/env python3
"""`slipstream serve` as its users meet it: REST, crashes, logs, the page in a browser. Needs no broker."""
import json
import os
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import webdriver
from harness import ROOT, main, wait_for
from served import ServedTest

ROWS = 20_000


class ServeTest(ServedTest):
    @classmethod
    def setUpClass(cls):
        cls.base = ROOT / "build/e2e" / Path(sys.argv[0]).stem / cls.__name__
        shutil.rmtree(cls.base, ignore_errors=True)
        cls.base.mkdir(parents=True)

    @classmethod
    def tearDownClass(cls):
        pass

    def copy_job(self, index):
        """Numbers into files, each once."""
        return f"""
            SET 'execution.checkpointing.interval' = '100 ms';
            SET 'parallelism.default' = '2';
            CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '{ROWS // 5}',
              'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{ROWS}');
            CREATE TABLE copies (n INT) WITH ('connector' = 'filesystem', 'format' = 'csv',
              'path' = '{self.path(f"out-{index}")}', 'sink.delivery-guarantee' = 'exactly-once');
            INSERT INTO copies SELECT n FROM numbers;"""

    def copied(self, index):
        folder = self.path(f"out-{index}")
        rows = Counter()
        for name in os.listdir(folder) if folder.exists() else []:
            if not name.startswith((".", "_")):
                rows.update(int(line) for line in (folder / name).read_text().split())
        return rows

    def test_two_jobs_survive_kills_of_the_server_without_loss_or_duplicate(self):
        server = self.serve()
        for index in (1, 2):
            self.submit(f"copy-{index}", self.copy_job(index))
        for _ in range(3):
            seen = [len(self.copied(index)) for index in (1, 2)]
            wait_for(lambda: all(len(self.copied(index)) > max(before, 1) or
                                 self.job(f"copy-{index}")["state"] == "finished"
                                 for index, before in zip((1, 2), seen)), 60, "new rows of both jobs")
            server.kill()
            server = self.serve()
        for index in (1, 2):
            self.await_state(f"copy-{index}", "finished")
            rows = self.copied(index)
            self.assertEqual(Counter(range(1, ROWS + 1)) - rows, Counter(), f"job {index} lost rows")
            self.assertEqual(rows - Counter(range(1, ROWS + 1)), Counter(), f"job {index} has duplicates")
        self.assertEqual(server.stop(), 0)

    def test_a_terminated_server_takes_savepoints_and_logs_json(self):
        server = self.serve()
        self.submit("copy-1", self.copy_job(1))
        wait_for(lambda: self.job("copy-1")["completed_checkpoints"] > 0, 60, "a checkpoint")
        self.assertEqual(server.stop(), 0)
        lines = [json.loads(line) for line in server.err.splitlines()]
        for line in lines:
            self.assertEqual(sorted(line), ["component", "level", "message", "time"])
        self.assertIn("server", {line["component"] for line in lines})
        self.assertTrue(lines[0]["time"].endswith("Z"), lines[0])
        self.serve()
        wait_for(lambda: "going on from savepoint" in json.dumps(self.job("copy-1")["events"]), 60,
                 "the savepoint's use")

    def give_token_to_page(self, token):
        browser = webdriver.Browser()
        try:
            browser.open(self.url)
            browser.wait_text("#login[open]", "asks for a token")
            browser.type("#token", token)
            browser.click("#login button")
            browser.wait_text("#status", "jobs run")
        finally:
            browser.close()

    def test_tokens_are_never_logged_and_open_the_door(self):
        token = "e2e-0123456789abcdef"
        self.write("token", token + "\n")
        server = self.serve("--token-file", self.path("token"))
        self.assertEqual(self.call("GET", "/api/v1/jobs")[0], 401)
        self.assertEqual(self.call("GET", "/api/v1/jobs", token=token + "x")[0], 401)
        self.assertEqual(self.call("GET", "/api/v1/jobs", token=token)[0], 200)
        if webdriver.is_installed():
            self.give_token_to_page(token)
        server.stop()
        self.assertNotIn(token, server.err)
        refused = self.engine("serve", "--bind", "0.0.0.0", "--port", "0", "--state-dir", self.path("other"))
        self.assertEqual(refused.wait(60), 2)
        self.assertIn("--token-file", refused.err)

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

    def look_at_job(self, browser):
        browser.open(f"{self.url}/#/jobs/orders")
        browser.wait_text("#state", "running")
        browser.wait_text("#checkpoints", "KiB")
        wait_for(lambda: re.search(r"in [\d.]+( k)?/s", browser.text("svg.graph")), 30, "rates in the graph")
        browser.wait_text("svg.graph", "hash")
        wait_for(lambda: re.search(r"watermark 20\d\d-", browser.text("svg.graph")), 30, "a watermark in the graph")
        self.assertIn("it reads nothing that has an end", browser.text("#splits"))
        self.assertIn("running", browser.text("#jobs"))

    def query(self, browser):
        browser.open(f"{self.url}/#/query")
        browser.wait_text("#query", "with the tables of")
        browser.script("document.getElementById('tables-of').value = 'orders'")
        browser.type("#sql", "SELECT account, price FROM orders WHERE price > 0.5")
        browser.click("#run")
        wait_for(lambda: browser.script("return document.querySelectorAll('#result tbody tr').length") > 10, 30, "rows")
        self.assertEqual(self.call("GET", "/api/v1/status")[1]["queries"], 1)
        browser.click("#end")
        browser.wait_text("#progress", "ended by you")
        wait_for(lambda: self.call("GET", "/api/v1/status")[1]["queries"] == 0, 30, "the query's end in the server")

    def submit_in_page(self, browser):
        browser.open(f"{self.url}/#/new")
        browser.wait_text("#new", "Submit")
        browser.type("#name", "failing")
        browser.type("#sql", "INSERT INTO nowhere SELECT 1")
        browser.click("#submit")
        browser.wait_text("#problem", "^")
        browser.script("document.getElementById('sql').value = arguments[0]", """
            CREATE TABLE n (k INT) WITH ('connector' = 'datagen', 'fields.k.kind' = 'sequence',
              'fields.k.start' = '1', 'fields.k.end' = '9');
            CREATE TABLE o (k INT) WITH ('connector' = 'blackhole');
            INSERT INTO o SELECT 1 / (k - 5) FROM n""")
        browser.click("#submit")
        browser.wait_text("#state", "failed")
        browser.wait_text("#failures", "division by zero")

    def test_the_page_in_a_browser(self):
        if not webdriver.is_installed():
            self.skipTest("chromium and chromedriver are not installed: ./dev setup test")
        self.serve()
        self.submit("orders", self.WINDOWS)
        for dark in (False, True):
            browser = webdriver.Browser(dark=dark)
            try:
                self.look_at_job(browser)
                browser.screenshot(self.path(f"job-{'dark' if dark else 'light'}.png"))
                self.assertEqual(browser.script("return document.body.scrollWidth > window.innerWidth"), False)
                if not dark:
                    self.query(browser)
                    self.submit_in_page(browser)
                    browser.open(f"{self.url}/#/jobs/orders")
                    browser.wait_text("#state", "running")
                    browser.click("#savepoint")
                    browser.wait_text("#done", "savepoint")
                else:
                    browser.click("#stop")
                    browser.wait_text("#state", "stopped")
                    browser.wait_text("#checkpoints", "savepoint")
                refused = [each for each in browser.problems() if "400 (Bad Request)" not in each]
                self.assertEqual(refused, [])
            finally:
                browser.close()


if __name__ == "__main__":
    main()
