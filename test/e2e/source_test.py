#!/usr/bin/env python3
"""What the options of a rocketmq table say is what happens, on a real broker."""
import json
import re
import time
import urllib.request

from copy_job import CopyJobTest
from harness import main, wait_for

BROKER = "broker-a"


class SourceTest(CopyJobTest):
    # -- where reading begins

    def test_start_earliest_and_latest(self):
        self.three_and_three()
        for word in ("earliest", "earliest-offset"):
            self.assertEqual(self.numbers(self.bounded(scan_startup_mode=word)), [0, 1, 2, 10, 11, 12])
        for word in ("latest", "latest-offset"):
            self.assertEqual(self.numbers(self.bounded(scan_startup_mode=word)), [])

    def test_start_at_a_time(self):
        self.three_and_three()
        moment = self.send_later(3, queue=0)
        self.assertEqual(self.numbers(self.bounded(scan_startup_mode="timestamp",
                                                   **{"scan.startup.timestamp-millis": moment})), [3])
        self.assertEqual(self.numbers(self.bounded(scan_startup_mode="timestamp",
                                                   **{"scan.startup.timestamp-millis": moment + 60_000})), [])

    def test_start_at_group_offsets(self):
        self.three_and_three()
        group = "g_" + self.topic
        self.assertEqual(self.numbers(self.bounded()), [], "no offset, and latest is the default for that")
        earliest = {"scan.startup.group-offsets.reset": "earliest", "consumerGroup": group + "_e"}
        self.assertEqual(self.numbers(self.bounded(**earliest)), [0, 1, 2, 10, 11, 12])
        self.wire.set_group_offset(group, self.topic, 0, 2)
        self.wire.set_group_offset(group, self.topic, 1, 1)
        self.assertEqual(self.numbers(self.bounded()), [2, 11, 12])
        self.wire.set_group_offset(group + "_one", self.topic, 1, 1)
        one = {"consumerGroup": group + "_one"}
        self.assertEqual(self.numbers(self.bounded(**one)), [11, 12], "no offset in queue 0")
        self.wire.set_group_offset(group + "_two", self.topic, 1, 1)
        earliest["consumerGroup"] = group + "_two"
        self.assertEqual(self.numbers(self.bounded(**earliest)), [0, 1, 2, 11, 12])

    def test_start_at_specific_offsets(self):
        self.three_and_three()
        self.wire.set_group_offset("g_" + self.topic, self.topic, 1, 2)
        named = {"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": f"{BROKER}:0:1"}
        self.assertEqual(self.numbers(self.bounded(**named)), [1, 2, 12], "queue 1: the group's offset")
        both = {**named, "scan.startup.specific-offsets": f"{BROKER}:0:2;{BROKER}:1:0"}
        self.assertEqual(self.numbers(self.bounded(**both)), [2, 10, 11, 12])
        wrong = {**named, "scan.startup.specific-offsets": f"{BROKER}:7:0"}
        self.fails(self.bounded(**wrong) + "SELECT * FROM source;", 1, f"no queue {BROKER}:7", f"{BROKER}:0")

    def test_start_and_end_as_text(self):
        self.three_and_three()
        moment = self.send_later(3, queue=0)
        all_before = [0, 1, 2, 10, 11, 12]

        def at(ms):
            return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1000)) + ".%03d" % (ms % 1000)
        mode = {"scan_startup_mode": "timestamp"}
        self.assertEqual(self.numbers(self.bounded(startTime=at(moment), **mode)), [3])
        self.assertEqual(self.numbers(self.bounded(startTime=at(moment + 60_000), **mode)), [])
        eight_hours = 8 * 3600 * 1000
        east = {"startTime": at(moment + eight_hours), **mode}
        self.assertEqual(self.numbers(self.bounded(timeZone="Asia/Shanghai", **east)), [3])
        self.assertEqual(self.numbers(self.bounded(timeZone="UTC", **east)), [])
        start = {"scan_startup_mode": "earliest"}
        self.assertEqual(self.numbers(self.source(endTime=at(moment), **start)), all_before)
        self.assertEqual(self.numbers(self.source(endTime=at(moment - 60_000), **start)), [])

    def test_start_at_one_offset_of_every_queue(self):
        self.three_and_three()
        self.assertEqual(self.numbers(self.bounded(startMessageOffset="2")), [2, 12])
        self.assertEqual(self.numbers(self.bounded(startMessageOffset="1")), [1, 2, 11, 12])

    def test_start_options_do_not_count_after_a_restore(self):
        self.three_and_three()
        engine = self.start_copy(self.source(scan_startup_mode="earliest"))
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12])
        self.assertEqual(engine.stop(), 0, engine.err)
        self.send_numbers(20, 22)
        engine = self.start_copy(self.source(scan_startup_mode="earliest"))
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, 20, 21])
        self.assertEqual(engine.stop(), 0, engine.err)

    # -- where it ends

    def test_bounded_by_time_and_by_offsets(self):
        self.three_and_three()
        moment = self.send_later(3, queue=0)
        start = {"scan_startup_mode": "earliest"}
        until = {"scan.bounded.mode": "timestamp", "scan.bounded.timestamp-millis": moment}
        self.assertEqual(self.numbers(self.source(**start, **until)), [0, 1, 2, 10, 11, 12])
        offsets = {"scan.bounded.mode": "specific-offsets",
                   "scan.bounded.specific-offsets": f"{BROKER}:0:2;{BROKER}:1:1"}
        self.assertEqual(self.numbers(self.source(**start, **offsets)), [0, 1, 10])

    # -- while running

    def test_a_new_queue_is_read_from_its_first_message(self):
        self.create_topics({self.topic: 1})
        self.send_numbers(0, 2)
        engine = self.start_copy(self.source(scan_startup_mode="latest",
                                             **{"scan.topic-partition-discovery.interval": "5 s"}))
        wait_for(lambda: self.wire.group_offset("g_" + self.topic, self.topic, 0) == 2, what="the start")
        self.create_topics({self.topic: 3})
        self.send_numbers(10, 12, queue=2)  # before the engine looks again
        self.wait_for_copies(engine, [10, 11])
        self.send_numbers(2, 3, queue=0)
        self.wait_for_copies(engine, [2, 10, 11])
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_topics_are_found_by_a_pattern(self):
        a, b, c = (self.topic + "_" + letter for letter in "abc")
        copies = self.topic + "_copies"
        self.create_topics({a: 2, b: 1, copies: 1})
        create = self.source("n INT, t STRING METADATA FROM 'topic' VIRTUAL", scan_startup_mode="earliest",
                             **{"topic-pattern": self.topic + "_[a-z]",
                                "scan.topic-partition-discovery.interval": "500 ms"})
        sink = self.table("copies", "n INT, t STRING", copies, **{"sink.delivery-guarantee": "exactly-once"})
        sql = ("SET 'execution.checkpointing.interval' = '200 ms';" + create + sink
               + "INSERT INTO copies SELECT n, t FROM source;")
        script = self.write("pattern.sql", sql)
        sent = []

        def send(topic, count, queue=0):
            for _ in range(count):
                self.wire.send(topic, '{"n":%d}' % len(sent), queue=queue)
                sent.append((topic, len(sent)))

        def copied():
            return sorted((message.row["t"], message.row["n"]) for message in self.wire.messages(copies, 0))

        def start():
            return self.engine("run", script, "--checkpoint-dir", self.path("checkpoints"))

        def audit(engine):
            wait_for(lambda: not engine.is_running() or len(copied()) >= len(sent), what=f"{len(sent)} copies")
            self.assertTrue(engine.is_running(), engine.err)
            self.assertEqual(copied(), sorted(sent))
        engine = start()
        send(a, 300)
        send(a, 300, queue=1)
        send(b, 300)
        audit(engine)
        send(a, 200)
        engine.kill()
        send(b, 200)
        self.create_topics({c: 2})
        send(c, 100, queue=1)  # before the engine knows of it
        engine = start()
        audit(engine)
        self.create_topics({self.topic + "_d": 1, self.topic + "_more": 1})
        send(self.topic + "_d", 100)
        send(c, 100)
        self.wire.send(self.topic + "_more", '{"n":-1}')
        audit(engine)
        self.assertEqual(engine.stop(), 0, engine.err)
        self.assertEqual(len(copied()), 1600)
        plan = self.run_engine("explain", script)
        self.assertIn(f"topic-pattern={self.topic}_[a-z]", plan)

    def test_dead_letters_of_a_group_are_read(self):
        self.create_topics({self.topic: 1})
        self.send_numbers(0, 3)
        group = "consumers_of_" + self.topic
        self.wire.set_group_offset(group, self.topic, 0, 0)  # now the broker knows the group
        self.wire.give_up(group, self.topic, self.wire.messages(self.topic)[1])
        wait_for(lambda: self.wire.max_offset("%DLQ%" + group, 0) == 1, what="the dead letter")
        columns = "n INT, t STRING METADATA FROM 'topic' VIRTUAL, times INT METADATA FROM 'reconsume-times' VIRTUAL"
        rows = self.select(self.bounded(columns, topic=f"%DLQ%{group};{self.topic}", scan_startup_mode="earliest"))
        self.assertEqual(sorted((row["t"], row["n"]) for row in rows),
                         [("%DLQ%" + group, 1), *((self.topic, n) for n in range(3))])
        rows = self.select(self.bounded(**{"topic-pattern": ".*" + self.topic, "scan_startup_mode": "earliest"}))
        self.assertEqual(len(rows), 3, "a pattern leaves the topics of groups alone")

    def test_group_offsets_follow_checkpoints(self):
        self.three_and_three()
        group = "g_" + self.topic
        offsets = lambda: [self.wire.group_offset(group, self.topic, queue) for queue in (0, 1)]  # noqa: E731
        engine = self.start_copy(self.source(scan_startup_mode="earliest"))
        wait_for(lambda: offsets() == [3, 3], what="the first offsets")
        self.send_numbers(13, 15, queue=1)
        wait_for(lambda: offsets() == [3, 5], what="the offsets behind the new messages")
        self.assertEqual(engine.stop(), 0, engine.err)
        self.assertEqual(offsets(), [3, 5])

    def test_group_offsets_are_written_before_a_bounded_job_ends(self):
        self.three_and_three()
        engine = self.start_copy(self.bounded(scan_startup_mode="earliest"))
        self.assertEqual(engine.wait(60), 0, engine.err)
        self.assertEqual(self.copies(), [0, 1, 2, 10, 11, 12])
        group = "g_" + self.topic
        self.assertEqual([self.wire.group_offset(group, self.topic, queue) for queue in (0, 1)], [3, 3])
        self.assertNotIn("warn", engine.err.lower())

    def test_a_broker_that_comes_back_is_read_on(self):
        self.three_and_three()
        engine = self.start_copy(self.source(scan_startup_mode="earliest"))
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12])
        self.crash_broker()
        wait_for(lambda: "trying again" in engine.err or "closed" in engine.err, what="the engine to notice")
        self.start_broker()
        self.send_numbers(20, 22)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, 20, 21])
        self.assertLess(engine.err.count("trying again until it works"), 2, "once for both queues (finding 27)")
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_queue_that_leaves_its_topic_is_not_waited_for(self):
        """Finding 17."""
        self.create_topics({self.topic: 2, self.topic + "_copies": 1})
        create = self.source("ts BIGINT, happened AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR happened AS happened",
                             scan_startup_mode="earliest")
        sql = (create + self.table("copies", "n BIGINT", self.topic + "_copies")
               + "INSERT INTO copies SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(happened), "
               "INTERVAL '1' SECOND)) GROUP BY window_start, window_end;")
        engine = self.engine("run", self.write("shrunk.sql", sql), "--checkpoint-dir", self.path("checkpoints"))

        def send(queue, *times):
            for ts in times:
                self.wire.send(self.topic, '{"ts":%d}' % ts, queue=queue)
        send(0, 1100, 2500)
        send(1, 1200, 2600)
        self.wait_for_copies(engine, [2])
        self.audit.create_topic(self.topic, queues=1)
        wait_for(lambda: "has left its topic" in engine.err, what="a word about the queue")
        send(0, 9000)
        self.wait_for_copies(engine, [2, 2])
        self.audit.create_topic(self.topic, queues=2)
        wait_for(lambda: "is back in its topic" in engine.err, what="the queue to be back")
        send(1, 9100, 9200, 10000)
        send(0, 10100)
        self.wait_for_copies(engine, [2, 2, 3])
        self.assertEqual(engine.err.count("has left its topic"), 1, engine.err)
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_deleted_topic_of_several_is_not_waited_for(self):
        a, b, copies = (self.topic + end for end in ("_a", "_b", "_copies"))
        self.create_topics({a: 1, b: 1, copies: 1})
        create = self.source("ts BIGINT, happened AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR happened AS happened",
                             topic=f"{a};{b}", scan_startup_mode="earliest")
        sql = ("SET 'execution.checkpointing.interval' = '200 ms';" + create + self.table("copies", "n BIGINT", copies)
               + "INSERT INTO copies SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(happened), "
               "INTERVAL '1' SECOND)) GROUP BY window_start, window_end;")
        engine = self.engine("run", self.write("deleted.sql", sql), "--checkpoint-dir", self.path("checkpoints"))
        for topic, ts in ((a, 1100), (b, 1200), (a, 2500), (b, 2600)):
            self.wire.send(topic, '{"ts":%d}' % ts)
        self.wait_for_copies(engine, [2])
        self.run_engine("topic", "delete", b, "--nameserver", self.cluster.namesrv)
        wait_for(lambda: f"{b}/{BROKER}/0 has left its topic, which does not exist any more" in engine.err,
                 seconds=180, what="a word about the topic")
        self.wire.send(a, '{"ts":9000}')
        self.wait_for_copies(engine, [2, 2])
        wait_for(lambda: self.wire.group_offset("g_" + self.topic, a, 0) == 3, what="the offsets of the other topic")
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_topic_that_is_made_anew_while_a_job_runs_is_read_from_its_first_message(self):
        self.three_and_three()
        engine = self.start_copy(self.source(scan_startup_mode="earliest", **{"scan.pull.wait": "1 s"}))
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12])
        self.run_engine("topic", "delete", self.topic, "--nameserver", self.cluster.namesrv)
        wait_for(lambda: "trying again until it works" in engine.err, what="a word about the topic")
        self.create_topics({self.topic: 2})
        self.send_numbers(20, 25, queue=0)
        self.send_numbers(30, 31, queue=1)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, 20, 21, 22, 23, 24, 30])
        self.assertIn(f"topic '{self.topic}' was deleted and made anew", engine.err)
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_topic_that_was_replaced_while_a_job_was_down_is_read_from_its_first_message(self):
        self.three_and_three()
        create = self.source(scan_startup_mode="earliest")
        engine = self.start_copy(create)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12])
        group = "g_" + self.topic
        stands = lambda: [self.wire.group_offset(group, self.topic, queue) for queue in (0, 1)]  # noqa: E731
        wait_for(lambda: stands() == [3, 3], what="a checkpoint behind them")
        engine.kill()
        self.run_engine("topic", "delete", self.topic, "--nameserver", self.cluster.namesrv)
        self.create_topics({self.topic: 2})
        self.send_numbers(20, 25, queue=0)
        self.send_numbers(30, 33, queue=1)
        engine = self.start_copy(create, topics=False)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, *range(20, 25), *range(30, 33)])
        for queue in (0, 1):
            self.assertIn(f"topic '{self.topic}' was deleted and made anew: queue {self.topic}/{BROKER}/{queue}",
                          engine.err)
        wait_for(lambda: stands() == [5, 3], what="a checkpoint behind the new ones")
        engine.kill()
        engine = self.start_copy(create, topics=False)
        self.send_numbers(33, 34, queue=1)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, *range(20, 25), *range(30, 34)])
        self.assertEqual(engine.stop(), 0, engine.err)
        self.assertNotIn("made anew", engine.err)

    def test_a_job_that_goes_on_waits_for_its_broker(self):
        self.three_and_three()
        engine = self.start_copy(self.source(scan_startup_mode="earliest"))
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12])
        self.assertEqual(engine.stop(), 0, engine.err)
        self.crash_broker()
        engine = self.start_copy(self.source(scan_startup_mode="earliest"), topics=False)
        wait_for(lambda: "trying again until it works" in engine.err, what="the engine to wait")
        self.assertTrue(engine.is_running(), engine.err)
        self.start_broker()
        self.send_numbers(20, 22)
        self.wait_for_copies(engine, [0, 1, 2, 10, 11, 12, 20, 21])
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_rows_that_come_late_are_counted(self):
        self.create_topics({self.topic: 1, self.topic + "_copies": 1})
        create = self.source("ts BIGINT, happened AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR happened AS happened",
                             scan_startup_mode="earliest")
        sql = ("SET 'execution.checkpointing.interval' = '200 ms';" + create
               + self.table("copies", "n BIGINT", self.topic + "_copies")
               + "INSERT INTO copies SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(happened), "
               "INTERVAL '1' SECOND)) GROUP BY window_start, window_end;")
        engine = self.engine("run", self.write("late.sql", sql), "--checkpoint-dir", self.path("checkpoints"),
                             "--metrics-port", 0)

        def send(*times):
            for ts in times:
                self.wire.send(self.topic, '{"ts":%d}' % ts)
        send(1100, 1200, 2500)
        self.wait_for_copies(engine, [2])
        send(1300, 1400, 2600)  # the first two come after their window was closed
        send(9000)
        self.wait_for_copies(engine, [2, 2])
        url = re.search(r"metrics: (\S+)", engine.err).group(1)
        text = urllib.request.urlopen(url).read().decode()
        late = re.findall(r"^slipstream_late_rows_total\{.*\} (\S+)$", text, re.MULTILINE)
        self.assertEqual(sum(map(float, late)), 2, text)
        self.assertEqual(engine.stop(), 0, engine.err)

    # -- tags

    def test_tags_are_filtered(self):
        self.create_topics({self.topic: 1})
        for n, tag in enumerate(["a", "b", "c", None, "a"]):
            self.send_numbers(n, n + 1, tags=tag)
        start = {"scan_startup_mode": "earliest"}
        self.assertEqual(self.numbers(self.bounded(tag="a || b", **start)), [0, 1, 4])
        columns = "n INT, tags STRING METADATA VIRTUAL"
        create = self.bounded(columns, **start)
        for where, expected in (("tags = 'a'", [0, 4]), ("tags IN ('b', 'c')", [1, 2]), ("tags IS NULL", [3]),
                                ("tags = 'a' AND n > 0", [4])):
            self.assertEqual(self.numbers(create, "SELECT n FROM source WHERE " + where), expected, where)
        script = self.write("explain.sql", create + "SELECT n FROM source WHERE tags = 'a';")
        plan = self.run_engine("explain", script)
        self.assertIn("tag=a", plan)

    # -- messages that are no rows

    def test_decode_errors(self):
        self.create_topics({self.topic: 1, self.topic + "_dead": 1})
        self.send_numbers(0, 1)
        self.wire.send(self.topic, '{"n":"many"}')
        self.wire.send(self.topic, "no json")
        self.send_numbers(1, 2)
        start = {"scan_startup_mode": "earliest"}
        self.fails(self.bounded(**start) + "SELECT * FROM source;", 1, f"offset 1 of topic '{self.topic}'",
                   f"broker '{BROKER}'", "queue 0", "'decode.errors' = 'skip'")
        self.assertEqual(self.numbers(self.bounded(decode_errors="skip", **start)), [0, 1])
        dead = {"decode.errors": "dead-letter", "dead-letter.topic": self.topic + "_dead", **start}
        self.assertEqual(self.numbers(self.bounded(**dead)), [0, 1])
        rows = [message.row for message in self.wire.messages(self.topic + "_dead")]
        places = [(row["queue_offset"], row["topic"], row["broker"], row["queue_id"]) for row in rows]
        self.assertEqual(places,
                         [(1, self.topic, BROKER, 0), (2, self.topic, BROKER, 0)])
        self.assertTrue(all(row["reason"] for row in rows), rows)
        no_topic = {**dead, "dead-letter.topic": None}
        self.fails(self.bounded(**no_topic) + "SELECT * FROM source;", 2, "'dead-letter.topic'", verb="check")

    # -- bodies of a table that names no format

    def test_bodies_without_a_format(self):  # finding 2: the options of the format by default
        self.create_topics({self.topic: 1})
        self.wire.send(self.topic, "1;a|2;n/a|3")
        self.wire.send(self.topic, "4;\u00e9".encode("latin-1"))
        wait_for(lambda: self.wire.max_offset(self.topic, 0) == 2, what="both to be readable")

        def rows(columns="n INT, s STRING", **given):
            create = self.bounded(columns, scan_startup_mode="earliest", **{"format": None, **given})
            return sorted(map(str, (tuple(row.values()) for row in self.select(create))))
        usual = {"fieldDelimiter": ";", "lineDelimiter": "|", "encoding": "ISO-8859-1", "lengthCheck": "PAD",
                 "nullLiteral": "n/a"}
        expected = ["(1, 'a')", "(2, None)", "(3, None)", "(4, '\u00e9')"]
        self.assertEqual(rows(**usual), expected)
        self.assertEqual(rows(**{**usual, "format": "delimited"}), expected)
        self.assertEqual(rows(**{**usual, "lengthCheck": "SKIP"}), expected[:2] + expected[3:])
        self.assertEqual(rows(**{**usual, "nullLiteral": "a"}),
                         ["(1, None)", "(2, 'n/a')", "(3, None)", "(4, '\u00e9')"])
        self.assertEqual(rows("s STRING", format="raw", encoding=None, **{"raw.charset": "ISO-8859-1"}),
                         ["('1;a|2;n/a|3',)", "('4;\u00e9',)"])
        wrong = self.bounded(format="json", fieldDelimiter=";")
        self.fails(wrong + "SELECT * FROM source;", 2, "no option 'fieldDelimiter'", verb="check")

    # -- offsets that are not there

    def test_offset_out_of_range(self):
        self.create_topics({self.topic: 1})
        self.send_numbers(0, 3)
        beyond = {"scan.startup.mode": "specific-offsets",
                  "scan.startup.specific-offsets": f"{BROKER}:0:1000"}
        self.fails(self.source(**beyond) + "SELECT * FROM source;", 1, "offset 1000", "[0, 3]",
                   "scan.offset-out-of-range")
        for sent, policy in enumerate(("earliest", "latest", "nearest")):
            create = self.source(**beyond, **{"scan.offset-out-of-range": policy})
            engine = self.engine("run", self.write(policy + ".sql", create + "SELECT * FROM source;"),
                                 "--output", "json")
            wait_for(lambda: "going on at" in engine.err, what="the log line about the offset")  # noqa: B023
            self.send_numbers(3 + sent, 4 + sent)
            expected = [0, 1, 2, 3] if policy == "earliest" else [3 + sent]
            wait_for(lambda: len(engine.out.splitlines()) >= len(expected), what=str(expected))  # noqa: B023
            self.assertEqual(sorted(json.loads(line)["n"] for line in engine.out.splitlines()), expected)
            self.assertEqual(engine.stop(), 0, engine.err)
        # A bounded read that would begin behind its end (finding 19).
        self.fails(self.bounded(**beyond) + "SELECT * FROM source;", 1, "offset 1000", "[0, 6]")
        self.assertEqual(self.numbers(self.bounded(**beyond, **{"scan.offset-out-of-range": "earliest"})),
                         [0, 1, 2, 3, 4, 5])

    # -- metadata

    def test_metadata_is_read(self):
        self.create_topics({self.topic: 2})
        self.wire.send(self.topic, '{"n":7}', queue=1, tags="red", keys="k1 k2",
                       properties={"a": "1", "b": "zwei"})
        columns = """n INT,
          t STRING METADATA FROM 'topic' VIRTUAL, broker STRING METADATA VIRTUAL,
          q INT METADATA FROM 'queue-id' VIRTUAL, o BIGINT METADATA FROM 'queue-offset' VIRTUAL,
          id STRING METADATA FROM 'msg-id' VIRTUAL,
          stored TIMESTAMP(3) METADATA FROM 'store-timestamp' VIRTUAL,
          born TIMESTAMP_LTZ(3) METADATA FROM 'born-timestamp' VIRTUAL,
          sh STRING METADATA FROM 'store-host' VIRTUAL, bh STRING METADATA FROM 'born-host' VIRTUAL,
          `keys` STRING METADATA VIRTUAL, tags STRING METADATA VIRTUAL,
          properties MAP<STRING, STRING> METADATA VIRTUAL,
          times INT METADATA FROM 'reconsume-times' VIRTUAL"""
        [row] = self.select(self.bounded(columns, scan_startup_mode="earliest"))
        [message] = self.wire.messages(self.topic)
        self.assertEqual((row["n"], row["t"], row["broker"], row["q"], row["o"], row["times"]),
                         (7, self.topic, BROKER, 1, 0, 0))
        self.assertEqual((row["keys"], row["tags"]), ("k1 k2", "red"))
        self.assertEqual({name: row["properties"].get(name) for name in "ab"}, {"a": "1", "b": "zwei"})
        self.assertFalse({"TAGS", "KEYS", "UNIQ_KEY"} & set(row["properties"]), row)
        unique = message.properties.get("UNIQ_KEY")
        self.assertEqual(row["id"], unique) if unique else self.assertRegex(row["id"], "^[0-9A-F]{32}$")
        self.assertEqual(row["sh"], self.wire.broker)
        self.assertRegex(row["bh"], r"^127\.0\.0\.1:\d+$")
        self.assertIn("2023-11-14", row["born"])
        self.assertIn("22:13:20.123", row["born"])
        seconds, ms = divmod(message.store_ms, 1000)
        stored = time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{ms:03d}"
        self.assertIn(stored.rstrip("0").rstrip("."), row["stored"])

    def test_metadata_is_written(self):
        self.create_topics({self.topic: 1, self.topic + "_in": 1, self.topic + "_b": 1})
        self.wire.send(self.topic + "_in", '{"n":1,"t":"%s_b"}' % self.topic, tags="red", keys="k1 k2",
                       properties={"a": "1", "b": "zwei"})
        self.wire.send(self.topic + "_in", '{"n":2}')
        read = self.bounded("""n INT, t STRING, `keys` STRING METADATA VIRTUAL, tags STRING METADATA VIRTUAL,
          properties MAP<STRING, STRING> METADATA VIRTUAL""",
                            topic=self.topic + "_in", scan_startup_mode="earliest")
        sink = self.table("sink", """n INT, `topic` STRING METADATA, `keys` STRING METADATA,
          tags STRING METADATA, properties MAP<STRING, STRING> METADATA""")
        insert = "INSERT INTO sink SELECT n, t, `keys`, tags, properties FROM source;"
        self.run_engine("run", self.write("w.sql", read + sink + insert))
        [other] = self.wire.messages(self.topic + "_b")
        self.assertEqual((other.row, other.keys, other.tags), ({"n": 1}, "k1 k2", "red"))
        self.assertEqual({name: other.properties.get(name) for name in "ab"}, {"a": "1", "b": "zwei"})
        [own] = self.wire.messages(self.topic)
        self.assertEqual((own.row, own.keys, own.tags), ({"n": 2}, None, None))

    def test_delivery_time_is_written(self):
        if self.version.startswith("4"):
            self.skipTest("brokers 4.x have no delivery times")
        self.create_topics({self.topic: 1})
        sink = self.table("sink", "n INT, due TIMESTAMP_LTZ(3) METADATA FROM 'delivery-time'")
        due_ms = int(time.time() * 1000) + 3_000
        insert = f"INSERT INTO sink VALUES (1, TO_TIMESTAMP_LTZ({due_ms}, 3));"
        self.run_engine("run", self.write("w.sql", sink + insert))
        early = self.wire.count(self.topic)
        if time.time() * 1000 < due_ms:
            self.assertEqual(early, 0)
        wait_for(lambda: self.wire.count(self.topic) == 1, what="the delayed message")
        self.assertGreaterEqual(time.time() * 1000, due_ms)
        exactly = self.table("sink", "n INT, due TIMESTAMP_LTZ(3) METADATA FROM 'delivery-time'",
                             **{"sink.delivery-guarantee": "exactly-once"})
        self.fails(exactly + "INSERT INTO sink VALUES (1, NOW());", 2, "delivery time", "at-least-once",
                   verb="check")

    def test_sharding_keys_and_queues_are_written(self):
        self.create_topics({self.topic + "_q": 4})
        attributes = {} if self.version.startswith("4") else {"attributes": "+message.type=FIFO"}
        self.wire.ask(17, {"topic": self.topic, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4,
                           "perm": 6, "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false",
                           **attributes})
        values = ", ".join(f"({n}, 'k{n % 3}')" for n in range(30))
        for guarantee in ("at-least-once", "exactly-once"):
            sink = self.table("sink", "n INT, g STRING METADATA FROM 'sharding-key'",
                              **{"sink.delivery__guarantee": guarantee})
            self.run_engine("run", self.write("g.sql", sink + f"INSERT INTO sink VALUES {values};"),
                            "--checkpoint-dir", self.path(guarantee))
        wait_for(lambda: self.wire.count(self.topic) == 60, what="60 messages")
        messages = self.wire.messages(self.topic)
        for key in ("k0", "k1", "k2"):
            own = [message for message in messages if message.properties["__SHARDINGKEY"] == key]
            # Java's hash of "k0" is 31 * 107 + 48 and so on: of four queues, SelectMessageQueueByHash
            self.assertEqual({message.queue for message in own}, {(31 * 107 + ord(key[1])) % 4})
            self.assertEqual([message.row["n"] for message in own], 2 * list(range(int(key[1]), 30, 3)))
        place = self.table("place", "n INT, q INT METADATA FROM 'queue-id', b STRING METADATA FROM 'broker'",
                           self.topic + "_q")
        insert = f"INSERT INTO place VALUES (1, 3, '{BROKER}'), (2, 0, NULL);"
        self.run_engine("run", self.write("q.sql", place + insert))
        wait_for(lambda: self.wire.count(self.topic + "_q") == 2, what="2 messages")
        placed = {message.row["n"]: message.queue for message in self.wire.messages(self.topic + "_q")}
        self.assertEqual(placed, {1: 3, 2: 0})
        self.fails(place + "INSERT INTO place VALUES (1, 9, NULL);", 1, "has no queue 9", f"{BROKER} 0 to 3")

    def test_delay_level_is_written(self):
        self.create_topics({self.topic: 1})
        sink = self.table("sink", "n INT, d INT METADATA FROM 'delay-level'")
        begun = time.time()
        self.run_engine("run", self.write("w.sql", sink + "INSERT INTO sink VALUES (1, 2), (2, NULL);"))
        wait_for(lambda: self.wire.count(self.topic) == 2, what="the delayed message")
        self.assertGreaterEqual(time.time() - begun, 5, "level 2 is 5 s")
        self.assertEqual([message.row["n"] for message in self.wire.messages(self.topic)], [2, 1])

    # -- what is refused

    def test_metadata_that_cannot_be_written_must_be_virtual(self):
        sink = self.table("sink", "n INT, o BIGINT METADATA FROM 'queue-offset'")
        self.fails(sink + "INSERT INTO sink VALUES (1, 2);", 2, "'o'", "'queue-offset'", "METADATA VIRTUAL",
                   verb="check")

    def test_wrong_options_are_named(self):
        query = "SELECT * FROM source;"
        text = self.fails(self.source(**{"scan.startup.mod": "earliest"}) + "SELECT * FROM source;", 2,
                          "'scan.startup.mod'", "did you mean 'scan.startup.mode'", verb="check")
        self.assertIn("nothing was started", text)
        self.fails(self.source(scan_startup_mode="erliest") + query, 2, "erliest", "earliest", verb="check")
        self.fails(self.source(consumerGroup=None) + query, 2, "'consumerGroup'", verb="check")
        self.fails(self.source(**{"topic-pattern": "a("}) + query, 2, "'topic-pattern'", "'a(' is wrong", verb="check")
        self.fails(self.source("n INT, x STRING METADATA FROM 'tgas' VIRTUAL") + "SELECT * FROM source;", 2,
                   "'tgas'", "tags", verb="check")

    def test_exactly_once_without_a_directory_is_refused(self):
        self.create_topics({self.topic: 1})
        sink = self.table("sink", "n INT", **{"sink.delivery-guarantee": "exactly-once"})
        self.fails(sink + "INSERT INTO sink VALUES (1);", 2, "--checkpoint-dir", "at-least-once")

    def test_a_name_server_that_is_not_there(self):
        create = self.bounded().replace(self.cluster.namesrv, "127.0.0.1:9")
        self.fails(create + "SELECT * FROM source;", 1, "127.0.0.1:9", "no RocketMQ name server answered",
                   "refused")

    def test_a_topic_that_is_not_there(self):
        self.fails(self.bounded() + "SELECT * FROM source;", 1, f"topic '{self.topic}' does not exist",
                   "create")


if __name__ == "__main__":
    main()
