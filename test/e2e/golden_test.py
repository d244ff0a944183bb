#!/usr/bin/env python3
"""Checkpoints of former versions stay readable: each folder test/golden/checkpoint-N holds one with keyed state of
version N, written by test/golden/job.sql, and what that job had published. That of version 1 is a savepoint, that of
version 2 was there when the job was killed and refers to an older file. files-1, by test/golden/files.sql, was killed
before its last epoch of files was published. All their manifests are of version 1. Needs no broker."""
import json
import re
import shutil
from collections import Counter
from datetime import datetime, timedelta

from harness import ROOT, EndToEndTest, main

JOB = ROOT / "test/golden/job.sql"
NUMBERS, OTHERS = 600, 300


class GoldenTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.base = ROOT / "build/e2e/golden_test"
        cls.base.mkdir(parents=True, exist_ok=True)

    @classmethod
    def tearDownClass(cls):
        pass

    def go_on(self, folder):
        """Restores the checkpoint, runs to the end of input and returns the printed rows by table, in order."""
        (manifest,) = folder.glob("chk-*/manifest")
        return self.printed(self.run_engine("run", JOB, "--from", manifest.parent), ("groups", "windows", "pairs"))

    @staticmethod
    def printed(output, tables):
        """The rows by table; a sink of one subtask prints no number behind its name."""
        return {table: [line.split("> ", 1)[1] for line in output.splitlines() if re.match(table + r"(:\d+)?> ", line)]
                for table in tables}

    def published(self, folder, table):
        return self.printed((folder / "published.txt").read_text(), (table,))[table]

    def assert_together(self, folder, table, rows, every):
        """What was printed before and now is everything, nothing twice in one run; after a savepoint nothing at all."""
        before = self.published(folder, table)
        for printed in (before, rows[table]):
            self.assertEqual(len(printed), len(set(printed)))
        self.assertEqual(sorted(set(before + rows[table])), sorted(every))
        if folder.name == "checkpoint-1":
            self.assertEqual(len(before + rows[table]), len(every))

    @staticmethod
    def last_rows(rows):
        last = {}
        for row in rows:
            kind, key = re.match(r"(..)\[(\d+), ", row).groups()
            if kind != "-U":
                last[int(key)] = row[2:]
        return last

    def check(self, folder):
        rows = self.go_on(folder)
        last = self.last_rows(rows["groups"])
        for key in range(7):
            ids = [n for n in range(1, NUMBERS + 1) if n % 7 == key]
            self.assertEqual(last[key], f"[{key}, {len(ids)}, {sum(ids)}, {min(ids)}, {max(map(str, ids))}, 11]")
        windows = Counter((n * 100 // 10_000, n % 3) for n in range(1, NUMBERS + 1))
        every = [f"+I[1970-01-01 00:{10 * start // 60:02}:{10 * start % 60:02}.000, {key}, {count}]"
                 for (start, key), count in windows.items()]
        self.assert_together(folder, "windows", rows, every)
        pairs = [f"+I[{2 * n}, name {n}]" for n in range(1, OTHERS + 1)]
        self.assert_together(folder, "pairs", rows, pairs)
        self.assertGreater(min(len(rows["windows"]), len(rows["pairs"]), len(self.published(folder, "pairs"))), 0)

    def test_each_version(self):
        folders = sorted((ROOT / "test/golden").glob("checkpoint-*"))
        self.assertTrue(folders)
        for folder in folders:
            with self.subTest(folder.name):
                self.check(folder)

    def test_uids_of_version_1_are_found_and_its_waiting_epoch_is_published(self):
        golden = ROOT / "test/golden/files-1"
        folder = self.base / "files"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(golden, folder)
        job = folder / "job.sql"
        job.write_text((ROOT / "test/golden/files.sql").read_text().replace("'out'", f"'{folder / 'out'}'"))
        engine = self.engine("run", job, "--checkpoint-dir", folder / "ckpt")
        self.assertEqual(engine.wait(120), 0, engine.err[-3000:])
        self.assertIn("does not say of what types its state is", engine.err)
        self.assertNotIn("starting empty", engine.err)
        rows = self.printed(engine.out, ("groups", "windows", "pairs", "distinct"))
        ids = []
        for part in (folder / "out").glob("part-*.csv"):
            ids += [int(line.split(",")[0]) for line in part.read_text().splitlines()]
        self.assertEqual(sorted(ids), list(range(11, NUMBERS + 1)))
        last = self.last_rows(rows["groups"])
        self.assertEqual([last[k] for k in range(4)], ["[0, 60, 10]", "[1, 60, 6]", "[2, 60, 2]", "[3, 60, 8]"])
        windows = {}
        for n in range(1, NUMBERS + 1):
            for start in (n * 100 // 5000 * 5 - 5, n * 100 // 5000 * 5):
                windows.setdefault(start, []).append(n % 7)
        epoch = datetime(1970, 1, 1)
        every = [f"+I[{epoch + timedelta(seconds=start)}.000, {len(found)}, {len(set(found))}]"
                 for start, found in windows.items()]
        self.assert_together(golden, "windows", rows, every)
        self.assert_together(golden, "pairs", rows, [f"+I[{n}, {2 * (n - 1)}]" for n in range(7, 290)])
        self.assert_together(golden, "distinct", rows, [f"+I[{n}]" for n in range(20)])

    def test_a_checkpoint_writes_what_changed_unless_it_is_to_stand_for_itself(self):
        for incremental in (True, False):
            folder = self.base / f"incremental-{incremental}"
            shutil.rmtree(folder, ignore_errors=True)
            self.run_engine("run", JOB, "--checkpoint-dir", folder, "--set", "execution.checkpointing.num-retained=100",
                            "--set", f"execution.checkpointing.incremental={str(incremental).lower()}")
            lines = self.run_engine("checkpoints", "list", folder, "--output", "json").splitlines()
            listed = [json.loads(line) for line in lines]
            adding = [each for each in listed if each["written_bytes"] < each["state_bytes"]]
            self.assertEqual(len(adding) > 0, incremental, listed)


if __name__ == "__main__":
    main()
