#!/usr/bin/env python3
"""What WHERE says of properties, sent to brokers that filter and to brokers that do not."""
import json
import re

from harness import EndToEndTest, main

COLORS = ["red", "blue", "it's", "1", "", "grün", "a -- b"]
CONDITIONS = [
    "p['color'] = 'red'",
    "p['color'] <> 'red'",
    "p['color'] IN ('blue', 'it''s', 'grün')",
    "p['color'] NOT IN ('blue', '1')",
    "p['color'] = '1' OR p['size'] = 'm'",
    "p['color'] IS NULL",
    "p['color'] IS NOT NULL AND p['size'] IS NULL",
    "NOT (p['color'] = 'red' OR p['size'] = 'm')",
    "p['color'] = 'a -- b' AND p['a-b'] = 'x'",
    "p['TAGS'] IS NULL AND p['size'] = 'm'",
]


class Filtering(EndToEndTest):
    """Without tests of its own."""

    def fill(self, topic):
        lines = []
        for n in range(400):
            properties = {name: value for name, value in (
                ("color", COLORS[n % 7]), ("size", ("m", "s", "")[n % 3]), ("a-b", "x" if n % 2 else "")) if value}
            lines.append({"body": json.dumps({"id": f"m-{n}"}), "tags": "t" if n % 5 else "", "properties": properties})
        # No row: who reads it fails.
        lines.append({"body": "no row", "properties": {"color": "poison"}})
        self.create_topics({topic: 2})
        file = self.write("messages.json", "".join(json.dumps(line) + "\n" for line in lines))
        self.run_engine("produce", topic, "--json", "--file", file, "--nameserver", self.cluster.namesrv)

    def select(self, topic, where, **options):
        options = {"connector": "rocketmq", "topic": topic, "consumerGroup": "push-down", "format": "json",
                   "nameServerAddress": self.cluster.namesrv, "scan.startup.mode": "earliest",
                   "scan.bounded.mode": "latest-offset", **options}
        words = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
        return self.engine("run", self.write("select.sql", f"""
            CREATE TABLE t (id STRING, p MAP<STRING, STRING> METADATA FROM 'properties' VIRTUAL) WITH ({words});
            SELECT id FROM t WHERE {where};"""))

    def ids(self, topic, where, **options):
        engine = self.select(topic, where, **options)
        self.assertEqual(engine.wait(60), 0, engine.err[-3000:])
        return sorted(re.findall(r"m-\d+", engine.out)), engine.err

    def expect_same_rows(self, topic):
        for where in CONDITIONS:
            with self.subTest(where):
                skip = {"decode.errors": "skip"}
                here, _ = self.ids(topic, where, **skip, **{"scan.filter.push-down": "false"})
                there, log = self.ids(topic, where, **skip)
                self.assertEqual(here, there)
                self.assertTrue(here)
                self.logs.append(log)

    def setUp(self):
        super().setUp()
        self.logs = []


class FilteringBroker(Filtering):
    broker_options = {"enablePropertyFilter": "true"}

    def test_rows_are_those_of_the_whole_topic(self):
        self.fill("filtered")
        self.expect_same_rows("filtered")
        self.assertNotIn("no filter at brokers", "".join(self.logs))

    def test_what_brokers_leave_out_is_not_read(self):
        self.fill("left_out")
        rows, _ = self.ids("left_out", "p['color'] = 'red'")
        self.assertEqual(len(rows), 58)
        whole = self.select("left_out", "p['color'] = 'red'", **{"scan.filter.push-down": "false"})
        self.assertNotEqual(whole.wait(60), 0)
        self.assertIn("no row", whole.err)


class OrdinaryBroker(Filtering):
    broker_options = {"enablePropertyFilter": "false"}

    def test_a_broker_that_does_not_filter_is_read_whole(self):
        self.fill("whole")
        self.expect_same_rows("whole")
        # Each condition has a part that is sent; the broker is named once for its two queues.
        self.assertEqual([log.count("no filter at brokers") for log in self.logs], [1] * len(CONDITIONS))


if __name__ == "__main__":
    main()
