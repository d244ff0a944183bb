#!/usr/bin/env python3
"""Exactly-once: a filter and a window over one source, with kills, a broker crash, new queues and rescaling.

The official Java client reads the results: every message that went in is there once.
"""
import json
from collections import Counter

from crash_run import KILLS, MESSAGES, SOURCE, CrashRun
from harness import main

SINKS = """
CREATE TABLE kept (dense BIGINT, k STRING) WITH (
  'connector' = 'rocketmq', 'topic' = 'kept', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once');
CREATE TABLE totals (second_start BIGINT, k STRING, n BIGINT, lowest BIGINT, highest BIGINT) WITH (
  'connector' = 'rocketmq', 'topic' = 'totals', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once');
INSERT INTO kept SELECT seq - seq / 10 - 1, k FROM events WHERE digit <> 0;
INSERT INTO totals
SELECT MIN(seq) / 1000, k, COUNT(*), MIN(seq), MAX(seq)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(happened), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, k;
"""


class ExactlyOnceTest(CrashRun):
    def test_nothing_is_lost_and_nothing_comes_twice(self):
        sql = "SET 'execution.checkpointing.interval' = '500 ms';" + SOURCE + SINKS
        self.run_phases(sql.replace("{namesrv}", self.cluster.namesrv), {"kept": 4, "totals": 3})
        kept = MESSAGES * 9 // 10
        expected = Counter((n // 1000, f"k{n % 7}") for n in range(MESSAGES))
        self.drain("kept", kept)
        self.drain("totals", len(expected))
        self.stop_job()
        self.assertGreaterEqual(self.kills, KILLS)
        tally = self.audit.tally("kept", "dense", expect=(0, kept))
        self.assertEqual({name: tally[name] for name in ("messages", "missing", "duplicates", "unexpected")},
                         {"messages": kept, "missing": 0, "duplicates": 0, "unexpected": 0})
        # The watermark is so far behind that no row is late: every window is complete, and there once.
        rows = [json.loads(body) for body in self.audit.bodies("totals")]
        windows = Counter((row["second_start"], row["k"]) for row in rows)
        self.assertEqual([window for window, times in windows.items() if times > 1], [])
        self.assertEqual({(row["second_start"], row["k"]): row["n"] for row in rows}, dict(expected))
        self.assertEqual(sum(row["n"] for row in rows), MESSAGES)


if __name__ == "__main__":
    main()
