#!/usr/bin/env python3
"""The ground the other tests stand on: brokers start, survive a crash, and the judge counts right."""
from harness import EndToEndTest, main


class BrokerTest(EndToEndTest):
    def test_judge_counts_ten_thousand_messages(self):
        self.audit.create_topic("ground", queues=4)
        self.audit.produce("ground", 10_000, '{"seq":{n},"user":"u{n%7}"}')
        self.assertEqual(self.audit.tally("ground", "seq", expect=(0, 10_000)),
                         {"queues": 4, "messages": 10_000, "distinct": 10_000, "without_field": 0,
                          "duplicates": 0, "missing": 0, "unexpected": 0})

    def test_judge_sees_loss_and_duplicates(self):
        self.audit.create_topic("faults", queues=2)
        self.audit.produce("faults", 10)
        self.audit.produce("faults", 3, start=5, batch=1)
        tally = self.audit.tally("faults", "seq", expect=(0, 12))
        self.assertEqual((tally["duplicates"], tally["missing"], tally["unexpected"]), (3, 2, 0))

    def test_crash_and_restart_keep_messages_and_ports(self):
        self.audit.create_topic("crash", queues=2)
        self.audit.produce("crash", 100)
        address = self.cluster.namesrv
        self.crash_broker()
        self.assertFalse(self.cluster.is_running("broker"))
        self.start_broker()
        self.assertEqual(self.cluster.namesrv, address)
        self.assertEqual(self.audit.tally("crash", "seq", expect=(0, 100))["missing"], 0)

    def test_queues_are_added(self):
        self.audit.create_topic("wider", queues=2)
        self.audit.create_topic("wider", queues=6)
        self.audit.produce("wider", 60, batch=1)
        queues = {message[0] for message in self.audit.messages("wider")}
        self.assertEqual(len(queues), 6)


if __name__ == "__main__":
    main()
