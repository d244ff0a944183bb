#!/usr/bin/env python3
"""Exactly-once: a filter and a window over one source, with kills, a broker crash, new queues and rescaling; and
rows by key, with kills and rescaling.

The official Java client reads the results: every message that went in is there once.
"""
import json
from collections import Counter

from crash_run import KILLS, MANY, MESSAGES, SOURCE, CrashRun
from harness import main, wait_for

SINKS = """
CREATE TABLE kept (dense BIGINT, k STRING) WITH (
  'connector' = 'rocketmq', 'topic' = 'kept', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'{fence});
CREATE TABLE totals (second_start BIGINT, k STRING, n BIGINT, lowest BIGINT, highest BIGINT) WITH (
  'connector' = 'rocketmq', 'topic' = 'totals', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'{fence});
INSERT INTO kept SELECT seq - seq / 10 - 1, k FROM events WHERE digit <> 0;
INSERT INTO totals
SELECT MIN(seq) / 1000, k, COUNT(*), MIN(seq), MAX(seq)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(happened), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, k;
"""


class ExactlyOnceTest(CrashRun):
    def test_nothing_is_lost_and_nothing_comes_twice(self):
        fence = ", 'sink.fence-wait' = '200 ms'" if MANY else ""
        sql = "SET 'execution.checkpointing.interval' = '500 ms';" + SOURCE + SINKS.replace("{fence}", fence)
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


class UpsertTest(CrashRun):
    """A result that changes, as rows by key: the last message of each key is what the query says in the end."""
    moments = [(0.5, 6)]
    KEYS = 7
    COUNT = 20_000

    def keys_of(self, topic):
        """{key: its bodies in order}, as the Java client reads them; all those of a key are in one queue."""
        queues, bodies = {}, {}
        for queue, _, _, _, key, body in self.audit.messages(topic):
            self.assertEqual(queues.setdefault(key, queue), queue, f"messages of {key} are in two queues")
            bodies.setdefault(key, []).append(body)
        return bodies

    def test_the_last_message_of_a_key_is_its_row(self):
        """Keys with an even count are filtered away: they come and go with every message."""
        sql = "SET 'execution.checkpointing.interval' = '500 ms';" + SOURCE + """
            CREATE TABLE counts (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH (
              'connector' = 'rocketmq', 'topic' = 'counts', 'nameServerAddress' = '{namesrv}', 'format' = 'json',
              'changelog.mode' = 'upsert', 'key.format' = 'raw', 'sink.delivery-guarantee' = 'exactly-once');
            INSERT INTO counts SELECT k, n FROM (SELECT k, COUNT(*) AS n FROM events GROUP BY k) WHERE MOD(n, 2) = 1;
            """
        self.create_topics({"events": 4, "counts": 3})
        self.write("job.sql", sql.replace("{namesrv}", self.cluster.namesrv))
        self.start_job()
        for first in range(0, self.COUNT, self.COUNT // 4):
            self.produce(first, self.COUNT // 4)
            self.kill_after(self.moment())
            self.wait_for_producer()
        self.drain_input()
        self.stop_job()
        counts = Counter(f"k{n % self.KEYS}" for n in range(self.COUNT))
        bodies = self.keys_of("counts")
        last = {key: json.loads(each[-1])["n"] for key, each in bodies.items() if each[-1]}
        self.assertEqual(last, {key: n for key, n in counts.items() if n % 2 == 1})
        self.assertEqual(set(bodies), set(counts))
        for key, each in bodies.items():
            values = [json.loads(body)["n"] for body in each if body]
            self.assertEqual(values, sorted(set(values)), f"{key} goes back or comes twice")
            self.assertTrue(all(value % 2 == 1 for value in values), key)
        self.assertIn("", [body for each in bodies.values() for body in each])

    def test_a_compaction_topic_takes_rows_by_key(self):
        if self.version < "5":
            self.skipTest("brokers 4.x have no compaction topics")
        self.wire.ask(17, {"topic": "compacted", "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 2,
                           "perm": 6, "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false",
                           "attributes": "+cleanup.policy=COMPACTION"})
        table = """
            CREATE TABLE t (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'rocketmq',
              'topic' = 'compacted', 'nameServerAddress' = '%s', 'format' = 'json'%s);
            INSERT INTO t SELECT k, COUNT(*) FROM (VALUES ('a'), ('b'), ('a')) AS v(k) GROUP BY k;
            """
        upsert = ", 'changelog.mode' = 'upsert', 'key.format' = 'raw'"
        self.run_engine("run", self.write("upsert.sql", table % (self.cluster.namesrv, upsert)))
        wait_for(lambda: self.wire.count("compacted") >= 2, what="two keys")
        self.assertEqual({key: json.loads(each[-1])["n"] for key, each in self.keys_of("compacted").items()},
                         {"a": 2, "b": 1})
        plain = table.replace("COUNT(*) FROM", "1 FROM").replace(" GROUP BY k", "")
        self.write("plain.sql", plain % (self.cluster.namesrv, ""))
        engine = self.engine("run", self.path("plain.sql"))
        self.assertNotEqual(engine.wait(), 0)
        self.assertIn("brokers lose messages without a key there", engine.err)


if __name__ == "__main__":
    main()
