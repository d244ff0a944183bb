#!/usr/bin/env python3
"""At-least-once: the same with a sink that may write twice, and must never lose."""
from crash_run import KILLS, MESSAGES, SOURCE, CrashRun
from harness import main

SINK = """
CREATE TABLE kept (dense BIGINT, k STRING) WITH (
  'connector' = 'rocketmq', 'topic' = 'kept', 'nameServerAddress' = '{namesrv}', 'format' = 'json');
INSERT INTO kept SELECT seq - seq / 10 - 1, k FROM events WHERE digit <> 0;
"""


class AtLeastOnceTest(CrashRun):
    moments = [(0.05, 1), (1, 4)]  # nothing waits for a fence here

    def test_nothing_is_lost(self):
        sql = "SET 'execution.checkpointing.interval' = '500 ms';" + SOURCE + SINK
        self.run_phases(sql.replace("{namesrv}", self.cluster.namesrv), {"kept": 4})
        kept = MESSAGES * 9 // 10
        self.drain_input()
        self.stop_job()
        self.assertGreaterEqual(self.kills, KILLS)
        tally = self.audit.tally("kept", "dense", expect=(0, kept))
        self.assertEqual((tally["missing"], tally["unexpected"]), (0, 0), tally)
        print(f"  {tally['duplicates']} duplicates", flush=True)


if __name__ == "__main__":
    main()
