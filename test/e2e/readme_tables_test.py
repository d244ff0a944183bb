#!/usr/bin/env python3
"""Tables of the first rocketmq-flink README, letter for letter but for the address: they must just run.

Tables in the words of its later generations too, with options that decide nothing here.
"""
import json

from harness import EndToEndTest, main, wait_for
from wire import Wire

TOPIC = "user_behavior"
SOURCE = """
CREATE TABLE rocketmq_source (
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'consumerGroup' = 'behavior_consumer_group',
  'nameServerAddress' = '127.0.0.1:9876'
);
"""
SINK = """
CREATE TABLE rocketmq_sink (
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'produceGroup' = 'behavior_produce_group',
  'nameServerAddress' = '127.0.0.1:9876'
);
"""
WITH_TOPIC = """
CREATE TABLE rocketmq_source (
  `topic` STRING METADATA VIRTUAL,
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'consumerGroup' = 'behavior_consumer_group',
  'nameServerAddress' = '127.0.0.1:9876'
);
"""
LATER_SOURCE = """
CREATE TABLE rocketmq_source (`user_id` BIGINT, `item_id` BIGINT, `behavior` STRING) WITH (
  'connector' = 'rocketmq',
  'rocketmq.client.endpoints' = '127.0.0.1:9876',
  'rocketmq.client.partition.discovery.interval.ms' = '10000',
  'rocketmq.client.message.length.check' = 'PAD',
  'rocketmq.source.topic' = 'user_behavior',
  'rocketmq.source.group' = 'later_consumer_group',
  'rocketmq.source.startup.scan.mode' = 'earliest',
  'rocketmq.source.api.new.enable' = 'true',
  'rocketmq.source.allocate.strategy' = 'average',
  'rocketmq.source.pull.threads.num' = '20'
);
"""
LATER_SINK = """
CREATE TABLE rocketmq_sink (`user_id` BIGINT, `item_id` BIGINT, `behavior` STRING) WITH (
  'connector' = 'rocketmq',
  'rocketmq.client.endpoints' = '127.0.0.1:9876',
  'rocketmq.sink.topic' = 'user_behavior',
  'rocketmq.sink.group' = 'later_producer_group',
  'rocketmq.sink.delivery.guarantee' = 'AT_LEAST_ONCE',
  'rocketmq.sink.executor.num' = '4',
  'rocketmq.sink.retry.times' = '10',
  'isDynamicTag' = 'false'
);
"""
BODIES = ["1\x0110\x01buy\n2\x0120\x01pv\n3\x0130\x01\n",  # three rows, the last with an empty text
          "\n",  # none
          "4\x0140\x01fav"]  # one, without a line end
ROWS = [(1, 10, "buy"), (2, 20, "pv"), (3, 30, ""), (4, 40, "fav")]


class ReadmeTablesTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire(self.cluster)
        self.create_topics({TOPIC: 4})

    def tearDown(self):
        self.wire.close()
        self.run_engine("topic", "delete", TOPIC, "--nameserver", self.cluster.namesrv, seconds=60)
        super().tearDown()

    def sql(self, *parts):
        return self.write("job.sql", "".join(parts).replace("127.0.0.1:9876", self.cluster.namesrv))

    def send_bodies(self):
        for queue, body in enumerate(BODIES):
            self.wire.send(TOPIC, body, queue=queue)

    def group_reads_from_the_first_message(self):
        for queue in range(4):
            self.wire.set_group_offset("behavior_consumer_group", TOPIC, queue, 0)

    def test_source_reads_no_row_to_many_rows_of_a_message(self):
        self.send_bodies()
        self.group_reads_from_the_first_message()
        out = self.run_engine("run", self.sql(SOURCE, "SELECT * FROM rocketmq_source LIMIT 4;"),
                              "--output", "json")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(sorted((row["user_id"], row["item_id"], row["behavior"]) for row in rows), ROWS)

    def test_topic_column_in_front_is_not_part_of_the_body(self):
        self.send_bodies()
        self.group_reads_from_the_first_message()
        out = self.run_engine("run", self.sql(WITH_TOPIC, "SELECT * FROM rocketmq_source LIMIT 4;"),
                              "--output", "json")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(sorted(tuple(row.values()) for row in rows), [(TOPIC, *row) for row in ROWS])
        self.assertEqual(list(rows[0]), ["topic", "user_id", "item_id", "behavior"])

    def test_source_without_a_start_option_begins_at_new_messages(self):
        self.send_bodies()
        # Brokers keep offsets of groups when a topic is deleted: a group that no other test has.
        source = SOURCE.replace("behavior_consumer_group", "fresh_group")
        engine = self.engine("run", self.sql("SET 'execution.checkpointing.interval' = '200 ms';", source,
                                             "SELECT * FROM rocketmq_source LIMIT 1;"), "--output", "json")
        # It stands at the ends of all queues once the group has offsets there.
        wait_for(lambda: self.wire.group_offset("fresh_group", TOPIC, 0) == 1, what="a group offset")
        self.wire.send(TOPIC, "5\x0150\x01cart", queue=0)
        self.assertEqual(engine.wait(60), 0, engine.err)
        self.assertEqual(json.loads(engine.out), {"user_id": 5, "item_id": 50, "behavior": "cart"})

    def test_sink_writes_one_message_for_every_row(self):
        insert = ("INSERT INTO rocketmq_sink VALUES"
                  " (1, 10, 'buy'), (2, 20, ''), (3, CAST(NULL AS BIGINT), 'pv');")
        self.run_engine("run", self.sql(SINK, insert))
        bodies = sorted(message.text for message in self.wire.messages(TOPIC))
        self.assertEqual(bodies, ["1\x0110\x01buy", "2\x0120\x01", "3\x01\x01pv"])
        self.assertEqual(self.audit.count(TOPIC), 3)

    def test_what_the_sink_wrote_the_source_reads(self):
        insert = "INSERT INTO rocketmq_sink VALUES (1, 10, 'buy'), (2, 20, '好');"
        self.run_engine("run", self.sql(SINK, insert))
        self.group_reads_from_the_first_message()
        out = self.run_engine("run", self.sql(SOURCE, "SELECT * FROM rocketmq_source LIMIT 2;"),
                              "--output", "json")
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(sorted(tuple(row.values()) for row in rows), [(1, 10, "buy"), (2, 20, "好")])

    def test_tables_of_later_generations(self):
        insert = "INSERT INTO rocketmq_sink VALUES (1, 10, 'buy'), (2, 20, '');"
        writer = self.engine("run", self.sql(LATER_SINK, insert))
        self.assertEqual(writer.wait(60), 0, writer.err)
        self.assertIn("option 'rocketmq.sink.executor.num' decides nothing here", writer.err)
        script = self.sql(LATER_SOURCE, "SELECT * FROM rocketmq_source LIMIT 2;")
        reader = self.engine("run", script, "--output", "json")
        self.assertEqual(reader.wait(60), 0, reader.err)
        rows = [json.loads(line) for line in reader.out.splitlines()]
        self.assertEqual(sorted(tuple(row.values()) for row in rows), [(1, 10, "buy"), (2, 20, "")])
        for name in ("rocketmq.source.api.new.enable", "rocketmq.source.pull.threads.num"):
            self.assertIn(f"option '{name}' decides nothing here", reader.err)
        other = LATER_SINK.replace("'isDynamicTag' = 'false'", "'keyColumns' = 'behavior'")
        refused = self.engine("check", self.sql(other, insert))
        self.assertEqual(refused.wait(60), 2, refused.err)
        self.assertIn("option 'keyColumns' is not one of this connector: write 'key.format' = 'raw'", refused.err)

    def test_an_insert_from_a_topic_into_itself_is_a_loop(self):
        self.send_bodies()
        script = self.sql(SOURCE, SINK, "INSERT INTO rocketmq_sink SELECT * FROM rocketmq_source;")
        for verb in ("check", "run"):
            engine = self.engine(verb, script)
            self.assertEqual(engine.wait(60), 2, engine.err)
            self.assertIn("loop", engine.err)
            self.assertIn("topic 'user_behavior'", engine.err)
            self.assertIn("1 error; nothing was started", engine.err)
        self.assertEqual(self.wire.count(TOPIC), len(BODIES))

    def test_a_loop_through_a_view_is_found_too(self):
        view = "CREATE VIEW v AS SELECT user_id, item_id, behavior FROM rocketmq_source WHERE user_id > 0;"
        insert = "INSERT INTO rocketmq_sink SELECT * FROM v;"
        engine = self.engine("check", self.sql(SOURCE, SINK, view, insert))
        self.assertEqual(engine.wait(60), 2, engine.err)
        self.assertIn("loop", engine.err)


if __name__ == "__main__":
    main()
