#!/usr/bin/env python3
"""Checkpoints of former format versions stay readable: each folder test/golden/checkpoint-N holds a savepoint of format
version N, the job that wrote it and what that job had published. Needs no broker."""
import re
from collections import Counter

from harness import ROOT, EndToEndTest, main

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
        """Restores the savepoint, runs to the end of input and returns the printed rows by table, in order."""
        (savepoint,) = folder.glob("chk-*")
        printed = self.run_engine("run", folder / "job.sql", "--from", savepoint).splitlines()
        return {table: [re.sub(r"^\w+:\d+> ", "", line) for line in printed if line.startswith(table + ":")]
                for table in ("groups", "windows", "pairs")}

    def published(self, folder, table):
        lines = (folder / "published.txt").read_text().splitlines()
        return [line.split("> ", 1)[1] for line in lines if line.startswith(table + ">")]

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
        self.assertEqual(sorted(self.published(folder, "windows") + rows["windows"]), sorted(every))
        pairs = [f"+I[{2 * n}, name {n}]" for n in range(1, OTHERS + 1)]
        self.assertEqual(sorted(self.published(folder, "pairs") + rows["pairs"]), sorted(pairs))
        self.assertGreater(min(len(rows["windows"]), len(rows["pairs"]), len(self.published(folder, "pairs"))), 0)

    def test_each_version(self):
        folders = sorted((ROOT / "test/golden").glob("checkpoint-*"))
        self.assertTrue(folders)
        for folder in folders:
            with self.subTest(folder.name):
                self.check(folder)


if __name__ == "__main__":
    main()
