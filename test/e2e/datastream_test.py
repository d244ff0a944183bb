#!/usr/bin/env python3
"""The programs of examples/ that read and write topics, against a real broker."""
import json
import signal
from collections import Counter

from examples_test import Example
from harness import PATIENCE, EndToEndTest, main, wait_for
from wire import Wire

MESSAGES = 20_000
ADDRESS = "{n%90} Lake Road, Hangzhou, province-{n%7}"


class DataStreamTest(EndToEndTest):
    broker_options = {"enablePropertyFilter": "true"}

    def setUp(self):
        super().setUp()
        self.wire = Wire(self.cluster)
        self.addCleanup(self.wire.close)

    def start(self, name, *arguments):
        example = Example(name, *arguments)
        self.addCleanup(example.end)
        return example

    def is_at_end(self, program, group, topic):
        self.assertIsNone(program.process.poll(), program.errors)
        queues = range(self.wire.queues(topic))
        return all(self.wire.group_offset(group, topic, queue) == self.wire.max_offset(topic, queue)
                   for queue in queues)

    def test_readme(self):
        self.create_topics({"readme_source": 4, "readme_sink": 4})
        self.audit.produce("readme_source", 400, ADDRESS, start=10 * MESSAGES, keys=True)
        arguments = (self.cluster.namesrv, "readme_source", "readme_sink", self.path("checkpoints"))
        program = self.start("rocketmq_readme", *arguments)
        # A fresh group begins at the end, and its first checkpoint says so.
        wait_for(lambda: self.is_at_end(program, "readme_consumers", "readme_source"), 60, "the first checkpoint")
        producer = self.audit.produce_in_background("readme_source", MESSAGES, ADDRESS, keys=True, rate=1_500)
        self.addCleanup(producer.kill)
        wait_for(lambda: self.wire.count("readme_sink") > MESSAGES // 20, 60, "the first results")
        program.process.kill()
        program.process.wait()
        self.assertIsNone(producer.poll(), "the kill came after the last message")
        program = self.start("rocketmq_readme", *arguments)
        self.assertEqual(producer.wait(120 * PATIENCE), 0)
        wait_for(lambda: self.is_at_end(program, "readme_consumers", "readme_source"), 120,
                 "a checkpoint behind the last message")
        self.assertEqual(program.signal(signal.SIGTERM), 0, program.errors)

        written = Counter()
        for *_, key, body in self.audit.messages("readme_sink"):
            resident = json.loads(body)
            self.assertEqual(resident, {"id": key, "province": f"province-{int(key) % 7}"})
            written[int(key)] += 1
        self.assertEqual(set(written), set(range(MESSAGES)))
        print(f"  {written.total() - MESSAGES} duplicates", flush=True)

    def test_talk(self):
        self.create_topics({"flink-source": 4, "flink-sink": 4})
        self.audit.produce("flink-source", 1_000, ADDRESS, keys=True)
        program = self.start("rocketmq_talk", self.cluster.namesrv)
        wait_for(lambda: self.wire.count("flink-sink") >= 1_000, 60, "the results")
        self.assertEqual(program.signal(signal.SIGTERM), 0, program.errors)
        messages = {key: body for *_, key, body in self.audit.messages("flink-sink")}
        self.assertEqual(messages, {str(n): f"province-{n % 7}" for n in range(1_000)})

    def test_brokers_filter_by_properties(self):
        self.create_topics({"filtered": 2})
        for tag in "red", "blue":
            self.audit.produce("filtered", 100, tag + "-{n}", tag=tag)
        table = """CREATE TABLE t (body STRING) WITH ('connector' = 'rocketmq', 'topic' = 'filtered',
            'consumerGroup' = 'filter', 'nameServerAddress' = '%s', 'format' = 'raw', 'scan.filter.sql' = '%s',
            'scan.startup.mode' = 'earliest', 'scan.bounded.mode' = 'latest-offset'); SELECT * FROM t;"""
        rows = self.run_engine("run", self.write("red.sql", table % (self.cluster.namesrv, "TAGS = ''red''")))
        for n in range(100):
            self.assertIn(f"red-{n}", rows)
        self.assertNotIn("blue", rows)
        wrong = self.engine("run", self.write("wrong.sql", table % (self.cluster.namesrv, "TAGS = = 1")))
        self.assertNotEqual(wrong.wait(60), 0)
        self.assertIn("scan.filter.sql", wrong.err)


if __name__ == "__main__":
    main()
