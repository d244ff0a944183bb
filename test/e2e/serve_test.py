#!/usr/bin/env python3
"""`slipstream serve` as its users meet it: REST, crashes, logs. Needs no broker."""
import json
import os
from collections import Counter

import webdriver
from harness import main, wait_for
from served import ServedAloneTest

ROWS = 20_000


class ServeTest(ServedAloneTest):
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
        for arguments, answer in (([], "a valid token is needed"),
                                  (["--token-file", self.path("token")], "there is no job 'nobody'")):
            tap = self.engine("tap", "nobody", "--server", self.url, *arguments)
            self.assertEqual(tap.wait(60), 1, tap.err)
            self.assertIn(answer, tap.err)
            self.assertNotIn(token, tap.err)
        if webdriver.is_installed():
            self.give_token_to_page(token)
        server.stop()
        self.assertNotIn(token, server.err)
        refused = self.engine("serve", "--bind", "0.0.0.0", "--port", "0", "--state-dir", self.path("other"))
        self.assertEqual(refused.wait(60), 2)
        self.assertIn("--token-file", refused.err)

    def test_a_tap_shows_rows_of_a_running_job(self):
        self.serve()
        self.submit("orders", """
            CREATE TABLE orders (account INT, price DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '5000');
            CREATE TABLE prices (price DOUBLE) WITH ('connector' = 'blackhole');
            INSERT INTO prices SELECT price * 2 FROM orders WHERE price > 0.1;""")
        def tap(*arguments, status=0):
            engine = self.engine("tap", "orders", *arguments, "--server", self.url)
            self.assertEqual(engine.wait(60), status, engine.err)
            return [json.loads(line) for line in engine.out.splitlines()], engine.err
        rows, said = tap("Source(orders)", "--rows", "300")
        self.assertEqual(len(rows), 300)
        self.assertIn("price", rows[0])
        self.assertRegex(said, r"300 rows of [\d,]+ that went by in Source\(orders\)")
        rows, _ = tap("--rows", "3")
        self.assertEqual([len(row) for row in rows], [1] * 3, rows)
        self.assertIn("0 Source(orders), 1 ", tap("nothing", status=2)[1])
        before = self.job("orders")["rows_read"]
        wait_for(lambda: self.job("orders")["rows_read"] > before, 60, "the job to go on")


if __name__ == "__main__":
    main()
