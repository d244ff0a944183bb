#!/usr/bin/env python3
"""The client's own tests that need a broker: Live*Test of src/rocketmq/client, some beside the official Java client."""
import json
import os
import re
import subprocess

from harness import PATIENCE, ROOT, EndToEndTest, broker, main, wait_for

TESTS = os.environ.get("SLIPSTREAM_CLIENT_TESTS", str(ROOT / "build/dev/bin/rocketmq_test"))
ID_OF_TRACED = "0123456789ABCDEF" * 2  # of LiveTraceTest


class ClientTest(EndToEndTest):
    broker_options = {"transactionCheckInterval": 2000, "transactionTimeOut": 1000, "traceTopicEnable": "true"}

    def live(self, tests, passed, **environment):
        """Runs tests of the client, all of which must pass and none be skipped."""
        environment = dict(os.environ, SLIPSTREAM_TEST_NAME_SERVER=self.cluster.namesrv,
                           **{f"SLIPSTREAM_TEST_{name.upper()}": str(value) for name, value in environment.items()})
        done = subprocess.run([TESTS, f"--gtest_filter={tests}"], env=environment, capture_output=True, text=True,
                              timeout=240 * PATIENCE)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-5000:])
        self.assertIn(f"[  PASSED  ] {passed} test", done.stdout)
        self.assertNotIn("SKIPPED", done.stdout)

    def java_member(self, topic, group, **options):
        """A member of the group that is the Java client's; its log tells what it was given."""
        return self.java_client("consume", topic, group=group, **options)

    def java_client(self, verb, topic, **options):
        """The judge, beside the test; and the file with what it prints."""
        (self.cluster.dir / "home-audit").mkdir(exist_ok=True)
        path = self.path(f"java-{topic}.out")
        with open(path, "wb") as out, open(self.path(f"java-{topic}.err"), "wb") as err:
            process = subprocess.Popen(self.audit.command(verb, topic, **options), stdout=out,
                                       stderr=err, stdin=subprocess.DEVNULL, preexec_fn=broker.die_with_parent)
        return process, path

    def test_client_against_a_real_broker(self):
        self.live("LiveTest.*", 3)

    def test_groups(self):
        self.live("LiveGroupTest.*", 4)

    def test_pop(self):
        self.audit.create_topic("popped")
        if self.cluster.version.startswith("4."):
            self.live("LiveOldPopTest.*", 1, pop_topic="popped", old_brokers=self.cluster.version)
            return
        self.audit.produce("popped", 1_000, batch=1)
        self.live("LivePopTest.*", 3, pop_topic="popped", pop_count=1_000)

    def test_pop_of_batches(self):
        if self.cluster.version.startswith("4."):
            return
        self.audit.mqadmin("updateTopic", "-c", "DefaultCluster", "-t", "batches", "-r", "2", "-w", "2",
                           "-a", "+queue.type=BatchCQ")
        self.audit.produce("batches", 50, batch=5)
        self.live("LiveBatchPopTest.*", 1, batch_topic="batches")

    def test_pop_in_order(self):
        if self.cluster.version.startswith("4."):
            return
        self.audit.create_topic("popped_in_order", queues=4)
        self.live("LiveOrderedPopTest.*", 1, ordered_topic="popped_in_order")

    def test_transactions_read_by_java(self):
        self.audit.create_topic("transactions")
        self.live("LiveTransactionTest.*", 1, transaction_topic="transactions")
        expected = [f"{name}-{n}" for name in ("asked-commit", "commit") for n in range(10)]
        self.assertEqual(sorted(self.audit.bodies("transactions")), sorted(expected))

    def test_transactions_of_java(self):
        self.audit.create_topic("java_transactions")
        self.audit.run("transact", "java_transactions", count=40)
        self.live("LiveMixedGroupTest.*", 1, group="after_java", group_topic="java_transactions",
                  group_file=self.path("seen"))
        # Asked twice before its answer counts, the Java client commits twice.
        seen = {json.loads(line)["seq"] for line in self.path("seen").read_text().splitlines()}
        self.assertEqual(seen, {n for n in range(40) if n % 4 in (0, 2)})

    def test_traces(self):
        self.audit.create_topic("followed")
        self.live("LiveTraceTest.*", 1, traced_topic="followed")
        trace = self.engine("message", "trace", ID_OF_TRACED, "--nameserver", self.cluster.namesrv,
                            "--output", "json")
        self.assertEqual(trace.wait(60), 0, trace.err)
        rows = [json.loads(line) for line in trace.out.splitlines()]
        self.assertEqual([row["event"] for row in rows], ["sent", "delivered", "consumed"])
        # It prints nothing when a server was too slow for it.
        said = wait_for(lambda: self.audit.mqadmin("queryMsgTraceById", "-i", ID_OF_TRACED),
                        what="what the Java tool prints")
        for part in ("Pub", "traced_producer", "Sub", "traced_consumer", "success"):
            self.assertIn(part, said)

    def test_requests_answered_by_java(self):
        self.audit.create_topic("asked")
        java, path = self.java_client("answer", "asked", group="java_answers", count=20)
        self.live("LiveRequestTest.AreAnsweredByAnotherClient", 1, request_topic="asked")
        self.assertEqual(java.wait(120 * PATIENCE), 0)
        self.assertEqual(path.read_text(), "answered 20\n")

    def test_requests_of_java(self):
        self.audit.create_topic("asked_by_java")
        java, path = self.java_client("request", "asked_by_java", count=20, template="question {n}")
        self.live("LiveRequestTest.OfAnotherClientAreAnswered", 1, request_topic="asked_by_java")
        self.assertEqual(java.wait(120 * PATIENCE), 0)
        self.assertEqual(path.read_text().splitlines(), [f"re: question {n}" for n in range(20)])

    def mixed_group(self, topic, **options):
        """One group of the Java client and ours: together they get everything, once."""
        self.audit.create_topic(topic, queues=8)
        self.audit.produce(topic, 10, batch=1, start=1_000_000)  # so that ours knows when it began
        group = f"group_of_{topic}"
        java, path = self.java_member(topic, group, idle=40, **({"orderly": True} if options else {}))
        wait_for(lambda: path.read_text().count("\n") == 10, 60, "the Java client to be the only member")
        sender = self.audit.produce_in_background(topic, 4_000, batch=1, rate=150)
        self.live("LiveMixedGroupTest.*", 1, group=group, group_topic=topic, group_file=self.path("seen"), **options)
        self.assertEqual(sender.wait(), 0)
        self.assertEqual(java.wait(240 * PATIENCE), 0)
        by_java = [line.split("\t") for line in path.read_text().splitlines()]
        ours = [json.loads(line)["seq"] for line in self.path("seen").read_text().splitlines()]
        theirs = [json.loads(body)["seq"] for _, _, body in by_java]
        self.assertEqual(set(ours) | set(theirs), set(range(4_000)) | set(range(1_000_000, 1_000_010)))
        self.assertGreater(len(ours), 1_000, "half of the queues were ours")
        self.assertGreater(len(theirs), 1_000)
        return ours, by_java

    def test_a_group_with_java(self):
        ours, by_java = self.mixed_group("mixed")
        # What Java had taken when half of its queues went away may come twice.
        self.assertLess(len(ours) + len(by_java), 4_010 + 200)

    def test_an_orderly_group_with_java(self):
        ours, by_java = self.mixed_group("mixed_orderly", group_orderly=1)
        self.assertEqual(len(ours) + len(by_java), 4_010, "a locked queue has one reader")
        last = {}
        for queue, _, body in by_java:
            seq = int(re.search(r"\d+", body).group()) % 1_000_000
            if seq >= 10:
                self.assertGreater(seq, last.get(queue, -1), "order within a queue")
                last[queue] = seq


if __name__ == "__main__":
    main()
