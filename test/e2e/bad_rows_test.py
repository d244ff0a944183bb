#!/usr/bin/env python3
"""Bodies that are well formed and hold wrong types: fail with the place, skip and count, or dead-letter."""
import re
import urllib.request

from copy_job import CopyJobTest
from harness import PATIENCE, main, wait_for

COLUMNS = "n INT, b BOOLEAN, t TIMESTAMP(3), d DECIMAL(5, 2)"
GOOD = {
    "json": '{"n":%d,"b":true,"t":"2026-01-31 10:11:12.123","d":1.5}',
    "csv": "%d,true,2026-01-31 10:11:12.123,1.5",
    "delimited": "%d\x01TRUE\x012026-01-31 10:11:12.123\x011.5",
}
WRONG = {
    "json": ['{"n":"many"}', '{"n":3000000000}', '{"n":1,"b":"perhaps"}', '{"n":1,"t":"31.01.2026"}',
             '{"n":{"n":1}}', '{"n":[1]}', '[1]', '17', '{"n":1'],
    "csv": ["many,,,", "3000000000,,,", "1,perhaps,,", "1,true,31.01.2026,", "1,true,,many", "1,true,,1,surplus",
            '1,"open'],
    "delimited": ["many\x01\x01\x01", "3000000000\x01\x01\x01", "1\x01perhaps\x01\x01", "1\x01\x0131.01.2026\x01",
                  "1\x01\x01\x01many", "1\x01true"],
}


class BadRowsTest(CopyJobTest):
    def table_of(self, format, topic, **options):
        return self.source(COLUMNS, topic=topic, format=format, scan_startup_mode="earliest", **options)

    def check(self, format):
        good, wrong = GOOD[format], WRONG[format]
        topic, dead = f"{self.topic}_{format}", f"{self.topic}_{format}_dead"
        self.create_topics({topic: 1, dead: 1})
        bodies = [good % 0, *wrong, good % 1]
        for body in bodies:
            self.wire.send(topic, body)
        bounded = {"scan.bounded.mode": "latest-offset"}
        self.fails(self.table_of(format, topic, **bounded) + "SELECT * FROM source;", 1,
                   f"offset 1 of topic '{topic}'", "queue 0", "'decode.errors' = 'skip'")
        skip = self.table_of(format, topic, decode_errors="skip", **bounded)
        self.assertEqual(self.numbers(skip, "SELECT * FROM source"), [0, 1])
        dead_letter = {"decode.errors": "dead-letter", "dead-letter.topic": dead}
        lettered = self.table_of(format, topic, **dead_letter, **bounded)
        self.assertEqual(self.numbers(lettered, "SELECT * FROM source"), [0, 1])
        letters = [message.row for message in self.wire.messages(dead)]
        self.assertEqual([letter["queue_offset"] for letter in letters], list(range(1, len(wrong) + 1)))
        self.assertTrue(all(letter["reason"] for letter in letters), letters)
        self.check_count(self.table_of(format, topic, decode_errors="skip"), len(wrong))

    def check_count(self, table, expected):
        engine = self.engine("run", self.write("count.sql", table + "SELECT * FROM source;"), "--output", "json",
                             "--metrics-port", 0)
        wait_for(lambda: len(engine.out.splitlines()) == 2, what="the good rows")
        url = re.search(r"metrics: (\S+)", engine.err).group(1)
        text = urllib.request.urlopen(url, timeout=30 * PATIENCE).read().decode()
        counts = re.findall(r"^slipstream_rocketmq_source_decode_errors_total\{.*\} (\d+)$", text, re.MULTILINE)
        self.assertEqual(sum(map(int, counts)), expected, text)
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_json(self):
        self.check("json")

    def test_csv(self):
        self.check("csv")

    def test_delimited(self):
        self.check("delimited")


if __name__ == "__main__":
    main()
