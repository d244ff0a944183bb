#!/usr/bin/env python3
"""Tables of ApsaraMQ on a real broker: text that `produce` sends is read, written and read back."""
import time

from examples_test import Example
from harness import EndToEndTest, main

ENDPOINT = "'endpoint' = '{server}', 'fieldDelimiter' = ','"


class MqTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.topic = f"mq_{self._testMethodName}"
        self.output = self.topic + "_out"
        self.create_topics({self.topic: 1, self.output: 2})
        self.secrets = self.write("secrets", "group=g_" + self.topic + "\n")
        self.secrets.chmod(0o600)

    def table(self, name, connector, topic, columns, **options):
        text = ", ".join(f"'{key.replace('_', '.')}' = '{value}'" for key, value in options.items())
        endpoint = ENDPOINT.format(server=self.cluster.namesrv)
        return (f"CREATE TABLE {name} ({columns}) WITH ('connector' = '{connector}', 'topic' = '{topic}', {endpoint}"
                f"{', ' + text if text else ''});\n")

    def read(self, name, connector, topic, columns, **options):
        bounded = {"scan_startup_mode": "earliest", "scan_bounded_mode": "latest-offset", **options}
        if connector == "mq":
            bounded["pullIntervalMs"] = 10
        return self.table(name, connector, topic, columns, consumerGroup="${secret_values.group}", **bounded)

    def run_sql(self, script, *more, status=0):
        engine = self.engine("run", self.write("script.sql", script), "--output", "csv", *more)
        self.assertEqual(engine.wait(), status, engine.err[-3000:])
        return engine

    def send(self, lines):
        self.run_engine("produce", self.topic, "--nameserver", self.cluster.namesrv, "--tag", "people",
                        "--file", self.write("lines", "".join(line + "\n" for line in lines)))

    def test_text_is_read_written_and_read_back(self):
        self.send(["tom,7", "ann,8", "short", "bob,nine", "sue,10,more"])
        columns = "name VARCHAR, age BIGINT"
        copy = self.run_sql(
            self.read("people", "mq", self.topic, columns, tag="people")
            + self.table("adults", "mq", self.output, columns, producerGroup="p", tag="a,b", mode="partition",
                         partitionField="name")
            + "INSERT INTO adults SELECT name, age FROM people WHERE age > 7;", "--secrets", self.secrets)
        self.assertNotIn("g_" + self.topic, copy.err, "the group is a secret here")
        back = self.run_sql(self.read("adults", "mq5", self.output, columns + ", `tags` VARCHAR METADATA")
                            + "SELECT name, age, `tags` FROM adults;", "--secrets", self.secrets)
        self.assertEqual(sorted(back.out.splitlines()[1:]), ["ann,8,a", "ann,8,b", "sue,10,a", "sue,10,b"])

    def check_example(self, name):
        self.audit.produce(self.topic, 20, "order-{n}", tag="paid", keys=True)
        self.audit.produce(self.topic, 20, "order-{n}", tag="open", keys=True)
        stop_ms = time.time_ns() // 1_000_000 + 1  # the next producer needs longer to start
        self.audit.produce(self.topic, 20, "order-{n}", start=20, tag="paid", keys=True)
        program = Example(name, self.cluster.namesrv, self.topic, self.output, stop_ms)
        self.addCleanup(program.end)
        self.assertEqual(program.wait(), 0, program.errors)
        copied = sorted(message[3:] for message in self.audit.messages(self.output))
        self.assertEqual(copied, sorted(("paid", str(n), f"paid: order-{n}") for n in range(20)))

    def test_the_example_reads_until_a_time(self):
        self.check_example("mq_streams")

    def test_the_example_with_lists_reads_until_a_time(self):
        self.check_example("mq_lists")

    def test_unknown_secrets_are_named(self):
        script = self.table("people", "mq5", self.topic, "name VARCHAR", consumerGroup="${secret_values.nobody}")
        refused = self.run_sql(script + "SELECT * FROM people;", status=2)
        self.assertIn("option 'consumerGroup'", refused.err)
        self.assertIn("'nobody'", refused.err)


if __name__ == "__main__":
    main()
