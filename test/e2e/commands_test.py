#!/usr/bin/env python3
"""topic, group, produce, consume and checkpoints from the command line, as scripts use them."""
import json
import os
import subprocess
import time

from harness import PATIENCE, PROGRAM, EndToEndTest, main, wait_for

JOB = """
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE t (body BYTES) WITH ('connector' = 'rocketmq', 'topic' = '{topic}', 'consumerGroup' = '{group}',
  'scan.startup.mode' = 'earliest', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE gone (body BYTES) WITH ('connector' = 'blackhole');
INSERT INTO gone SELECT * FROM t;
"""


class CommandsTest(EndToEndTest):
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

    def refused(self, reason, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual((done.returncode, reason in done.stderr), (1, True), done.stderr)

    def test_topics(self):
        self.succeed("topic", "create", "made", "--queues", 2)
        self.assertIn({"topic": "made"}, self.rows("topic", "list"))
        self.assertEqual(self.succeed("topic", "describe", "made", "--output", "csv").splitlines(),
                         ["broker,queue,min offset,max offset", "broker-a,0,0,0", "broker-a,1,0,0"])
        self.succeed("topic", "widen", "made", "--queues", 3)
        self.assertEqual([row["queue"] for row in self.rows("topic", "describe", "made")], [0, 1, 2])
        # Large lines, which do not fit into one send together (finding 18).
        for first, second in ((300_000, 4_000_000), (10_000, 4_190_000)):
            self.succeed("produce", "made", lines="b" * first + "\n" + "c" * second + "\n")
        self.assertEqual(len(self.succeed("consume", "made", "--format", "%o\n").split()), 4)
        # What was acknowledged is read, however busy the broker is (finding 44).
        self.succeed("produce", "made", lines="".join(f"{n}\n" for n in range(5_000)))
        self.assertEqual(len(self.succeed("consume", "made", "--format", "%o\n").split()), 5_004)
        self.succeed("topic", "delete", "made")
        self.assertNotIn({"topic": "made"}, self.rows("topic", "list"))
        self.assertFalse([row for row in self.rows("topic", "list") if "sys" in row["topic"].lower()])

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
        self.refused("QUEUE:OFFSET", "consume", "places", "--from", "yesterday")

    def test_delayed_messages_come_later(self):
        self.create_topics({"delayed": 1})
        sent = time.time()
        self.succeed("produce", "delayed", "--delay", "1", lines="in a second\n")
        early = self.rows("topic", "describe", "delayed")[0]["max_offset"]
        if time.time() - sent < 1:  # a busy machine may look too late
            self.assertEqual(early, 0)
        wait_for(lambda: self.rows("topic", "describe", "delayed")[0]["max_offset"] == 1, what="the delayed message")
        self.refused("a level is a number from 1 to 18", "produce", "delayed", "--delay", "19")
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
        self.assertEqual(running.stop(), 0, running.err)
        wait_for(lambda: "no member is online" in self.run_program("group", "describe", "readers").stdout,
                 what="the member to go")

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
        self.refused("there is no", "checkpoints", "list", self.path("none"))


if __name__ == "__main__":
    main()
