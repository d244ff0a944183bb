#!/usr/bin/env python3
"""A small memory budget: a big backlog makes the job slow down and not grow; state beyond the budget ends it."""
import contextlib
import re
import subprocess
from pathlib import Path

from harness import main
from network import Delay
from network_job import NetworkJob

MESSAGES, BODY = 100_000, 2_000
MIB = 1 << 20
RESIDENT_MAX = 120 * MIB  # the budget and the program itself; the backlog is larger
SMALL = "SET 'slipstream.memory' = '16 mb';"


class MemoryTest(NetworkJob):
    def send_backlog(self):
        self.create_topics({self.topic: 4, self.topic + "_copies": 4})
        filler = "x" * (BODY - 20)
        lines = self.path("lines")
        with open(lines, "w") as file:
            for n in range(MESSAGES):
                file.write('{"n":%d,"f":"%s"}\n' % (n, filler))
        self.run_engine("produce", self.topic, "--file", lines, "--nameserver", self.cluster.namesrv)
        lines.unlink()

    @staticmethod
    def resident_most(engine):
        status = Path(f"/proc/{engine.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def test_a_backlog_behind_a_slow_sink(self):
        self.send_backlog()
        there = {"nameServerAddress": self.network.namesrv}
        sql = (SMALL + "SET 'execution.checkpointing.interval' = '1 s'; SET 'parallelism.default' = '1';"
               + self.source("n INT, f STRING", scan_startup_mode="earliest")
               + self.table("copies", "n INT, f STRING", self.topic + "_copies",
                            sink_delivery__guarantee="exactly-once", **there)
               + "INSERT INTO copies SELECT n, f FROM source;")
        slow = Delay(0.2)
        self.network.faults = [slow]
        engine = self.engine("run", self.write("copy.sql", sql), "--checkpoint-dir", self.path("checkpoints"))
        self.wait_for_rows(engine, self.wire, self.topic, MESSAGES // 20, 120)
        self.network.faults = []
        self.wait_for_rows(engine, self.wire, self.topic, MESSAGES, 240)
        resident = self.resident_most(engine)
        self.assertEqual(engine.stop(60), 0, engine.err)
        self.assertGreater(slow.hits, 0)
        tally = self.audit.tally(self.topic + "_copies", "n", expect=(0, MESSAGES))
        self.assertEqual((tally["messages"], tally["missing"], tally["duplicates"]), (MESSAGES, 0, 0))
        print(f"  {resident // MIB} MiB at most for a backlog of {MESSAGES * BODY // MIB} MiB", flush=True)
        self.assertLess(resident, RESIDENT_MAX)

    def test_state_beyond_the_budget(self):
        numbers = ("CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '0', "
                   "'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = '%d');"
                   "CREATE TABLE gone (k INT, n BIGINT) WITH ('connector' = 'blackhole');"
                   "INSERT INTO gone SELECT k, COUNT(*) FROM numbers GROUP BY k;")
        self.run_engine("run", self.write("fits.sql", SMALL + numbers % 20_000))
        engine = self.engine("run", self.write("large.sql", SMALL + numbers % 20_000_000))
        most = 0
        while engine.is_running():
            most = max(most, self.peek(engine))
            with contextlib.suppress(subprocess.TimeoutExpired):
                engine.process.wait(0.05)
        self.assertEqual(engine.wait(60), 1, engine.err)
        for text in ("operator '", f"of its {16 * MIB} bytes", "table.exec.state.ttl"):
            self.assertIn(text, engine.err)
        self.assertLess(most, RESIDENT_MAX)

    def peek(self, engine):
        try:
            return self.resident_most(engine)
        except (OSError, TypeError):
            return 0


if __name__ == "__main__":
    main()
