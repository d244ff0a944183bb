"""A job that must survive all: kills of the engine, a crash of the broker, new queues, other parallelism.

A run goes in phases, so that every message of the official producer has a known outcome:
    produce | kill the engine again and again | crash the broker | add queues | produce | kill again | drain
"""
import os
import subprocess
import time

from harness import LONG, PATIENCE, EndToEndTest, wait_for
from wire import Wire

KILLS = int(os.environ.get("SLIPSTREAM_E2E_KILLS", 50 if LONG else 5))
MANY = KILLS > 50  # then they come fast: about one a second
MESSAGES = 1_000 * KILLS if MANY else 1_000_000 if LONG else 200_000
RATE = 1_000 if MANY else 4_000 if LONG else 0  # messages a second: there is work during all kills; 0 = no limit
GIVE_UP = 900 if LONG or MANY else 120  # seconds, as all deadlines
FAR = 100_000_000  # event time, ms, behind that of all messages: closes their windows

SOURCE = """
CREATE TABLE events (
  seq BIGINT,
  digit INT,
  k STRING,
  ts BIGINT,
  happened AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR happened AS happened - INTERVAL '60' SECOND
) WITH (
  'connector' = 'rocketmq', 'topic' = 'events', 'consumerGroup' = 'crash_run',
  'nameServerAddress' = '{namesrv}', 'format' = 'json', 'scan.startup.mode' = 'earliest',
  'scan.topic-partition-discovery.interval' = '1 s'
);
"""
# Digit 0 is filtered away; seq - seq / 10 - 1 numbers the rest without gaps.
TEMPLATE = '{"seq":{n},"digit":{n%10},"k":"k{n%7}","ts":{n}}'


class CrashRun(EndToEndTest):
    """Drives the phases; a test gives the SQL and judges what came out."""

    # Seconds from a start to the kill: before anything was restored, in the wait for the fence, in the scan,
    # and in full flight.
    moments = [(0.05, 0.6), (0.6, 2)] if MANY else [(0.05, 1), (1, 9), (8, 12)]

    def setUp(self):
        super().setUp()
        self.wire = Wire(self.cluster)
        self.running = self.producer = None
        self.kills = 0
        self.begun = time.monotonic()

    def say(self, text):
        print(f"  {time.monotonic() - self.begun:5.1f} s: {text}", flush=True)

    def tearDown(self):
        if self.producer:
            self.producer.kill()
            self.producer.wait()
        self.wire.close()
        super().tearDown()

    def start_job(self):
        parallelism = self.random.choice([1, 2, 3, 4])
        self.running = self.engine("run", self.path("job.sql"), "--checkpoint-dir", self.path("checkpoints"),
                                   "--parallelism", parallelism)
        return parallelism

    def check_running(self):
        self.assertTrue(self.running.is_running(), f"the engine ended by itself:\n{self.running.err[-4000:]}")

    def kill_after(self, seconds):
        """SIGKILL at a moment of chance, then a start with another parallelism."""
        try:
            self.running.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.check_running()
        self.running.kill()
        self.kills += 1
        parallelism = self.start_job()
        self.say(f"kill {self.kills} after {seconds:.2f} s, then parallelism {parallelism}")

    def moment(self):
        return self.random.uniform(*self.random.choice(self.moments))

    def produce(self, first, count):
        self.producer = self.audit.produce_in_background("events", count, TEMPLATE, start=first, rate=RATE)

    def wait_for_producer(self):
        status = self.producer.wait(GIVE_UP * PATIENCE)
        self.assertEqual(status, 0, (self.cluster.dir / "producer.log").read_text()[-2000:])

    def run_phases(self, sql, outputs):
        self.create_topics({"events": 4, **outputs})
        self.write("job.sql", sql)
        self.start_job()
        half = MESSAGES // 2
        self.produce(0, half)
        for _ in range((KILLS + 1) // 2):
            self.kill_after(self.moment())
        self.wait_for_producer()
        wait_for(self.has_published, GIVE_UP, "the first results")
        self.say("crash of the broker")
        self.crash_broker()
        self.start_broker()
        self.create_topics({"events": 6})
        self.say("the broker is back, with more queues")
        self.produce(half, MESSAGES - half)
        for _ in range(KILLS // 2):
            self.kill_after(self.moment())
        self.wait_for_producer()
        self.close_windows()

    def has_published(self):
        self.check_running()
        return self.wire.count("kept") > 0

    def close_windows(self):
        self.say("all input is there")
        body = '{"seq":%d,"digit":0,"k":"end","ts":%d}' % (FAR, FAR)
        for queue in range(6):
            self.wire.send("events", body, queue=queue)

    def drain(self, topic, enough):
        """Waits until `topic` holds `enough` messages."""
        def done():
            self.check_running()
            return self.wire.count(topic) >= enough
        wait_for(done, GIVE_UP, f"{enough} messages in '{topic}'", pause=0.2)
        self.say(f"all output is in '{topic}'")

    def drain_input(self):
        """Waits until a checkpoint holds all input: the group's offsets follow checkpoints."""
        def done():
            self.check_running()
            queues = range(self.wire.queues("events"))
            read = [self.wire.group_offset("crash_run", "events", queue) for queue in queues]
            return read == [self.wire.max_offset("events", queue) for queue in queues]
        wait_for(done, GIVE_UP, "a checkpoint behind the last message", pause=0.2)

    def stop_job(self):
        self.assertEqual(self.running.stop(120), 0, self.running.err[-4000:])
