#!/usr/bin/env python3
"""The programs of examples/ that need no broker: run, cancelled, killed, started again."""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

import harness
from harness import PROGRAM, ROOT


def wait_for(condition, what):
    return harness.wait_for(condition, what=what, pause=0.01)


class Example:
    """A running program; its lines are collected as they come."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([PROGRAM.parent / f"example_{name}", *map(str, arguments)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.errors = [], []
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def send(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def wait_for_line(self, line, count=1):
        wait_for(lambda: self.lines.count(line) >= count or self.process.poll() is not None, f"line {line!r}")
        assert self.lines.count(line) >= count, (line, self.lines, self.errors)

    def signal(self, number):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        code = self.process.wait(30 * harness.PATIENCE)
        for reader in self.readers:
            reader.join(10 * harness.PATIENCE)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        self.base = ROOT / "build/e2e/examples" / self.id().rsplit(".", 1)[-1]
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)

    def start(self, name, *arguments):
        example = Example(name, *arguments)
        self.addCleanup(example.end)
        return example

    def test_word_count(self):
        example = self.start("word_count")
        self.assertEqual(example.wait(), 0, example.errors)
        last = dict(line.split() for line in example.lines)
        self.assertEqual((last["to"], last["be"], last["question"]), ("2", "2", "1"))

    def test_sql_and_streams(self):
        example = self.start("sql_and_streams")
        self.assertEqual(example.wait(), 0, example.errors)
        self.assertEqual(sorted(example.lines), ["milk: 1673340 in 334 bids", "tea: 831660 in 166 bids"])

    def numbers_written(self):
        counts = Counter()
        for file in (self.base / "out").glob("[!.]*"):
            for line in file.read_text().splitlines():
                row = json.loads(line)
                counts[(row["split"], row["value"])] += 1
        return counts

    def test_custom_source_killed_stopped_and_started_again(self):
        size = 20_000
        arguments = ("custom_source", self.base / "out", self.base / "checkpoints", size)

        def more_than(rows):
            return lambda: sum(self.numbers_written().values()) > rows
        for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            before = sum(self.numbers_written().values())
            example = self.start(*arguments)
            wait_for(lambda: more_than(before)() or example.process.poll() is not None, "more rows")
            if example.process.poll() is None:
                self.assertIn(example.signal(end), (0, -signal.SIGKILL), example.errors)
        example = self.start(*arguments)
        self.assertEqual(example.wait(), 0, example.errors)
        counts = self.numbers_written()
        self.assertEqual(len(counts), 4 * size)
        self.assertEqual(set(counts.values()), {1})

    def test_control_stream_remembers_its_rules(self):
        rules = self.base / "rules"
        rules.write_text("block spam\n")
        arguments = ("control_stream", rules, self.base / "checkpoints")
        example = self.start(*arguments)
        example.wait_for_line("rule: block spam")
        example.send("spam")
        example.send("eggs")
        example.wait_for_line("eggs")
        with rules.open("a") as file:
            file.write("block eggs\n")
        example.wait_for_line("rule: block eggs")
        example.send("eggs")
        example.send("ham")
        example.wait_for_line("ham")
        self.assertEqual(example.signal(signal.SIGTERM), 0, example.errors)
        self.assertEqual(example.lines, ["rule: block spam", "eggs", "rule: block eggs", "ham"])

        again = self.start(*arguments)
        with rules.open("a") as file:
            file.write("allow spam\n")
        again.wait_for_line("rule: allow spam")
        again.send("eggs")
        again.send("spam")
        again.wait_for_line("spam")
        self.assertEqual(again.lines, ["rule: allow spam", "spam"])
        self.assertEqual(again.signal(signal.SIGINT), 0, again.errors)

    def test_buffering_sink_loses_nothing(self):
        count = 3_000
        output = self.base / "numbers"
        arguments = ("buffering_sink", output, self.base / "checkpoints", count)

        def lines():
            return output.read_text().split() if output.exists() else []
        for end in (signal.SIGKILL, signal.SIGTERM):
            before = len(lines())
            example = self.start(*arguments)
            wait_for(lambda: len(lines()) > before + 200 or example.process.poll() is not None, "more numbers")
            if example.process.poll() is None:
                example.signal(end)
        example = self.start(*arguments)
        self.assertEqual(example.wait(), 0, example.errors)
        self.assertEqual(sorted(set(map(int, lines()))), list(range(count)))

    def test_embedded_job_in_a_main_loop(self):
        example = self.start("embedded", self.base / "checkpoints")
        example.send("send tea")
        example.send("send tea")
        example.wait_for_line("tea 2")
        example.send("savepoint")
        wait_for(lambda: any(line.startswith("savepoint ") for line in example.lines), "the savepoint")
        example.send("restart")
        example.wait_for_line("stopped: ok")
        example.send("send tea")
        example.wait_for_line("tea 3")
        example.send("savepoint")
        wait_for(lambda: sum(line.startswith("savepoint ") for line in example.lines) == 2, "the second savepoint")
        example.send("cancel")
        wait_for(lambda: any(line.startswith("cancelled: ") for line in example.lines), "the cancellation")
        example.send("send tea")
        example.wait_for_line("tea 4")
        example.send("quit")
        self.assertEqual(example.wait(), 0, example.errors)
        self.assertNotIn("tea 5", example.lines)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
