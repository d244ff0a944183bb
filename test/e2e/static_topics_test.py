#!/usr/bin/env python3
"""Static topics of two brokers, made and remapped by RocketMQ's own tool, beside the official Java client."""
import json
import os
import subprocess
from collections import Counter, defaultdict

from copy_job import CopyJobTest
from harness import PATIENCE, ROOT, main, wait_for
from second_broker import SecondBroker
from wire import ROUTE

TESTS = os.environ.get("SLIPSTREAM_CLIENT_TESTS", str(ROOT / "build/dev/bin/rocketmq_test"))
QUEUES = 4
COUNT = 5_000


class StaticTopicsTest(CopyJobTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = SecondBroker(cls.cluster)
        cls.addClassCleanup(cls.second.end)
        cls.second.start()

    # -- the tool

    def served(self, topic):
        """Who serves which logical queue."""
        route = self.wire.ask(ROUTE, {"topic": topic, "acceptStandardJsonOnly": "true"},
                              address=self.cluster.namesrv, allowed=range(1000))
        if route[0] != 0:
            return {}
        newest = {}
        for told in (json.loads(route[2])["topicQueueMappingByBroker"] or {}).values():
            for queue in told["currIdMap"]:
                newest[int(queue)] = max(newest.get(int(queue), (-1, "")), (told["epoch"], told["bname"]))
        return {queue: name for queue, (_, name) in newest.items()}

    def make(self, topic, *brokers):
        self.audit.mqadmin("updateStaticTopic", "-t", topic, "-qn", QUEUES, "-b", ",".join(brokers))
        wait_for(lambda: len(self.served(topic)) == QUEUES, what=f"the route of {topic}")

    def move(self, topic, *brokers):
        self.audit.mqadmin("remappingStaticTopic", "-t", topic, "-b", ",".join(brokers))
        wait_for(lambda: set(self.served(topic).values()) == set(brokers), what=f"the new route of {topic}")

    # -- what is seen

    @staticmethod
    def rows(engine):
        return [json.loads(line) for line in engine.out.splitlines() if line.startswith("{") and line.endswith("}")]

    def by_queue(self, rows):
        queues = defaultdict(list)
        for row in rows:
            queues[row["q"]].append((row["o"], row["n"]))
        return dict(queues)

    def java_reads(self, topic):
        queues = defaultdict(list)
        for queue, offset, _, _, _, body in self.audit.messages(topic):
            queues[int(queue)].append((int(offset), json.loads(body)["n"]))
        return dict(queues)

    def test_queues_move_while_a_job_reads_and_another_copies(self):
        copies = self.topic + "_copies"
        self.make(self.topic, "broker-a")
        self.make(copies, "broker-a", "broker-b")
        columns = ("n INT, q INT METADATA FROM 'queue-id', o BIGINT METADATA FROM 'queue-offset', "
                   "b STRING METADATA FROM 'broker'")
        start = {"scan.startup.group-offsets.reset": "earliest"}
        reader = self.engine("run", self.write("read.sql", self.source(columns, **start)
                                               + "SELECT n, q, o, b FROM source;"), "--output", "json")
        copy = self.engine("run", self.write("copy.sql", "SET 'execution.checkpointing.interval' = '500 ms';"
                                             + self.source("n INT", consumerGroup="copy_" + self.topic, **start)
                                             + self.table("copies", "n INT", copies, sink_send__timeout="120 s")
                                             + "INSERT INTO copies SELECT n FROM source;"),
                           "--checkpoint-dir", self.path("checkpoints"))
        producer = self.audit.produce_in_background(self.topic, COUNT, template='{"n":{n}}', batch=1, rate=80)

        def all_copied(count):
            self.assertTrue(reader.is_running(), reader.err)
            self.assertTrue(copy.is_running(), copy.err)
            return len(self.rows(reader)) >= count
        wait_for(lambda: all_copied(300), what="the first rows")
        self.move(self.topic, "broker-b")
        self.move(copies, "broker-b")
        seen = len(self.rows(reader))
        wait_for(lambda: all_copied(min(seen + 500, COUNT)), what="rows of the other broker")
        self.move(self.topic, "broker-a", "broker-b")
        self.move(copies, "broker-a")
        self.assertEqual(producer.wait(300 * PATIENCE), 0)
        wait_for(lambda: all_copied(COUNT), 120, "all rows")
        self.assertEqual(self.numbers_of(self.java_reads(self.topic)), Counter(range(COUNT)), "Java reads them all")
        rows = self.rows(reader)
        self.assertEqual({row["b"] for row in rows}, {"__syslo__global__"})
        self.assertEqual(self.by_queue(rows), self.java_reads(self.topic), "each queue in its order, once")
        wait_for(lambda: sum(map(len, self.java_reads(copies).values())) >= COUNT, 120, "all copies", pause=1)
        self.assertEqual(copy.stop(90), 0, copy.err)
        self.assertEqual(self.numbers_of(self.java_reads(copies)), Counter(range(COUNT)), "what Java reads of ours")
        reader.kill()
        described = self.run_engine("group", "describe", "copy_" + self.topic, "--topic", self.topic,
                                    "--output", "json", "--nameserver", self.cluster.namesrv)
        own = [row for row in map(json.loads, described.splitlines()) if row["topic"] == self.topic]
        self.assertEqual({row["broker"] for row in own}, {"__syslo__global__"})
        self.assertEqual([row["lag"] for row in own], [0] * QUEUES)

    @staticmethod
    def numbers_of(queues):
        return Counter(n for queue in queues.values() for _, n in queue)

    def test_a_group_of_the_client_reads_on(self):
        self.make(self.topic, "broker-a")
        self.audit.produce(self.topic, 500, batch=1)
        environment = dict(os.environ, SLIPSTREAM_TEST_NAME_SERVER=self.cluster.namesrv,
                           SLIPSTREAM_TEST_GROUP="g_" + self.topic, SLIPSTREAM_TEST_GROUP_TOPIC=self.topic,
                           SLIPSTREAM_TEST_GROUP_FILE=str(self.path("seen")), SLIPSTREAM_TEST_GROUP_ORDERLY="1")
        with open(self.path("group.out"), "wb") as out:
            group = subprocess.Popen([TESTS, "--gtest_filter=LiveMixedGroupTest.*"], env=environment, stdout=out,
                                     stderr=out)
        self.addCleanup(group.kill)
        producer = self.audit.produce_in_background(self.topic, 3_000, batch=1, rate=100, start=500)
        self.move(self.topic, "broker-b")
        self.assertEqual(producer.wait(300 * PATIENCE), 0)
        self.assertEqual(group.wait(300 * PATIENCE), 0, self.path("group.out").read_text()[-3000:])
        seen = Counter(json.loads(line)["seq"] for line in self.path("seen").read_text().splitlines())
        self.assertEqual(seen, Counter(range(3_500)))

    def test_exactly_once_is_refused(self):
        self.make(self.topic, "broker-a", "broker-b")
        sql = (self.table("target", "n INT", sink_delivery__guarantee="exactly-once")
               + "SET 'execution.checkpointing.interval' = '500 ms';INSERT INTO target SELECT 1;")
        engine = self.engine("run", self.write("fails.sql", sql), "--checkpoint-dir", self.path("checkpoints"))
        self.assertEqual(engine.wait(60), 2, engine.err)
        for text in ("is a static topic", "'sink.delivery-guarantee' = 'at-least-once'"):
            self.assertIn(text, engine.err)


if __name__ == "__main__":
    main()
