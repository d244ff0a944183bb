"""Tests that read one topic, and copy it to another."""
import json
import time

from harness import EndToEndTest, wait_for
from wire import Wire


class CopyJobTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire(self.cluster)
        self.topic = self._testMethodName[5:45]

    def tearDown(self):
        self.wire.close()
        super().tearDown()

    # -- tables

    def table(self, name, columns, topic=None, **options):
        """CREATE TABLE; in option names _ stands for . and __ for -."""
        given = {"connector": "rocketmq", "topic": topic or self.topic, "format": "json",
                 "nameServerAddress": self.cluster.namesrv}
        for key, value in options.items():
            given[key.replace("__", "-").replace("_", ".")] = value
        if "topic-pattern" in given:
            del given["topic"]
        text = ", ".join(f"'{key}' = '{value}'" for key, value in given.items() if value is not None)
        return f"CREATE TABLE {name} ({columns}) WITH ({text});\n"

    def source(self, columns="n INT", **options):
        return self.table("source", columns, **{"consumerGroup": "g_" + self.topic, **options})

    def bounded(self, columns="n INT", **options):
        return self.source(columns, **{"scan_bounded_mode": "latest-offset", **options})

    def select(self, create, query="SELECT * FROM source", seconds=120):
        out = self.run_engine("run", self.write("select.sql", create + query + ";"), "--output", "json",
                              seconds=seconds)
        return [json.loads(line) for line in out.splitlines()]

    def numbers(self, create, query="SELECT n FROM source"):
        return sorted(row["n"] for row in self.select(create, query))

    def fails(self, sql, status, *texts, verb="run"):
        engine = self.engine(verb, self.write("fails.sql", sql))
        self.assertEqual(engine.wait(60), status, engine.err)
        for text in texts:
            self.assertIn(text, engine.err)
        return engine.err

    def send_numbers(self, first, last, queue=0, **options):
        for n in range(first, last):
            offset = self.wire.send(self.topic, '{"n":%d}' % n, queue=queue, **options)
        # Stored is not yet readable: the broker's dispatcher comes behind.
        wait_for(lambda: self.wire.max_offset(self.topic, queue) > offset, what=f"{last - 1} to be readable")

    def three_and_three(self):
        """0, 1, 2 in queue 0 and 10, 11, 12 in queue 1."""
        self.create_topics({self.topic: 2})
        self.send_numbers(0, 3, queue=0)
        self.send_numbers(10, 13, queue=1)

    def send_later(self, number, queue):
        """Sends one message with a later store time than all before; answers that time."""
        before = self.wire.messages(self.topic, queue)[-1].store_ms
        wait_for(lambda: time.time() * 1000 > before + 1, what="the clock to go on")
        self.send_numbers(number, number + 1, queue=queue)
        return self.wire.messages(self.topic, queue)[-1].store_ms

    def start_copy(self, create, topics=True):
        """A job that copies n of the source to the topic `copies`, with checkpoints."""
        if topics:
            self.create_topics({self.topic + "_copies": 1})
        sql = ("SET 'execution.checkpointing.interval' = '200 ms';" + create
               + self.table("copies", "n INT", self.topic + "_copies")
               + "INSERT INTO copies SELECT n FROM source;")
        return self.engine("run", self.write("copy.sql", sql), "--checkpoint-dir", self.path("checkpoints"))

    def copies(self):
        return sorted(message.row["n"] for message in self.wire.messages(self.topic + "_copies", 0))

    def wait_for_copies(self, engine, expected):
        def arrived():
            self.assertTrue(engine.is_running(), engine.err)
            return self.copies() == expected
        wait_for(arrived, what=f"the copies {expected}")
