#!/usr/bin/env python3
"""A bad network between an exactly-once job and its servers: slow, throttled, busy, cut short, damaged, moved.

Each test ends with the judgement that nothing was lost and nothing is there twice.
"""
import struct

from harness import main, wait_for
from network import (FLOW_CONTROL, SEND_BATCH, SEND_V2, SYSTEM_BUSY, Busy, Delay, FewerQueues, FlipBody, Mangle,
                     Throttle)
from network_job import NetworkJob
from wire import MAX_OFFSET, PULL, ROUTE, SEND, UPDATE_OFFSET


def cut_short(frame):
    return frame[:len(frame) * 2 // 3]


def no_json(frame):
    (length,) = struct.unpack_from(">I", frame, 4)
    return frame[:8] + b"<" * (length & 0xFFFFFF) + frame[8 + (length & 0xFFFFFF):]


def endless(frame):
    return struct.pack(">I", 0x7FFFFFFF) + frame[4:]


def negative(frame):
    return struct.pack(">i", -1) + frame[4:]


def header_beyond_the_frame(frame):
    return frame[:4] + struct.pack(">I", 0xFFFFFF) + frame[8:]


class NetworkTest(NetworkJob):
    def copy_under(self, *faults, first=60, count=120, seconds=90):
        """A job copies a few messages, then more while the faults are there. Answers the engine."""
        self.make_topics({self.topic: 2, self.topic + "_copies": 2})
        self.send(self.wire, self.topic, 0, first)
        engine = self.start_job()
        self.wait_for_rows(engine, self.wire, self.topic, first)
        self.network.faults = list(faults)
        self.send(self.wire, self.topic, first, count)
        self.wait_for_rows(engine, self.wire, self.topic, count, seconds)
        return engine

    def check_hits(self, *faults):
        for fault in faults:
            self.assertGreater(fault.hits, 0, f"{type(fault).__name__} never came to act")

    def test_slow_broker(self):
        slow = Delay(0.3)
        engine = self.copy_under(slow)
        self.stop_and_audit(engine, self.wire, self.topic, 120)
        self.check_hits(slow)

    def test_throttled_connections(self):
        throttle = Throttle(3_000)
        engine = self.copy_under(throttle)
        self.network.faults = []
        self.stop_and_audit(engine, self.wire, self.topic, 120)
        self.check_hits(throttle)

    def test_broker_is_busy(self):
        busy = [Busy((PULL,), SYSTEM_BUSY, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while"),
                Busy((SEND, SEND_V2, SEND_BATCH), SYSTEM_BUSY, "[PCBUSY_CLEAN_QUEUE]broker busy"),
                Busy((MAX_OFFSET, UPDATE_OFFSET), SYSTEM_BUSY, "[OVERLOAD]system busy", every=2)]
        engine = self.copy_under(*busy)
        self.stop_and_audit(engine, self.wire, self.topic, 120)
        self.check_hits(*busy)

    def test_flow_control(self):
        limits = Busy((PULL, SEND, SEND_V2, SEND_BATCH), FLOW_CONTROL, "flow control", every=3)
        engine = self.copy_under(limits)
        self.stop_and_audit(engine, self.wire, self.topic, 120)
        self.check_hits(limits)

    def test_frames_that_are_cut_short_or_lie(self):
        changes = (cut_short, no_json, endless, negative, header_beyond_the_frame)
        faults = [Mangle(code, change, times=1) for change in changes for code in (PULL, SEND_BATCH)]
        faults += [Mangle(ROUTE, change, times=1) for change in (cut_short, no_json)]  # asked for every 5 s
        engine = self.copy_under(*faults)
        for n in range(120, 200):  # one answer is damaged at a time
            self.send(self.wire, self.topic, n, n + 1)
            self.wait_for_rows(engine, self.wire, self.topic, n + 1)
            if all(fault.hits for fault in faults):
                break
        self.check_hits(*faults)
        self.stop_and_audit(engine, self.wire, self.topic, n + 1)

    def test_record_with_a_wrong_crc_is_read_again(self):
        flip = FlipBody(times=2)
        engine = self.copy_under(flip)
        self.stop_and_audit(engine, self.wire, self.topic, 120)
        self.check_hits(flip)
        self.assertIn("CRC", engine.err)

    def test_record_that_stays_damaged_ends_the_job(self):
        self.make_topics({self.topic: 1, self.topic + "_copies": 2})
        self.send(self.wire, self.topic, 0, 20, queues=1)
        self.network.faults = [FlipBody(times=1000)]
        engine = self.start_job()
        self.assertEqual(engine.wait(60), 1, engine.err)
        for text in (f"{self.topic}/broker-a/0", "offset 0", "CRC"):
            self.assertIn(text, engine.err)
        self.assertEqual(self.wire.count(self.topic + "_copies"), 0)
        self.network.faults = []
        engine = self.start_job()
        self.wait_for_rows(engine, self.wire, self.topic, 20)
        self.stop_and_audit(engine, self.wire, self.topic, 20)

    def test_route_with_fewer_queues(self):
        fewer = [FewerQueues(self.topic, 1), FewerQueues(self.topic + "_copies", 1)]
        engine = self.copy_under(*fewer)
        routes = self.network.seen[ROUTE]
        wait_for(lambda: self.network.seen[ROUTE] >= routes + 2, what="routes with fewer queues")
        self.send(self.wire, self.topic, 120, 160)  # also to the queue that the route has lost
        self.wait_for_rows(engine, self.wire, self.topic, 160)
        engine.kill()
        engine = self.start_job()
        self.send(self.wire, self.topic, 160, 200)
        self.wait_for_rows(engine, self.wire, self.topic, 200)
        self.check_hits(*fewer)
        self.stop_and_audit(engine, self.wire, self.topic, 200)

    def test_master_moves_to_another_address(self):
        engine = self.copy_under()
        for n in (120, 160):
            before, after = self.network.move_broker()
            self.assertNotEqual(before, after)
            self.send(self.wire, self.topic, n, n + 40)
            self.wait_for_rows(engine, self.wire, self.topic, n + 40)
        engine.kill()
        self.network.move_broker()
        engine = self.start_job()
        self.send(self.wire, self.topic, 200, 220)
        self.wait_for_rows(engine, self.wire, self.topic, 220)
        self.stop_and_audit(engine, self.wire, self.topic, 220)


if __name__ == "__main__":
    main()
