#!/usr/bin/env python3
"""What a connector of RocketMQ must pass on a real broker: docs/guarantees.md, acceptance, says which check is which.

Where reading begins in every mode and for every kind of group; queues and brokers that come and go; another
parallelism; commits that are made twice or when nobody answers; values of every type, written and read back.
"""
import json
import re
import urllib.request
from collections import Counter

from harness import main, wait_for
from network import SEND_BATCH, SEND_V2, Cut, Swallow
from network_job import CREATE_TOPIC, NetworkJob
from second_broker import SecondBroker
from wire import ROUTE, SEND, UPDATE_OFFSET, Wire

BROKER = "broker-a"
LOG_FILE = 8 << 20
SENDS = (SEND, SEND_BATCH, SEND_V2)


class AcceptanceTest(NetworkJob):
    maxDiff = None
    # Brokers say where they are every 30 s unless told otherwise: a name server that is new knows none until then.
    broker_options = {"mappedFileSizeCommitLog": LOG_FILE, "registerNameServerPeriod": 10_000}

    # -- check 1: the first message of a queue

    # What the group has at the broker: nothing, the first message as the next one, and the word for nothing.
    COMMITTED = {"none": None, "zero": 0, "minus": -1}

    def commit(self, group, queue, offset):
        """As a client would, also what no client should."""
        if offset >= 0:
            return self.wire.set_group_offset(group, self.topic, queue, offset)
        return self.wire.ask(UPDATE_OFFSET, {"consumerGroup": group, "topic": self.topic, "queueId": queue,
                                             "commitOffset": offset}, allowed=range(1000))

    def labelled(self, tables):
        """One query over tables {label: options}: (label, n) of all of them."""
        creates = "".join(self.table(label, "n INT", **{"consumerGroup": f"{self.topic}_{label}", **options})
                          for label, options in tables.items())
        return creates, " UNION ALL ".join(f"SELECT '{label}' AS label, n FROM {label}" for label in tables)

    def test_where_a_fresh_group_begins(self):
        """Every mode, with nothing, with 0 and with -1 as the group's offset."""
        stored = {0: [0, 1, 2], 1: [10, 11, 12], 2: [20, 21]}
        self.make_topics({self.topic: 3, self.topic + "_out": 1})
        for queue, numbers in stored.items():
            self.send_numbers(numbers[0], numbers[-1] + 1, queue=queue)
        moment = self.send_later(3, queue=0)
        stored[0].append(3)
        ends = [len(stored[queue]) for queue in range(3)]
        offsets = {"scan.startup.specific-offsets": f"{BROKER}:0:1;{BROKER}:1:2"}
        modes = {
            "earliest": {"scan.startup.mode": "earliest"},
            "latest": {"scan.startup.mode": "latest"},
            "by_time": {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": moment},
            "by_group": {"scan.startup.mode": "group-offsets"},
            "by_group_else_all": {"scan.startup.group-offsets.reset": "earliest"},
            "by_offset": {"scan.startup.mode": "specific-offsets", **offsets},
            "by_offset_else_all": {**offsets, "scan.startup.group-offsets.reset": "earliest"},
        }

        def first_offsets(mode, committed):
            by_group = [0, 0, 0] if committed == 0 or mode.endswith("else_all") else ends
            return {"earliest": [0, 0, 0], "latest": ends, "by_time": [3, ends[1], ends[2]]}.get(
                mode, by_group if mode.startswith("by_group") else [1, 2, by_group[2]])
        tables = {f"{mode}_{word}": options for mode, options in modes.items() for word in self.COMMITTED}
        for label in tables:
            committed = self.COMMITTED[label.rpartition("_")[2]]
            for queue in range(3) if committed is not None else []:
                self.commit(f"{self.topic}_{label}", queue, committed)
        creates, query = self.labelled(tables)
        sql = ("SET 'execution.checkpointing.interval' = '200 ms'; SET 'parallelism.default' = '1';" + creates
               + self.table("starts", "label STRING, n INT", self.topic + "_out") + f"INSERT INTO starts {query};")
        engine = self.engine("run", self.write("modes.sql", sql), "--checkpoint-dir", self.path("checkpoints"))

        def all_stand_at(offsets):
            self.assertTrue(engine.is_running(), engine.err)
            return all([self.wire.group_offset(f"{self.topic}_{label}", self.topic, queue) for queue in range(3)]
                       == offsets for label in tables)
        wait_for(lambda: all_stand_at(ends), what="the offsets of all groups")
        for queue, number in enumerate((4, 13, 22)):
            self.send_numbers(number, number + 1, queue=queue)
            stored[queue].append(number)
        wait_for(lambda: all_stand_at([end + 1 for end in ends]), what="the offsets behind what came later")
        self.assertEqual(engine.stop(), 0, engine.err)
        read = {label: [] for label in tables}
        for message in self.wire.messages(self.topic + "_out"):
            read[message.row["label"]].append(message.row["n"])
        for label, numbers in read.items():
            mode, _, word = label.rpartition("_")
            # A broker 4.x keeps -1, and answers 0 to a group that it knows.
            committed = 0 if word == "minus" and self.version.startswith("4") else self.COMMITTED[word]
            expected = [n for queue, first in enumerate(first_offsets(mode, committed))
                        for n in stored[queue][first:]]
            self.assertEqual(sorted(numbers), expected, label)

    def expire(self, behind):
        """The log's files before this message are gone, as after their time; the broker starts anew without them."""
        self.crash_broker()
        log = self.cluster.dir / f"store-{self.version}" / "commitlog"
        gone = [file for file in log.iterdir() if int(file.name) + LOG_FILE <= behind.physical]
        for file in gone:
            file.unlink()
        self.start_broker()
        self.assertTrue(gone, "no file of the log is full")

    def test_where_reading_begins_when_messages_have_expired(self):
        self.make_topics({self.topic: 2, self.topic + "_filler": 1})
        self.send_numbers(0, 1)
        everything = self.source(scan_startup_mode="earliest")
        engine = self.start_copy(everything)
        self.wait_for_copies(engine, [0])
        self.assertEqual(engine.stop(), 0, engine.err)
        self.send_numbers(1, 3)
        self.send_numbers(10, 11, queue=1)
        old = self.wire.messages(self.topic, 0)[0]
        for _ in range(3):
            self.wire.send(self.topic + "_filler", bytes(3_500_000))
        self.send_numbers(3, 5)
        self.send_numbers(11, 12, queue=1)
        self.expire(behind=self.wire.messages(self.topic, 0)[3])
        wait_for(lambda: self.is_routed(self.wire, self.topic), what="the broker to be back")
        self.assertEqual([self.wire.min_offset(self.topic, queue) for queue in (0, 1)], [3, 1])

        group = {"scan.startup.mode": "group-offsets"}
        offsets = {"scan.startup.mode": "specific-offsets",
                   "scan.startup.specific-offsets": f"{BROKER}:0:1;{BROKER}:1:0"}
        policy = "scan.offset-out-of-range"
        tables = {
            "earliest": {"scan.startup.mode": "earliest"},
            "latest": {"scan.startup.mode": "latest"},
            "by_time": {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": old.store_ms},
            "by_group_none": group,
            "by_group_none_else_all": {**group, "scan.startup.group-offsets.reset": "earliest"},
            "by_group_minus_else_all": {**group, "scan.startup.group-offsets.reset": "earliest"},
            "by_group_zero_earliest": {**group, policy: "earliest"},
            "by_group_zero_latest": {**group, policy: "latest"},
            "by_group_zero_nearest": {**group, policy: "nearest"},
            "by_offset_earliest": {**offsets, policy: "earliest"},
            "by_offset_latest": {**offsets, policy: "latest"},
        }
        self.commit(f"{self.topic}_refused", 0, 0)
        for label in tables:
            for queue in (0, 1):
                if "_zero" in label or "_minus" in label:
                    self.commit(f"{self.topic}_{label}", queue, 0 if "_zero" in label else -1)
        ended = {label: {**options, "scan.bounded.mode": "latest-offset"} for label, options in tables.items()}
        read = {label: [] for label in tables}
        for row in self.select(*self.labelled(ended)):
            read[row["label"]].append(row["n"])
        nothing = {"latest", "by_group_none", "by_group_zero_latest", "by_offset_latest"}
        self.assertEqual({label: sorted(numbers) for label, numbers in read.items()},
                         {label: [] if label in nothing else [3, 4, 11] for label in tables})

        create, query = self.labelled({"refused": group})
        self.fails(create + query + ";", 1, "offset 0", "[3, 5]", policy)
        refused = self.start_copy(everything, topics=False)  # stands at offset 1 of the one and 0 of the other
        self.assertEqual(refused.wait(60), 1, refused.err)
        self.assertRegex(refused.err, r"offset (1 of .* is outside \[3, 5\]|0 of .* is outside \[1, 2\])")
        engine = self.start_copy(self.source(scan_startup_mode="latest", **{policy: "earliest"}), topics=False)
        self.wait_for_copies(engine, [3, 4, 11])  # that of 0 has expired too
        self.assertEqual(engine.stop(), 0, engine.err)

    # -- check 3: queues and brokers come and go

    def route(self, topic):
        return self.wire.ask(ROUTE, {"topic": topic}, address=self.cluster.namesrv)[2].decode()

    def test_queues_and_brokers_come_and_go(self):
        second = SecondBroker(self.cluster)
        self.addCleanup(second.end)
        self.make_topics({self.topic: 2, self.topic + "_copies": 1})
        start = {"scan.startup.group-offsets.reset": "earliest", "scan.topic-partition-discovery.interval": "500 ms"}
        engine = self.start_job(source=start)
        self.sent = 0

        def send(wire, *queues):
            for queue in queues * 5:
                wire.send(self.topic, '{"n":%d}' % self.sent, queue=queue)
                self.sent += 1

        def all_arrive():
            self.wait_for_rows(engine, self.wire, self.topic, self.sent)
        send(self.wire, 0, 1)
        all_arrive()
        self.make_topics({self.topic: 3})
        send(self.wire, 0, 2)  # to the new queue before it was found
        all_arrive()
        second.start()
        other = Wire(second)
        self.addCleanup(other.close)
        self.make_topics({self.topic: 2}, other)
        send(other, 0, 1)
        send(self.wire, 1)
        all_arrive()
        second.end()
        wait_for(lambda: "broker-b" not in self.route(self.topic), what="the name server to forget the broker")
        self.wait_for_routes(4)
        send(self.wire, 0, 1, 2)
        all_arrive()
        engine.kill()
        engine = self.start_job(source=start)  # a process that has not seen the second broker
        self.wait_for_routes(4)
        send(self.wire, 0, 1, 2)
        other.close()
        second.start()
        send(other, 0, 1)
        all_arrive()
        self.set_queues(1)
        wait_for(lambda: "has left its topic" in engine.err, what="a word about the queues")
        send(self.wire, 0)
        send(other, 0, 1)
        all_arrive()
        self.set_queues(3)
        send(self.wire, 1, 2)
        all_arrive()
        self.stop_and_audit(engine, self.wire, self.topic, self.sent)

    def wait_for_routes(self, count):
        """The job has looked for queues so often."""
        asked = self.network.seen[ROUTE]
        wait_for(lambda: self.network.seen[ROUTE] >= asked + count, what="several looks for queues")

    def set_queues(self, queues):
        """Of the first broker only."""
        self.wire.ask(CREATE_TOPIC, {"topic": self.topic, "defaultTopic": "TBW102", "readQueueNums": queues,
                                     "writeQueueNums": queues, "perm": 6, "topicFilterType": "SINGLE_TAG",
                                     "topicSysFlag": 0, "order": "false"})

    # -- check 4: another parallelism

    def owners(self, engine):
        """{queue: subtasks that have read it} of a process."""
        url = re.search(r"metrics: (\S+)", engine.err)
        if not url:
            return {}
        lines = urllib.request.urlopen(url.group(1)).read().decode().splitlines()
        found = {}
        for line in lines:
            if line.startswith("slipstream_source_split_lag{"):
                label = dict(re.findall(r'(\w+)="([^"]*)"', line))
                found.setdefault(label["split"], set()).add(label["subtask"])
        return found

    def test_rescaled_every_queue_has_one_reader_and_goes_on(self):
        queues = 5
        self.make_topics({self.topic: queues, self.topic + "_copies": 1})
        total = 0
        for parallelism, ended in ((1, "stop"), (4, "stop"), (3, "kill"), (1, "stop")):
            engine = self.start_job(network=self.cluster, arguments=["--parallelism", parallelism,
                                                                     "--metrics-port", 0])
            self.send(self.wire, self.topic, total, total + 50, queues)
            total += 50
            self.wait_for_rows(engine, self.wire, self.topic, total)
            owners = wait_for(lambda: len(found := self.owners(engine)) == queues and found,  # noqa: B023
                              what="five queues in the metrics")
            self.assertTrue(all(len(subtasks) == 1 for subtasks in owners.values()), owners)
            shares = Counter(subtask for subtasks in owners.values() for subtask in subtasks)
            self.assertEqual(len(shares), parallelism)
            self.assertLessEqual(max(shares.values()) - min(shares.values()), 1, shares)
            if ended == "kill":
                engine.kill()
                continue
            self.assertEqual(engine.stop(90), 0, engine.err)
            offsets = [self.wire.group_offset("g_" + self.topic, self.topic, queue) for queue in range(queues)]
            self.assertEqual(offsets, [total // queues] * queues)
        self.audit_copies(self.wire, self.topic, total)
        copies = [message.row["n"] for message in self.wire.messages(self.topic + "_copies")]
        for queue in range(queues):
            of_queue = [n for n in copies if n % queues == queue]
            self.assertEqual(of_queue, sorted(of_queue), f"order of queue {queue}")

    # -- check 5: exactly-once

    def sealed_but_not_sent(self):
        """A killed job that was about to send what a checkpoint has of 60 ... 119; nothing has reached the broker."""
        self.make_topics({self.topic: 2, self.topic + "_copies": 2})
        self.send(self.wire, self.topic, 0, 60)
        engine = self.start_job()
        self.wait_for_rows(engine, self.wire, self.topic, 60)
        cuts = [Cut(code, before=True, times=1_000_000) for code in SENDS]
        self.network.faults = cuts
        self.send(self.wire, self.topic, 60, 120)
        wait_for(lambda: sum(cut.hits for cut in cuts) > 0, what="a commit that cannot be made")
        engine.kill()
        self.network.faults = []
        self.assertEqual(self.wire.count(self.topic + "_copies"), 60)

    def go_on_and_audit(self):
        engine = self.start_job()
        self.send(self.wire, self.topic, 120, 140)
        self.wait_for_rows(engine, self.wire, self.topic, 140)
        self.stop_and_audit(engine, self.wire, self.topic, 140)

    def test_a_commit_is_made_twice(self):
        """The second time by a third process: the one before was killed when it had sent and received nothing."""
        self.sealed_but_not_sent()
        swallow = Swallow(*SENDS)
        self.network.faults = [swallow]
        engine = self.start_job()
        wait_for(lambda: swallow.hits > 0, what="an answer that is lost")
        engine.kill()
        wait_for(lambda: self.wire.count(self.topic + "_copies") > 60, what="what was sent")
        self.network.faults = []
        self.go_on_and_audit()

    def test_a_commit_is_made_after_the_broker_has_been_away(self):
        """There are no half messages that a broker could roll back in the meantime."""
        self.sealed_but_not_sent()
        self.crash_broker()
        engine = self.start_job()
        wait_for(lambda: "trying again" in engine.err or "waiting to" in engine.err, what="the job to wait")
        engine.kill()
        self.start_broker()
        self.go_on_and_audit()

    def test_a_commit_is_made_when_no_name_server_answers(self):
        self.make_topics({self.topic: 2, self.topic + "_copies": 2})
        engine = self.start_job()
        self.send(self.wire, self.topic, 0, 60)
        self.wait_for_rows(engine, self.wire, self.topic, 60)
        self.cluster.stop(kill=True, role="namesrv")
        self.send(self.wire, self.topic, 60, 120)
        wait_for(lambda: sum(self.wire.max_offset(self.topic + "_copies", queue) for queue in (0, 1)) == 120,
                 what="what was committed without a name server")
        engine.kill()
        self.cluster.start()
        engine = self.start_job()
        self.send(self.wire, self.topic, 120, 140)
        self.wait_for_rows(engine, self.wire, self.topic, 140)
        self.stop_and_audit(engine, self.wire, self.topic, 140)

    def test_more_than_ten_thousand_messages_of_one_checkpoint(self):
        count = 25_000
        self.make_topics({self.topic + "_copies": 2})
        cut = Cut(SEND_BATCH, before=False, times=1)
        self.network.faults = [cut]
        sql = ("SET 'execution.checkpointing.interval' = '10 min';"
               "CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence', "
               f"'fields.n.start' = '0', 'fields.n.end' = '{count - 1}', 'rows-per-second' = '0');"
               + self.table("copies", "n INT", self.topic + "_copies", sink_delivery__guarantee="exactly-once",
                            sink_fence__wait="200 ms", nameServerAddress=self.network.namesrv)
               + "INSERT INTO copies SELECT n FROM numbers;")
        self.run_engine("run", self.write("many.sql", sql), "--checkpoint-dir", self.path("checkpoints"))
        self.assertEqual(cut.hits, 1)
        self.audit_copies(self.wire, self.topic, count)

    # -- check 8: values of every type come back

    TYPES = {
        "c": "CHAR(3)", "v": "VARCHAR(10)", "s": "STRING", "bo": "BOOLEAN", "ti": "TINYINT", "sm": "SMALLINT",
        "i": "INT", "bi": "BIGINT", "f": "FLOAT", "d": "DOUBLE", "de": "DECIMAL(10, 2)", "bin": "BYTES", "da": "DATE",
        "t": "TIME(3)", "ts": "TIMESTAMP(3)", "nano": "TIMESTAMP(9)", "lz": "TIMESTAMP_LTZ(3)",
        "ar": "ARRAY<INT>", "ro": "ROW<a INT, b STRING>", "ma": "MAP<STRING, INT>",
    }
    GREATEST = {
        "c": "abc", "v": "\u00e4, \"\u4e2d\"\n", "s": "x" * 1000, "bo": True, "ti": 127, "sm": 32767, "i": 2147483647,
        "bi": 9223372036854775807, "f": 3.4028235e38, "d": 1.7976931348623157e308, "de": 99999999.99, "bin": "enzDqQ==",
        "da": "9999-12-31", "t": "23:59:59.999", "ts": "9999-12-31 23:59:59.999",
        "nano": "2024-02-29 23:59:59.123456789", "lz": "2024-02-29 23:59:59.123Z", "ar": [1, None, -3],
        "ro": {"a": 1, "b": "one"}, "ma": {"k": 1, "none": None},
    }
    LEAST = {
        "c": "a", "v": "-", "s": " ", "bo": False, "ti": -128, "sm": -32768, "i": -2147483648,
        "bi": -9223372036854775808, "f": -1.4e-45, "d": -4.9e-324, "de": -0.01, "bin": "AA==", "da": "1969-12-31",
        "t": "00:00:00.001", "ts": "1969-12-31 23:59:59.999", "nano": "1970-01-01 00:00:00.000000001",
        "lz": "1969-12-31 23:59:59.999Z", "ar": [], "ro": {"a": None, "b": ""}, "ma": {},
    }
    EMPTY = {"c": "", "v": "", "s": "", "bo": False, "ti": 0, "sm": 0, "i": 0, "bi": 0, "f": 0.0, "d": 0.0, "de": 0.0,
             "bin": "", "da": "1970-01-01", "t": "00:00:00", "ts": "1970-01-01 00:00:00", "nano": "1970-01-01 00:00:00",
             "lz": "1970-01-01 00:00:00Z", "ar": [0], "ro": {"a": 0, "b": "x"}, "ma": {"": 0}}

    WHOLE = {"scan.startup.mode": "earliest", "scan.bounded.mode": "latest-offset"}

    def round_trip(self, name, without=(), **options):
        """Rows of a file and the same rows when they have been through a topic, as they are printed."""
        types = {column: kind for column, kind in self.TYPES.items() if column not in without}
        columns = "id INT, " + ", ".join(f"`{column}` {kind}" for column, kind in types.items())
        rows = [self.GREATEST, self.LEAST, self.EMPTY, {}]
        self.write("rows.json", "".join(
            json.dumps({"id": n, **{column: row.get(column) for column in types}}) + "\n"
            for n, row in enumerate(rows)))
        file = (f"CREATE TABLE file ({columns}) WITH ('connector' = 'filesystem', 'path' = '{self.path('rows.json')}', "
                "'format' = 'json');\n")
        topic = f"{self.topic}_{name}"
        self.make_topics({topic: 1})
        given = {"consumerGroup": "g_" + topic, "format": None, **self.WHOLE, **options}
        topic_table = self.table("there", columns, topic, **given)
        write = file + topic_table + "INSERT INTO there SELECT * FROM file;"
        self.run_engine("run", self.write(f"write_{name}.sql", write))
        wait_for(lambda: self.wire.count(topic) == len(rows), what="the rows")
        expected, found = (sorted(self.select(create, f"SELECT * FROM {table}"), key=lambda row: row["id"])
                           for create, table in ((file, "file"), (topic_table, "there")))
        self.assertEqual(len(expected), len(rows))
        return expected, found

    def test_types_come_back_as_json(self):
        expected, found = self.round_trip("json", format="json")
        self.assertEqual(found, expected)

    def test_types_come_back_as_csv(self):
        expected, found = self.round_trip("csv", without=["ma"], **{"format": "csv", "csv.null-literal": "n/a"})
        self.assertEqual((expected[1]["ar"], expected[2]["bin"]), ([], ""))
        expected[1]["ar"] = expected[2]["bin"] = None  # what is empty and no text
        self.assertEqual(found, expected)

    def test_types_come_back_as_delimited_text(self):
        expected, found = self.round_trip("text", lineDelimiter="\\u0002", nullLiteral="n/a")
        self.assertEqual(found, expected)

    def test_types_come_back_as_debezium_json(self):
        expected, found = self.round_trip("debezium", format="debezium-json")
        self.assertEqual(found, [{"op": "+I", **row} for row in expected])

    def test_types_come_back_as_raw_bodies(self):
        """A body is one value, in its bytes or as text. NULL and the empty text have none, and are refused."""
        texts = ("v", "s", "bin")
        kinds = (*texts, "bo", "ti", "sm", "i", "bi", "f", "d")
        names = [f"{self.topic}_{column}" for column in kinds]
        self.make_topics(dict.fromkeys([*names, self.topic + "_null"], 1))
        columns = "id INT, " + ", ".join(f"`{column}` {self.TYPES[column]}" for column in kinds)
        rows = [{"id": n, **{column: row[column] for column in kinds}}
                for n, row in enumerate((self.GREATEST, self.LEAST,
                                         {**self.EMPTY, **{text: self.LEAST[text] for text in texts}}))]
        self.write("rows.json", "".join(json.dumps(row) + "\n" for row in rows))
        file = (f"CREATE TABLE file ({columns}) WITH ('connector' = 'filesystem', 'path' = '{self.path('rows.json')}', "
                "'format' = 'json');\n")
        tables = "".join(self.table(f"t_{column}", f"v {self.TYPES[column]}", name, format="raw",
                                    consumerGroup="g_" + name, **self.WHOLE)
                         for column, name in zip(kinds, names))
        inserts = "".join(f"INSERT INTO t_{column} SELECT `{column}` FROM file;" for column in kinds)
        self.run_engine("run", self.write("write.sql", file + tables + inserts))
        wait_for(lambda: all(self.wire.count(name) == len(rows) for name in names), what="the rows")

        def printed(create, value, table):
            query = " UNION ALL ".join(f"SELECT '{column}' AS kind, CAST({value(column)} AS STRING) AS v FROM "
                                       f"{table(column)}" for column in kinds)
            return sorted((row["kind"], row["v"]) for row in self.select(create, query))
        self.assertEqual(printed(tables, lambda column: "v", lambda column: "t_" + column),
                         printed(file, lambda column: f"`{column}`", lambda column: "file"))
        for kind, value, problem in ("INT", "CAST(NULL AS INT)", "NULL"), ("STRING", "''", "empty body"):
            create = self.table("t", f"v {kind}", self.topic + "_null", format="raw")
            self.fails(create + f"INSERT INTO t SELECT {value};", 1, problem)


if __name__ == "__main__":
    main()
