#!/usr/bin/env python3
"""Files in, files out, with the program under test killed in the middle. Needs no broker.

Readers of the output folder look at it all the time: what they see are whole rows, each once.
"""
import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

from harness import ROOT, EndToEndTest, main, wait_for

FILES = 24
ROWS_PER_FILE = 4_000
ROWS = FILES * ROWS_PER_FILE


def amount_of(number):
    return (number * 7919) % 1000


class FilesTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.base = ROOT / "build/e2e" / Path(sys.argv[0]).stem / cls.__name__
        shutil.rmtree(cls.base, ignore_errors=True)
        cls.base.mkdir(parents=True)
        print(f"{cls.__name__}: seed {cls.seed}", flush=True)

    @classmethod
    def tearDownClass(cls):
        pass

    def tables(self, source="", sink="", target_format="json"):
        columns = "id BIGINT, account STRING, amount INT"
        return f"""
            SET 'execution.checkpointing.interval' = '100 ms';
            CREATE TABLE payments ({columns}) WITH ('connector' = 'filesystem', 'format' = 'json',
              'path' = '{self.path("in")}' {source});
            CREATE TABLE picked ({columns}) WITH ('connector' = 'filesystem', 'format' = '{target_format}',
              'path' = '{self.path("out")}' {sink});
            CREATE TABLE totals (account STRING, payments BIGINT, amount BIGINT) WITH (
              'connector' = 'filesystem', 'format' = 'debezium-json', 'path' = '{self.path("out")}' {sink});
        """

    def add_file(self, index):
        """A file of rows appears in the input folder, whole."""
        folder = self.path("in")
        folder.mkdir(exist_ok=True)
        hidden = folder / f".{index}"
        first = index * ROWS_PER_FILE
        hidden.write_text("".join(
            f'{{"id":{n},"account":"a{n % 500}","amount":{amount_of(n)}}}\n'
            for n in range(first, first + ROWS_PER_FILE)))
        hidden.rename(folder / f"payments-{index:04}.json")

    def lines(self):
        """What a reader of the output folder sees now; a half row fails the test."""
        rows = []
        for name in sorted(os.listdir(self.path("out"))) if self.path("out").exists() else []:
            if name.startswith((".", "_")):
                continue
            text = (self.path("out") / name).read_text()
            self.assertTrue(text.endswith("\n"), f"{name} ends in the middle of a row")
            rows += text.splitlines()
        return rows

    def run_with_kills(self, job, done, kills):
        """Adds files while the job runs and is killed at random moments, until done(lines)."""
        added = 0
        arguments = ("run", self.write("job.sql", job), "--checkpoint-dir", self.path("checkpoints"),
                     "--parallelism", "2")
        for _ in range(kills):
            seen = len(self.lines())
            engine = self.engine(*arguments)
            for _ in range(FILES // kills):
                self.add_file(added)
                added += 1
            wait_for(lambda: len(self.lines()) > seen or not engine.is_running(), 60, "more rows")
            self.assertTrue(engine.is_running(), engine.err[-3000:])
            self.random_pause()
            engine.kill()
        engine = self.engine(*arguments)
        wait_for(lambda: done(self.lines()) or not engine.is_running(), 60, "the whole result")
        self.assertEqual(engine.stop(), 0, engine.err[-3000:])

    def random_pause(self):
        """Until the folder of checkpoints has changed a random number of times."""
        changes, last = self.random.randrange(1, 4), None
        for _ in range(changes):
            last = self.checkpoint_names()
            wait_for(lambda: self.checkpoint_names() != last, 10, "another checkpoint", pause=0.003)

    def checkpoint_names(self):
        folder = self.path("checkpoints")
        return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)

    def test_filter_is_exactly_once(self):
        job = self.tables(", 'source.monitor-interval' = '50 ms'",
                          ", 'sink.delivery-guarantee' = 'exactly-once'") + """
            INSERT INTO picked SELECT id, account, amount FROM payments WHERE amount >= 500;"""
        expected = {n for n in range(ROWS) if amount_of(n) >= 500}
        self.run_with_kills(job, lambda lines: len(lines) >= len(expected), kills=6)
        ids = self.ids(self.lines())
        self.assertEqual((len(expected - set(ids)), len(set(ids) - expected)), (0, 0))
        self.assertEqual([n for n, count in ids.items() if count != 1], [])

    def test_aggregate_is_exactly_once(self):
        job = self.tables(", 'source.monitor-interval' = '50 ms'",
                          ", 'sink.delivery-guarantee' = 'exactly-once'") + """
            INSERT INTO totals SELECT account, COUNT(*), SUM(amount) FROM payments GROUP BY account;"""
        expected = Counter()
        for account in range(500):
            numbers = range(account, ROWS, 500)
            expected[(f"a{account}", len(numbers), sum(map(amount_of, numbers)))] = 1
        self.run_with_kills(job, lambda lines: self.folded(lines) == expected, kills=4)
        self.assertEqual(self.folded(self.lines()), expected)

    def ids(self, lines):
        return Counter(json.loads(line)["id"] for line in lines)

    def folded(self, lines):
        """Rows left when every change was applied, in whatever order."""
        rows = Counter()
        for line in lines:
            change = json.loads(line)
            row = change["after"] or change["before"]
            rows[(row["account"], row["payments"], row["amount"])] += 1 if change["op"] == "c" else -1
        return Counter({row: count for row, count in rows.items() if count != 0})

    def test_at_least_once_loses_nothing(self):
        job = self.tables(", 'source.monitor-interval' = '50 ms'") + """
            INSERT INTO picked SELECT id, account, amount FROM payments;"""
        self.run_with_kills(job, lambda lines: len(self.ids(lines)) == ROWS, kills=4)
        self.assertEqual(set(self.ids(self.lines())), set(range(ROWS)))
        left_over = [name for name in os.listdir(self.path("out")) if name.startswith(".")]
        self.assertEqual(left_over, [])

    def test_bounded_job_ends_and_is_not_done_twice(self):
        for index in range(3):
            self.add_file(index)
        exactly = ", 'sink.delivery-guarantee' = 'exactly-once'"
        job = self.write("job.sql", self.tables("", exactly, "csv") + """
            INSERT INTO picked SELECT id, account, amount FROM payments;""")
        for _ in range(2):
            self.run_engine("run", job, "--checkpoint-dir", self.path("checkpoints"))
            ids = [int(line.split(",")[0]) for line in self.lines()]
            self.assertEqual(sorted(ids), list(range(3 * ROWS_PER_FILE)))

    def test_without_checkpoints_all_is_published_at_the_end(self):
        self.add_file(0)
        job = self.write("job.sql", self.tables().replace("SET", "-- SET") + """
            INSERT INTO picked SELECT id, account, amount FROM payments;""")
        self.run_engine("run", job)
        self.assertEqual(len(self.lines()), ROWS_PER_FILE)

    def test_errors_name_place_and_fix(self):
        self.add_file(0)
        with open(self.path("in") / "payments-0000.json", "a") as file:
            file.write('{"id": "none"}\n')
        job = self.write("job.sql", self.tables() + "SELECT * FROM payments;")
        engine = self.engine("run", job)
        self.assertNotEqual(engine.wait(60), 0)
        self.assertIn(f"line {ROWS_PER_FILE + 1} (byte", engine.err)
        self.assertIn("decode.errors", engine.err)
        shutil.rmtree(self.path("in"))
        engine = self.engine("run", job)
        self.assertNotEqual(engine.wait(60), 0)
        self.assertIn("correct the option 'path'", engine.err)


if __name__ == "__main__":
    main()
