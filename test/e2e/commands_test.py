#!/usr/bin/env python3
"""topic, group, produce, consume and checkpoints from the command line, as scripts use them."""
import contextlib
import json
import os
import pty
import select
import subprocess
import time

from harness import PATIENCE, PROGRAM, EndToEndTest, broker, main, wait_for

JOB = """
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE t (body BYTES) WITH ('connector' = 'rocketmq', 'topic' = '{topic}', 'consumerGroup' = '{group}',
  'scan.startup.mode' = 'earliest', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE gone (body BYTES) WITH ('connector' = 'blackhole');
INSERT INTO gone SELECT * FROM t;
"""


class CommandsTest(EndToEndTest):
    broker_options = {"traceTopicEnable": "true"}

    def run_program(self, *arguments, lines=None):
        environment = {**os.environ, "SLIPSTREAM_NAMESERVER": self.cluster.namesrv}
        return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True,
                              timeout=120 * PATIENCE, env=environment, input=lines)

    def succeed(self, *arguments, lines=None):
        done = self.run_program(*arguments, lines=lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def rows(self, *arguments):
        return [json.loads(line) for line in self.succeed(*arguments, "--output", "json").splitlines()]

    def said(self, *arguments, lines=None):
        done = self.run_program(*arguments, lines=lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def refused(self, reason, *arguments, status=1, lines=None):
        done = self.run_program(*arguments, lines=lines)
        self.assertEqual((done.returncode, reason in done.stderr), (status, True), done.stderr)

    def test_topics(self):
        self.assertIn("topic 'made' created: 2 queues on broker-a", self.said("topic", "create", "made", "--queues", 2))
        self.assertIn({"topic": "made"}, self.rows("topic", "list"))
        self.assertEqual(self.succeed("topic", "describe", "made", "--output", "csv").splitlines(),
                         ["broker,queue,min offset,max offset", "broker-a,0,0,0", "broker-a,1,0,0"])
        self.assertIn("widened: 3 queues on broker-a; before: 2", self.said("topic", "widen", "made", "--queues", 3))
        self.assertIn("has that many already", self.said("topic", "widen", "made", "--queues", 2))
        self.assertEqual([row["queue"] for row in self.rows("topic", "describe", "made")], [0, 1, 2])
        # Large lines, which do not fit into one send together (finding 18).
        for first, second in ((300_000, 4_000_000), (10_000, 4_190_000)):
            self.succeed("produce", "made", lines="b" * first + "\n" + "c" * second + "\n")
        self.assertEqual(len(self.succeed("consume", "made", "--format", "%o\n").split()), 4)
        # What was acknowledged is read, however busy the broker is (finding 44).
        self.succeed("produce", "made", lines="".join(f"{n}\n" for n in range(5_000)))
        self.assertEqual(len(self.succeed("consume", "made", "--format", "%o\n").split()), 5_004)
        self.assertIn("topic 'made' deleted: 3 queues", self.said("topic", "delete", "made"))
        self.assertNotIn({"topic": "made"}, self.rows("topic", "list"))
        self.assertFalse([row for row in self.rows("topic", "list") if "sys" in row["topic"].lower()])

    def test_creating_a_topic_that_exists_hides_nothing(self):
        """Finding 30: a topic of 4 queues became one of 1, and three quarters of its messages were out of sight."""
        self.succeed("topic", "create", "full", "--queues", 4)
        self.audit.produce("full", 40, "{n}")
        before = self.rows("topic", "describe", "full")
        self.refused("topic widen", "topic", "create", "full", "--queues", 1)
        self.refused("slipstream topic shrink full --queues 1", "topic", "create", "full", "--queues", 1)
        self.refused("slipstream topic widen full --queues 6", "topic", "create", "full", "--queues", 6)
        for queues in ((), ("--queues", 4)):
            self.assertIn("exists already: 4 queues", self.said("topic", "create", "full", *queues))
        self.assertEqual(self.rows("topic", "describe", "full"), before)

    def test_shrinking_says_what_it_hides(self):
        """Finding 30."""
        self.succeed("topic", "create", "wide", "--queues", 3)
        self.assertIn("shrunk: 2 queues on broker-a; before: 3", self.said("topic", "shrink", "wide", "--queues", 2))
        self.audit.produce("wide", 40, "{n}")
        before = self.rows("topic", "describe", "wide")
        hidden = f"hides {before[1]['max_offset']} messages ({before[1]['max_offset']} in queue broker-a:1)"
        self.refused(hidden, "topic", "shrink", "wide", "--queues", 1)
        self.refused("add --yes", "topic", "shrink", "wide", "--queues", 1)
        self.assertEqual(self.rows("topic", "describe", "wide"), before)
        self.assertIn("out of reach", self.said("topic", "shrink", "wide", "--queues", 1, "--yes"))
        self.assertEqual(self.rows("topic", "describe", "wide"), before[:1])
        self.assertIn("no more than that", self.said("topic", "shrink", "wide", "--queues", 1))
        self.succeed("topic", "widen", "wide", "--queues", 2)
        self.assertEqual(self.rows("topic", "describe", "wide"), before, "they were hidden, not deleted")

    def test_consume_ends_at_what_was_there(self):
        """Finding 32: it went on for as long as somebody sent."""
        self.succeed("topic", "create", "growing", "--queues", 2)
        self.audit.produce("growing", 30, "{n}")
        producer = subprocess.Popen(["bash", "-c", "i=1000; while echo $i; do i=$((i+1)); sleep 0.04; done | "
                                     f"{PROGRAM} produce growing --nameserver {self.cluster.namesrv}"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    start_new_session=True)
        try:
            def size():
                return sum(row["max_offset"] for row in self.rows("topic", "describe", "growing"))
            wait_for(lambda: size() > 35, what="messages of the producer")
            before = size()
            read = self.succeed("consume", "growing").split()
            wait_for(lambda: size() > len(read), what="messages sent after the last one that was read")
        finally:
            os.killpg(producer.pid, 9)
            producer.wait()
        self.assertGreaterEqual(len(read), before)
        self.assertEqual(len(set(read)), len(read))
        self.assertEqual(len(self.succeed("consume", "growing", "--count", 7).split()), 7)
        self.assertEqual(self.succeed("consume", "growing", "--count", 0), "")

    def test_keys_per_line(self):
        self.succeed("topic", "create", "keyed", "--queues", 1)
        self.assertIn("3 messages stored", self.said("produce", "keyed", "--key-separator", "\\t", "--tag", "t",
                                                     lines="a\tone\nb\ttwo\tmore\n\tthree\n"))
        self.assertEqual([(keys, tags, body) for _, _, _, tags, keys, body in self.audit.messages("keyed")],
                         [("a", "t", "one"), ("b", "t", "two\tmore"), ("", "t", "three")])
        self.assertEqual(self.succeed("consume", "keyed", "--format", "%k\\t%s\\n"),
                         "a\tone\nb\ttwo\tmore\n\tthree\n")
        self.refused("line 2: it has no key separator", "produce", "keyed", "--key-separator", ":", lines="a:1\nb\n")

    def test_envelopes_go_both_ways(self):
        self.succeed("topic", "create", "sent", "--queues", 1)
        self.succeed("topic", "create", "again", "--queues", 1)
        lines = [{"body": "one", "keys": ["k1", "k2"], "tags": "red", "properties": {"source": "x y"}},
                 {"body_base64": "/wAB"}, {"body": "\u8ba2\u5355 \"\n"}]
        self.succeed("produce", "sent", "--json", lines="".join(json.dumps(line) + "\n" for line in lines))
        read = self.succeed("consume", "sent", "--json")
        envelopes = [json.loads(line) for line in read.splitlines()]
        self.assertEqual([envelope["offset"] for envelope in envelopes], [0, 1, 2])
        self.assertEqual(envelopes[0]["topic"], "sent")
        for envelope, line in zip(envelopes, lines):
            full = {"keys": [], "tags": "", "properties": {}, **line}
            self.assertEqual({field: envelope[field] for field in full}, full)
        self.succeed("produce", "again", "--json", lines=read)
        copies = [json.loads(line) for line in self.succeed("consume", "again", "--json").splitlines()]
        for envelope, copy in zip(envelopes, copies):
            for field in ("topic", "id", "time"):
                del envelope[field], copy[field]
        self.assertEqual(copies, envelopes)
        self.refused("line 2: it is no JSON object", "produce", "again", "--json", lines='{"body":"a"}\nb\n')

    def test_the_shell_completes_topics(self):
        self.succeed("topic", "create", "autumn-leaves", "--queues", 1)
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm", HOME=str(self.directory), SLIPSTREAM_NAMESERVER=self.cluster.namesrv)
            os.execv(str(PROGRAM), [str(PROGRAM), "sql"])
        self.addCleanup(os.close, terminal)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, 9)
        seen = b""

        def shows(text):
            nonlocal seen
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)
            return text in seen

        wait_for(lambda: shows(b"sql> "), 30, "the prompt")
        os.write(terminal, b"CREATE TABLE t (a INT) WITH ('topic' = 'aut\t")
        wait_for(lambda: shows(b"umn-leaves"), 30, "the rest of the topic's name")  # what is there is not drawn again

    def test_a_large_line_behind_a_small_one(self):
        """Finding 18: what does not fit in one batch with the lines before it goes by itself."""
        self.succeed("topic", "create", "large", "--queues", 1)
        self.assertIn("2 messages stored", self.said("produce", "large", lines="b" * 300_000 + "\n" + "c" * 4_000_000))
        self.refused("line 1", "produce", "large", lines="d" * 4_194_400 + "\n")

    def test_consume_from_a_place(self):
        self.create_topics({"places": 2})
        self.audit.produce("places", 40, "{n}")
        queue = self.rows("topic", "describe", "places")[1]
        read = self.succeed("consume", "places", "--from", f"1:{queue['max_offset'] - 3}", "--format", "%q %o\\n")
        self.assertEqual(read.split(), [word for offset in range(queue["max_offset"] - 3, queue["max_offset"])
                                        for word in ("1", str(offset))])
        self.assertEqual(len(self.succeed("consume", "places", "--from", "2020-01-01 00:00:00").split()), 40)
        self.assertEqual(self.succeed("consume", "places", "--from", "latest"), "")
        self.refused("has no queue 9; it has broker-a:0, broker-a:1", "consume", "places", "--from", "9:0")
        self.refused("QUEUE:OFFSET", "consume", "places", "--from", "yesterday", status=2)

    def test_delayed_messages_come_later(self):
        self.create_topics({"delayed": 1})
        sent = time.time()
        self.succeed("produce", "delayed", "--delay", "1", lines="in a second\n")
        early = self.rows("topic", "describe", "delayed")[0]["max_offset"]
        if time.time() - sent < 1:  # a busy machine may look too late
            self.assertEqual(early, 0)
        wait_for(lambda: self.rows("topic", "describe", "delayed")[0]["max_offset"] == 1, what="the delayed message")
        self.refused("a level is a number from 1 to 18", "produce", "delayed", "--delay", "19", status=2)
        if self.version.startswith("5"):
            sent = time.time()
            self.succeed("produce", "delayed", "--delay", "2 s", lines="in two\n")
            wait_for(lambda: self.rows("topic", "describe", "delayed")[0]["max_offset"] == 2, what="the timed message")
            self.assertGreater(time.time() - sent, 1)

    def test_groups(self):
        self.create_topics({"grouped": 2})
        self.audit.produce("grouped", 50, "{n}")
        job = JOB.format(topic="grouped", group="readers")
        self.succeed("run", "-e", job, "--checkpoint-dir", self.path("cp"))
        self.assertIn({"group": "readers", "topics": "grouped"}, self.rows("group", "list"))
        described = self.rows("group", "describe", "readers")
        self.assertEqual([row["lag"] for row in described], [0, 0])
        self.assertEqual(sum(row["offset"] for row in described), 50)
        dry = self.rows("group", "reset", "readers", "--topic", "grouped", "--to", "earliest", "--dry-run")
        self.assertEqual([row["to"] for row in dry], [0, 0])
        self.assertEqual([row["difference"] for row in dry], [-row["offset"] for row in described])
        self.assertEqual(self.rows("group", "describe", "readers"), described, "a dry run changes nothing")
        self.succeed("group", "reset", "readers", "--topic", "grouped", "--to", "1:3")
        after = self.rows("group", "describe", "readers", "--topic", "grouped")
        self.assertEqual([row["offset"] for row in after], [described[0]["offset"], 3])
        self.succeed("group", "reset", "readers", "--topic", "grouped", "--to", "earliest")
        self.assertEqual(sum(row["lag"] for row in self.rows("group", "describe", "readers")), 50)
        self.refused("is outside [0, ", "group", "reset", "readers", "--topic", "grouped", "--to", "0:5000")
        self.refused("did you mean 'readers'?", "group", "describe", "reader")
        # A running job is a member (finding 23).
        running = self.engine("run", "-e", job.replace(", 'scan.bounded.mode' = 'latest-offset'", ""),
                              "--checkpoint-dir", self.path("cp-running"),
                              environment={"SLIPSTREAM_NAMESERVER": self.cluster.namesrv})
        reset = ("group", "reset", "readers", "--topic", "grouped", "--to", "latest")
        wait_for(lambda: self.run_program(*reset, "--dry-run").returncode == 0
                 and "members online" in self.run_program("group", "describe", "readers").stdout, what="the member")
        self.refused("has 1 members online, first '", *reset)
        self.succeed(*reset, "--force")
        seen = self.audit.run("members", "grouped", group="readers")
        self.assertIn(f"@{running.process.pid}@slipstream", seen)
        self.assertIn("topic grouped", seen)
        online = self.rows("group", "connections", "readers")
        self.assertEqual([(row["language"], row["version"], row["reads"]) for row in online],
                         [("CPP", "4.9.3", "grouped: *")])
        self.assertIn(f"@{running.process.pid}@slipstream", online[0]["client"])
        self.assertEqual(running.stop(), 0, running.err)
        wait_for(lambda: "no member is online" in self.run_program("group", "describe", "readers").stdout,
                 what="the member to go")
        self.assertIn("no member of group 'readers' is online", self.said("group", "connections", "readers"))
        self.refused("did you mean 'readers'?", "group", "connections", "reader")
        self.succeed("group", "reset", "readers", "--topic", "grouped", "--to", "earliest")
        self.assertIn("50 messages will not be read", self.said("group", "skip-backlog", "readers", "--dry-run"))
        self.assertEqual(sum(row["lag"] for row in self.rows("group", "describe", "readers")), 50)
        self.succeed("group", "skip-backlog", "readers")
        rows = self.rows("group", "describe", "readers")
        self.assertEqual([row["lag"] for row in rows if row["topic"] == "grouped"], [0, 0])
        self.assertEqual(sum(row["lag"] for row in rows), 0, rows)

    def test_dead_letters(self):
        self.succeed("topic", "create", "taken", "--queues", 1)
        self.refused("has no dead letters", "group", "dead-letters", "list", "givers")
        lines = [{"body": f"body {n}", "keys": [f"k{n}"], "tags": "red", "properties": {"n": str(n)}} for n in range(3)]
        self.succeed("produce", "taken", "--json", lines="".join(json.dumps(line) + "\n" for line in lines))
        def dead():
            done = self.run_program("group", "dead-letters", "list", "givers", "--output", "json")
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            return rows if len(rows) == 3 else None
        with self.java_clients("taken", "givers", fail="body", tries=0):
            rows = wait_for(dead, what="the dead letters")
        self.assertEqual([row["from_topic"] for row in rows], ["taken"] * 3)
        redrive = ("group", "dead-letters", "redrive", "givers")
        self.refused("either --id or --all is needed", *redrive, status=2)
        self.assertIn("3 messages would be sent again", self.said(*redrive, "--all", "--dry-run"))
        self.refused("--all from the first one on sends again", *redrive, "--all", status=2)
        said = self.said(*redrive, "--id", rows[1]["id"])
        self.assertIn("1 message sent again; they stay in the dead-letter topic, too", said)
        self.refused("has no dead letter with the id 'none'", *redrive, "--id", "none")
        again = [json.loads(line) for line in self.succeed("consume", "taken", "--from", "0:3", "--json").splitlines()]
        self.assertEqual([(row["keys"], row["tags"], row["properties"]["redriven_from"]) for row in again],
                         [(rows[1]["keys"].split(), "red", rows[1]["id"])])
        said = self.said(*redrive, "--all", "--yes", "--to", "taken", "--count", 2)
        self.assertIn("2 messages sent again; they stay in the dead-letter topic, too: --from broker-a:0:", said)

    def test_brokers(self):
        def all_answer():
            rows = self.rows("cluster", "describe")
            return rows if {row["state"] for row in rows} == {"ok"} else None
        # In its first second a broker 4.x has no figures of its store, and fails when it is asked for them.
        described = wait_for(all_answer, what="the brokers' figures")
        self.assertEqual([(row["broker"], row["id"], row["role"], row["version"], row["state"]) for row in described],
                         [("broker-a", 0, "master", self.version, "ok")])
        name = "maxTransferCountOnMessageInDisk"
        before = self.rows("broker", "config", "get", "broker-a", name)[0]["value"]
        change = ("broker", "config", "set", "broker-a", f"{name}=17")
        self.assertEqual(self.rows(*change, "--dry-run"), [{"setting": name, "before": before, "after": "17"}])
        self.assertEqual(self.rows("broker", "config", "get", "broker-a", name)[0]["value"], before)
        self.succeed(*change)
        self.assertEqual(self.rows("broker", "config", "get", described[0]["address"], name)[0]["value"], "17")
        self.assertIn("is set so already", self.said(*change))
        self.succeed(*change[:-1], f"{name}={before}")
        self.refused(f"did you mean '{name}'?", *change[:-1], "maxTransferCountOnMessageInDsk=1")
        self.refused("did you mean 'broker-a'?", "broker", "config", "get", "broker-b")
        self.refused("NAME=VALUE is expected", *change[:-1], "x", status=2)
        self.assertGreater(len(self.rows("broker", "config", "get", "broker-a")), 100)

    def test_access_rules_need_a_broker_that_has_them(self):
        reason = "from 5.3 on do" if self.version.startswith("4.") else "is access control configured there"
        self.refused(reason, "acl", "user", "list")
        self.refused(reason, "acl", "list")
        self.refused("topic:NAME", "acl", "grant", "ann", "orders", "--actions", "pub", status=2)

    @contextlib.contextmanager
    def java_clients(self, topic, group, writer=(), **reader):
        """A member of the group beside the block, and a producer with the options `writer` when there are some."""
        processes = [self.audit.produce_in_background(topic, 10_000, batch=1, **writer)] if writer else []
        with open(self.path(f"java-{topic}.log"), "wb") as log:
            words = self.audit.command("consume", topic, group=group, idle=3600, **reader)
            processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                              preexec_fn=broker.die_with_parent))
        try:
            yield
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def test_connections_of_a_broker(self):
        self.succeed("topic", "create", "linked", "--queues", 1)
        def linked():
            rows = self.rows("broker", "connections", "broker-a")
            seen = [(row["role"], row["group"]) for row in rows]
            found = ("consumer", "linkers") in seen and any(group.startswith("audit_producer") for _, group in seen)
            return rows if found else None
        with self.java_clients("linked", "linkers", writer={"rate": 2}):
            rows = wait_for(linked, what="both clients")
        for row in rows:
            if row["group"] == "linkers":
                self.assertEqual((row["language"], row["version"]), ("JAVA", self.version))

    def test_single_messages(self):
        self.succeed("topic", "create", "single", "--queues", 1)
        self.audit.produce("single", 3, "body {n}", keys=True, batch=1, trace=True)
        envelopes = [json.loads(line) for line in self.succeed("consume", "single", "--json").splitlines()]
        self.assertEqual([row["id"] for row in self.rows("message", "find", "--topic", "single", "--key", "1")],
                         [envelopes[1]["id"]])
        unique = envelopes[2]["id"]
        found = self.succeed("message", "find", "--topic", "single", "--unique-key", unique, "--output", "csv")
        offset_id = found.splitlines()[1].split(",")[5]
        for words in ((offset_id,), (unique, "--topic", "single")):
            self.assertEqual(self.rows("message", "get", *words), [envelopes[2]])
        table = self.succeed("message", "get", offset_id)
        for part in ("body 2", unique, "property UNIQ_KEY", "broker-a"):
            self.assertIn(part, table)
        self.assertIn("no message with that key", self.said("message", "find", "--topic", "single", "--key", "none"))
        self.refused("did you mean 'single'?", "message", "find", "--topic", "singel", "--key", "1")
        self.refused("--topic TOPIC", "message", "get", "0A00000100002A9F0000000000000001")
        self.refused("no message with the unique key", "message", "get", unique[:-1] + "Z", "--topic", "single")
        self.refused("one of --key and --unique-key is needed", "message", "find", "--topic", "single", status=2)

    def test_traces(self):
        self.succeed("topic", "create", "traced", "--queues", 1)
        def reported():
            sent = [json.loads(line)["id"] for line in self.succeed("consume", "traced", "--json").splitlines()]
            traces = ((unique, self.rows("message", "trace", unique)) for unique in sent[-10:])
            return next(((unique, rows) for unique, rows in traces if len(rows) >= 3), None)
        # The Java client sends its reports in the background, once, and drops what is late: each second a new message.
        with self.java_clients("traced", "tracers", writer={"rate": 1, "trace": True}, trace=True):
            unique, rows = wait_for(reported, what="the clients' reports", pause=0.5)
        self.assertEqual([row["event"] for row in rows], ["sent", "delivered", "consumed"])
        self.assertEqual([row["result"] for row in rows], ["ok", "", "ok"])
        self.assertEqual(rows[0]["topic"], "traced")
        self.assertEqual([row["group"] for row in rows[1:]], ["tracers"] * 2)
        self.assertIn("no client reported anything", self.said("message", "trace", "nobody"))
        self.refused("does not exist", "message", "trace", unique, "--trace-topic", "none")

    def test_record_and_replay(self):
        self.succeed("topic", "create", "played", "--queues", 3)
        self.succeed("topic", "create", "played-again", "--queues", 3)
        lines = [{"body": f"b {n}", "keys": [f"k{n}"], "tags": "red", "properties": {"n": str(n)}} for n in range(99)]
        self.succeed("produce", "played", "--json", lines="".join(json.dumps(line) + "\n" for line in lines))
        self.succeed("produce", "played", "--json", lines='{"body_base64": "/wAB"}\n')
        file = self.path("slice.jsonl")
        self.assertIn("100 messages of topic 'played' recorded", self.said("record", "played", "--out", file))
        self.refused("exists; name another, or add --overwrite", "record", "played", "--out", file)
        recorded = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual([line["time"] for line in recorded], sorted(line["time"] for line in recorded))
        self.assertEqual(recorded[-1]["body_base64"], "/wAB")
        self.assertIn("100 messages replayed", self.said("replay", file, "--to", "played-again", "--speed", "max"))
        def queues(topic):
            found = {}
            for line in self.succeed("consume", topic, "--json").splitlines():
                message = json.loads(line)
                content = [message[part] for part in ("keys", "tags", "properties")] + [message.get("body")]
                found.setdefault(message["queue"], []).append(content)
            return sorted(found.values(), key=str)
        self.assertEqual(queues("played-again"), queues("played"), "each queue in its order")
        paced = [{**line, "time": line["time"] + (2_000 if line is recorded[-1] else 0)} for line in recorded]
        file.write_text("".join(json.dumps(line) + "\n" for line in paced))
        begin = time.monotonic()
        self.said("replay", file, "--to", "played-again", "--speed", 2)
        self.assertGreater(time.monotonic() - begin, 1)
        last = recorded[-1]["time"]
        for slice_of, expected in ((("--from", last), [line for line in recorded if line["time"] >= last]),
                                   (("--to", last), [line for line in recorded if line["time"] < last])):
            self.said("record", "played", *slice_of, "--out", file, "--overwrite")
            self.assertEqual([json.loads(line) for line in file.read_text().splitlines()], expected, slice_of)
        self.refused("--speed fast: max or", "replay", file, "--to", "played-again", "--speed", "fast", status=2)
        self.refused("did you mean 'played-again'?", "replay", file, "--to", "played-agian")
        file.write_text('{"body": "x"}\n')
        self.refused("it has no 'time'", "replay", file, "--to", "played-again")

    def test_audit(self):
        for topic in ("ordered", "copied", "damaged"):
            self.succeed("topic", "create", topic, "--queues", 2)
        lines = [{"body": json.dumps({"id": n}), "keys": [f"k{n}"]} for n in range(300)]
        self.succeed("produce", "ordered", "--json", lines="".join(json.dumps(line) + "\n" for line in lines))
        self.succeed("run", "-e", JOB.format(topic="ordered", group="auditors").replace(
            "'connector' = 'blackhole'", "'connector' = 'rocketmq', 'topic' = 'copied', 'format' = 'raw'"))
        self.assertIn("equal: in 300, out 300, minus 0", self.said("audit", "--in", "ordered", "--out", "copied"))
        copies = self.succeed("consume", "copied", "--json").splitlines()
        dropped = next(line for line in copies if json.loads(line)["body"] == lines[123]["body"])
        copies.remove(dropped)
        self.succeed("produce", "damaged", "--json", lines="".join(line + "\n" for line in copies + copies[:1]))
        slice_of = self.path("ordered.jsonl")
        self.succeed("record", "ordered", "--out", slice_of)
        [origin] = [line for line in map(json.loads, slice_of.read_text().splitlines()) if line["keys"] == ["k123"]]
        minute = time.strftime("%Y-%m-%d %H:%M", time.gmtime(origin["time"] / 1000))
        for read in ("ordered", slice_of):
            done = self.run_program("audit", "--in", read, "--out", "damaged", "--output", "json")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("different: in 300, out 300, minus 0; missing 1, doubled 1, unexpected 0", done.stderr)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            ranges = {row["what"]: row for row in rows if "first_offset" in row}
            self.assertEqual(ranges["missing"], {
                "what": "missing", "minute": minute, "topic": str(read), "broker": "broker-a", "queue": origin["queue"],
                "count": 1, "first_offset": origin["offset"], "last_offset": origin["offset"]})
            messages = {row["what"]: row for row in rows if "message" in row}
            self.assertEqual((messages["missing"]["id"], messages["missing"]["keys"]), (origin["id"], "k123"))
            self.assertEqual(messages["doubled"]["message"], json.loads(copies[0])["body"])
            self.assertEqual(messages["doubled"]["topic"], "damaged")
        self.refused("missing 1, ", "audit", "--in", "ordered", "--out", "damaged", "--column", "id", "--from",
                     f"{origin['queue']}:{origin['offset']}")
        self.refused("did you mean 'ordered'?", "audit", "--in", "orderd", "--out", "copied")
        self.refused("--out", "audit", "--in", "ordered", status=2)

    def test_infer(self):
        bodies = {"objects": ['{"id": 1, "price": 2.5, "at": "2024-01-31 10:11:12", "to": {"city": "x"}, "l": ["a"]}',
                              '{"id": 2, "price": 3, "at": null, "extra": true}'],
                  "lines": ["1,red,2024-01-31", "2,,2024-02-01"], "texts": ["hello", "world"]}
        expected = {"objects": "`to` ROW<`city` STRING>", "lines": "`f2` DATE", "texts": "`body` STRING"}
        for topic, lines in bodies.items():
            self.succeed("topic", "create", topic, "--queues", 2)
            self.refused("holds no message", "infer", topic)
            self.succeed("produce", topic, lines="".join(line + "\n" for line in lines))
            table = self.succeed("infer", topic, "--name", "read")
            self.assertIn(expected[topic], table)
            query = table + "SELECT * FROM `read`;"
            self.succeed("check", "-e", query)
            rows = self.rows("run", "-e", query.replace("'format'", "'scan.bounded.mode' = 'latest-offset', 'format'"))
            self.assertEqual(len(rows), 2, table)
            if topic == "objects":
                self.assertEqual(sorted(row["id"] for row in rows), [1, 2])
        self.refused("did you mean 'objects'?", "infer", "object")

    def test_checkpoints(self):
        self.create_topics({"kept": 2})
        self.audit.produce("kept", 30, "{n}")
        folder = self.path("cp-kept")
        self.succeed("run", "-e", JOB.format(topic="kept", group="keepers"), "--checkpoint-dir", folder)
        listed = self.rows("checkpoints", "list", folder)
        self.assertEqual((listed[-1]["kind"], listed[-1]["fault"]), ("finished", ""))
        parts = self.rows("checkpoints", "inspect", folder)
        splits = {row["name"]: row["detail"] for row in parts if row["what"] == "split"}
        self.assertEqual(sorted(splits), ["kept/broker-a/0", "kept/broker-a/1"])
        ends = [row["max_offset"] for row in self.rows("topic", "describe", "kept")]
        self.assertEqual([splits[f"kept/broker-a/{i}"] for i in (0, 1)], [f"next {end} of {end}" for end in ends])
        manifest = os.path.join(folder, f"chk-{listed[-1]['id']}", "manifest")
        with open(manifest, "r+b") as file:
            file.seek(20)
            file.write(b"\xff\xff")
        self.assertNotEqual(self.rows("checkpoints", "list", folder)[-1]["fault"], "")
        self.refused("there is no", "checkpoints", "list", self.path("none"), status=2)


if __name__ == "__main__":
    main()
