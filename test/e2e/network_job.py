"""A job that copies a topic exactly once, over a network that fails; and the judgement about what came out."""
import threading
from collections import Counter

from copy_job import CopyJobTest
from harness import Engine, wait_for
from network import Network

CREATE_TOPIC = 17


class NetworkJob(CopyJobTest):
    """`self.network` is made for each test and is what its jobs are told to use."""
    environment = None  # of its jobs

    def setUp(self):
        super().setUp()
        self.lock = threading.Lock()
        self.network = Network(self.cluster)
        self.network.__enter__()
        self.addCleanup(self.network.__exit__)

    def make_topics(self, topics, wire=None):
        """As create_topics, without a process for each."""
        wire = wire or self.wire
        for topic, queues in topics.items():
            wire.ask(CREATE_TOPIC, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues,
                                    "writeQueueNums": queues, "perm": 6, "topicFilterType": "SINGLE_TAG",
                                    "topicSysFlag": 0, "order": "false"})
            wait_for(lambda: self.is_routed(wire, topic), what=f"the route of {topic}")  # noqa: B023

    @staticmethod
    def is_routed(wire, topic):
        try:
            return wire.queues(topic)
        except Exception:  # noqa: BLE001
            return 0

    def job_sql(self, topic, network=None, fence="200 ms", source=None):
        there = {"nameServerAddress": (network or self.network).namesrv}
        start = source or {"scan.startup.group-offsets.reset": "earliest"}
        return ("SET 'execution.checkpointing.interval' = '200 ms';"
                + self.table("source", "n INT", topic, consumerGroup="g_" + topic, **there, **start)
                + self.table("copies", "n INT", topic + "_copies", sink_delivery__guarantee="exactly-once",
                             sink_fence__wait=fence, **there)
                + "INSERT INTO copies SELECT n FROM source;")

    def start_job(self, topic=None, network=None, arguments=(), **options):
        topic = topic or self.topic
        script = self.write(topic + ".sql", self.job_sql(topic, network, **options))
        words = ["run", script, "--checkpoint-dir", self.path(topic + ".checkpoints"), *arguments]
        with self.lock:
            self.engines.append(Engine(words, self.directory, f"{topic}-{len(self.engines)}", self.environment))
            return self.engines[-1]

    @staticmethod
    def send(wire, topic, first, last, queues=2):
        for n in range(first, last):
            wire.send(topic, '{"n":%d}' % n, queue=n % queues)

    def copied(self, wire, topic):
        return Counter(message.row["n"] for message in wire.messages(topic + "_copies"))

    def wait_for_rows(self, engine, wire, topic, count, seconds=60):
        def arrived():
            self.assertTrue(engine.is_running(), f"{topic}: the job ended:\n{engine.err[-3000:]}")
            return wire.count(topic + "_copies") >= count
        wait_for(arrived, seconds, f"{count} copies of {topic}; the job says:\n{engine.err[-1500:]}", pause=0.1)

    def stop_and_audit(self, engine, wire, topic, count):
        """The job ends well, and 0 .. count - 1 are in the output, each once."""
        self.assertEqual(engine.stop(90), 0, f"{topic}:\n{engine.err[-3000:]}")
        self.audit_copies(wire, topic, count)

    def audit_copies(self, wire, topic, count):
        copied, expected = self.copied(wire, topic), Counter(range(count))
        self.assertEqual(expected - copied, Counter(), f"{topic}: lost")
        self.assertEqual(copied - expected, Counter(), f"{topic}: duplicated")
