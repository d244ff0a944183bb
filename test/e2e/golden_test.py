#!/usr/bin/env python3
"""Checkpoints of former versions stay readable: each folder test/golden/checkpoint-N holds one with keyed state of
version N, written by test/golden/job.sql, and what that job had published. That of version 1 is a savepoint, that of
version 2 was there when the job was killed and refers to an older file. Needs no broker."""
import json
import re
import shutil
from collections import Counter

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
        printed = self.run_engine("run", JOB, "--from", manifest.parent).splitlines()
        return {table: [re.sub(r"^\w+:\d+> ", "", line) for line in printed if line.startswith(table + ":")]
                for table in ("groups", "windows", "pairs")}

    def published(self, folder, table):
        lines = (folder / "published.txt").read_text().splitlines()
        return [line.split("> ", 1)[1] for line in lines if line.startswith(table + ">")]

    def assert_together(self, folder, table, rows, every):
        """What was printed before and now is everything, nothing twice in one run; after a savepoint nothing at all."""
        before = self.published(folder, table)
        for printed in (before, rows[table]):
            self.assertEqual(len(printed), len(set(printed)))
        self.assertEqual(sorted(set(before + rows[table])), sorted(every))
        if folder.name == "checkpoint-1":
            self.assertEqual(len(before + rows[table]), len(every))

    def check(self, folder):
        rows = self.go_on(folder)
        last = {}
        for row in rows["groups"]:
            kind, key = re.match(r"(..)\[(\d+), ", row).groups()
            if kind != "-U":
                last[int(key)] = row[2:]
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
