#!/usr/bin/env python3
"""The wall clock of the program is set back and forward while it runs, and between two runs.

Only the program's: libfaketime changes what it reads, and leaves the clock that never jumps alone.
"""
import time
from pathlib import Path

from harness import main, wait_for
from network import SEND_BATCH, Late
from network_job import NetworkJob

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
HOUR = 3_600


class ClockTest(NetworkJob):
    def setUp(self):
        super().setUp()
        if not LIBRARIES:
            self.skipTest("libfaketime is not installed: ./dev setup test")
        self.set_clock(0)
        self.environment = {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.path("clock")),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_clock(self, seconds):
        self.write("clock.new", f"{seconds:+d}\n").rename(self.path("clock"))

    def clock_of(self, topic):
        """Seconds by which the job's clock is ahead, as its lease says."""
        lease = self.path(topic + ".checkpoints") / "LEASE"
        return int(lease.read_text().split()[0]) / 1000 - time.time()

    def wait_for_clock(self, topic, seconds):
        lease = self.path(topic + ".checkpoints") / "LEASE"
        wait_for(lambda: lease.exists() and abs(self.clock_of(topic) - seconds) < 60,
                 what=f"the job's clock to be {seconds} s ahead")

    def checkpoints(self, topic):
        return max((int(path.parent.name[4:]) for path in
                    self.path(topic + ".checkpoints").glob("chk-*/manifest")), default=0)

    def wait_for_checkpoint(self, topic):
        before = self.checkpoints(topic)
        wait_for(lambda: self.checkpoints(topic) > before, 20, "another checkpoint")

    def test_copies_and_checkpoints_go_on(self):
        self.make_topics({self.topic: 2, self.topic + "_copies": 2})
        engine = self.start_job()
        count = 0
        for seconds in (0, -HOUR, 24 * HOUR, -24 * HOUR):
            self.set_clock(seconds)
            self.wait_for_clock(self.topic, seconds)
            self.send(self.wire, self.topic, count, count + 20)
            count += 20
            self.wait_for_rows(engine, self.wire, self.topic, count, 20)
            self.wait_for_checkpoint(self.topic)
            if seconds == -HOUR:
                engine.kill()
                engine = self.start_job()
        self.stop_and_audit(engine, self.wire, self.topic, count)

    def test_windows_close_when_the_clock_jumps(self):
        self.make_topics({self.topic: 2, self.topic + "_copies": 1})
        columns = "ts BIGINT, happened AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR happened AS happened"
        sql = ("SET 'execution.checkpointing.interval' = '200 ms'; SET 'parallelism.default' = '1';"
               + self.source(columns, scan_startup_mode="earliest", **{"scan.watermark.idle-timeout": "10 min"})
               + self.table("copies", "n BIGINT", self.topic + "_copies")
               + "INSERT INTO copies SELECT MIN(ts) FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(happened), "
               "INTERVAL '1' SECOND)) GROUP BY window_start, window_end;")
        engine = self.start(sql)
        expected = []
        for second, seconds in enumerate((0, -HOUR, -2 * HOUR, 24 * HOUR, 0)):
            self.set_clock(seconds)
            self.wait_for_clock(self.topic, seconds)
            # The other queue was proven empty long ago by one clock, and not yet by the other.
            self.wire.send(self.topic, '{"ts":%d}' % (second * 1000), queue=0)
            self.wire.send(self.topic, '{"ts":%d}' % (second * 1000 + 999), queue=0)
            self.wire.send(self.topic, '{"ts":%d}' % (second * 1000 + 1000), queue=0)
            expected.append(second * 1000)
            self.wait_for_windows(engine, expected)
        self.assertEqual(engine.stop(), 0, engine.err)
        self.assertIn("late 0,", engine.err)

    def start(self, sql):
        script = self.write("windows.sql", sql)
        return self.engine("run", script, "--checkpoint-dir", self.path(self.topic + ".checkpoints"),
                           environment=self.environment)

    def wait_for_windows(self, engine, expected):
        def arrived():
            self.assertTrue(engine.is_running(), engine.err)
            return sorted(message.row["n"] for message in self.wire.messages(self.topic + "_copies")) == expected
        wait_for(arrived, 20, f"the windows {expected}")

    def publish_late(self, jump):
        """A request of a killed job arrives 3 s later; the clock has jumped before the next start."""
        self.topic = f"late{jump}"
        self.make_topics({self.topic: 2, self.topic + "_copies": 2})
        engine = self.start_job()
        self.send(self.wire, self.topic, 0, 20)
        self.wait_for_rows(engine, self.wire, self.topic, 20)
        late = Late(3, SEND_BATCH)
        self.network.faults = [late]
        self.send(self.wire, self.topic, 20, 40)
        wait_for(lambda: late.hits > 0, what="a request on its way")
        engine.kill()
        self.network.faults = []
        self.set_clock(jump)
        engine = self.start_job()
        self.wait_for_rows(engine, self.wire, self.topic, 40)
        wait_for(lambda: late.arrived == late.hits, what="the late request")
        self.send(self.wire, self.topic, 40, 60)
        self.wait_for_rows(engine, self.wire, self.topic, 60)
        self.stop_and_audit(engine, self.wire, self.topic, 60)

    def test_recovery_waits_for_late_requests(self):
        self.publish_late(0)

    def test_recovery_waits_also_when_the_clock_was_set_forward(self):
        self.publish_late(HOUR)

    def test_recovery_waits_also_when_the_clock_was_set_back(self):
        self.publish_late(-HOUR)


if __name__ == "__main__":
    main()
