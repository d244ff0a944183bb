"""What an end-to-end test needs: real brokers, the program under test, and a judge of its own.

    from harness import EndToEndTest, main

    class FilterTest(EndToEndTest):
        def test_filter(self):
            self.audit.create_topic("orders", queues=4)
            self.audit.produce("orders", 1000, '{"seq":{n}}')
            engine = self.engine("run", self.write("job.sql", SQL), "--checkpoint-dir", self.path("cp"))
            ...
            engine.kill()

    if __name__ == "__main__":
        main()

Run one file by hand: test/e2e/NAME_test.py --version 5.5.0 [unittest arguments]. One cluster is started for
the file and shared by its tests; directories are under build/e2e and kept when a test fails.
Everything that is started dies with this process, however it ends.
"""
import argparse
import atexit
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import broker  # noqa: E402

PROGRAM = Path(os.environ.get("SLIPSTREAM_PROGRAM", ROOT / "build/release/bin/slipstream"))
LONG = os.environ.get("SLIPSTREAM_E2E_LONG") == "1"
# Deadlines of tests are written for a machine that has nothing else to do; all are so many times as long. They say when
# to give up, never how quick something is: a passing test waits for none.
PATIENCE = 5


def wait_for(condition, seconds=60, what="the condition", pause=0.05):
    """Returns the first true value of condition(); fails with `what` after PATIENCE times as many seconds."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


class Audit:
    """The official Java client as producer and reader; shares no code with Slipstream."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.lib = broker.ensure_jars(cluster.version)
        self.classes = self._compile()

    def _compile(self):
        """One folder for each version of the source: another test may be running the former one."""
        source = ROOT / "tools/audit"
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(source.iterdir()))).hexdigest()[:12]
        classes = ROOT / "build/rocketmq" / self.cluster.version / f"audit-{digest}"
        with broker.file_lock(classes.with_name(".audit.lock")):
            if classes.exists():
                return classes
            partial = classes.with_name("audit.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            done = subprocess.run(["javac", "-nowarn", "-Xlint:none", "-cp", f"{self.lib}/*", "-d", str(partial),
                                   str(source / "Audit.java")], stderr=subprocess.PIPE, text=True)
            if done.returncode != 0:
                raise AssertionError(f"javac:\n{done.stderr}")
            shutil.copy(source / "rmq.logback.xml", partial)
            partial.rename(classes)
        return classes

    def command(self, verb, topic, **options):
        words = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                 f"-Duser.home={self.cluster.dir / 'home-audit'}",
                 "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED", "-cp", f"{self.classes}:{self.lib}/*",
                 "Audit", verb, "--nameserver", self.cluster.namesrv, "--topic", topic]
        for name, value in options.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return words

    def run(self, verb, topic, **options):
        (self.cluster.dir / "home-audit").mkdir(exist_ok=True)
        done = subprocess.run(self.command(verb, topic, **options), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=300 * PATIENCE, preexec_fn=broker.die_with_parent)
        if done.returncode != 0:
            raise AssertionError(f"audit {verb} {topic} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def mqadmin(self, verb, *arguments):
        """What RocketMQ's own tool prints."""
        (self.cluster.dir / "home-audit").mkdir(exist_ok=True)
        words = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                 f"-Duser.home={self.cluster.dir / 'home-audit'}", f"-Drocketmq.home.dir={self.cluster.dir}",
                 f"-Djava.io.tmpdir={self.cluster.dir / 'home-audit'}",
                 "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED", "-cp", f"{self.classes}:{self.lib}/*",
                 "org.apache.rocketmq.tools.command.MQAdminStartup", verb, "-n", self.cluster.namesrv,
                 *map(str, arguments)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * PATIENCE,
                              preexec_fn=broker.die_with_parent)
        if done.returncode != 0:
            raise AssertionError(f"mqadmin {verb} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def create_topic(self, topic, queues=4):
        """Creates the topic, or gives it another number of queues."""
        self.run("topic", topic, queues=queues)

    def produce(self, topic, count, template='{"seq":{n}}', start=0, **options):
        """Sends `count` bodies; in the template {n} is the sequence number and {n%M} its remainder."""
        self.run("produce", topic, count=count, template=template, start=start, **options)

    def produce_in_background(self, topic, count, template='{"seq":{n}}', start=0, **options):
        (self.cluster.dir / "home-audit").mkdir(exist_ok=True)
        words = self.command("produce", topic, count=count, template=template, start=start, **options)
        with open(self.cluster.dir / "producer.log", "ab") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    preexec_fn=broker.die_with_parent)

    def bodies(self, topic):
        return self.run("read", topic, show="body").splitlines()

    def rows(self, topic):
        return [json.loads(body) for body in self.bodies(topic)]

    def messages(self, topic):
        """(queue, offset, message id, tags, keys, body) of every message."""
        return [tuple(line.split("\t", 5)) for line in self.run("read", topic, show="meta").splitlines()]

    def count(self, topic):
        return json.loads(self.run("read", topic, show="count"))["messages"]

    def tally(self, topic, field, expect=None):
        """Counts by a JSON field: messages, distinct, duplicates; with expect=(from, to) also missing
        and unexpected."""
        options = {"field": field}
        if expect:
            options["expect"] = f"{expect[0]}:{expect[1]}"
        return json.loads(self.run("read", topic, **options))


class Engine:
    """One run of the program under test; output goes to files that the tests may read."""

    def __init__(self, arguments, directory, name, environment=None):
        self.out_path, self.err_path = directory / f"{name}.out", directory / f"{name}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err, env={**os.environ, **(environment or {})},
                                            preexec_fn=broker.die_with_parent)

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL: what a crash looks like to the broker and to the checkpoint directory."""
        self.process.kill()
        self.process.wait()

    def handles_signals(self):
        """Whether the program is so far that SIGTERM does not simply end it."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return True
        blocked = next((line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")), "0")
        return not self.is_running() or int(blocked, 16) >> (signal.SIGTERM - 1) & 1 == 1

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code, 0 when the engine took its savepoint."""
        wait_for(self.handles_signals, 30, "the engine's signal handling", pause=0.005)
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=300):
        seconds *= PATIENCE
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the engine did not end in {seconds} s:\n{self.err[-3000:]}") from None


class EndToEndTest(unittest.TestCase):
    version = "5.5.0"
    broker_options = {}
    cluster_options = {}  # more arguments of broker.Cluster
    seed = int(os.environ.get("SLIPSTREAM_SEED", random.randrange(1 << 30)))

    @classmethod
    def setUpClass(cls):
        cls.base = ROOT / "build/e2e" / f"{Path(sys.argv[0]).stem}-{cls.version}" / cls.__name__
        stale = broker.Cluster(cls.base / "rocketmq")
        stale.stop(kill=True) if stale.state else None
        shutil.rmtree(cls.base, ignore_errors=True)
        cls.base.mkdir(parents=True)
        cls.cluster = broker.Cluster(cls.base / "rocketmq", cls.version, cls.broker_options, bound=True,
                                     **cls.cluster_options)
        atexit.register(cls.cluster.stop, kill=True)
        cls.cluster.start()
        cls.audit = Audit(cls.cluster)
        print(f"{cls.__name__}: RocketMQ {cls.version} at {cls.cluster.namesrv}, seed {cls.seed}", flush=True)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop(kill=True)
        shutil.rmtree(cls.cluster.dir / f"store-{cls.version}", ignore_errors=True)

    def setUp(self):
        self.random = random.Random(f"{self.seed}{self.id()}")
        self.engines = []
        self.directory = self.base / self._testMethodName
        self.directory.mkdir(exist_ok=True)

    def tearDown(self):
        for engine in self.engines:
            engine.kill()

    def path(self, name):
        return self.directory / name

    def write(self, name, text):
        self.path(name).write_text(text)
        return self.path(name)

    def engine(self, *arguments, environment=None):
        """Starts the program under test; it is killed at the end of the test at the latest."""
        if not PROGRAM.exists():
            self.fail(f"{PROGRAM} is not built; run ./dev build")
        self.engines.append(Engine(arguments, self.directory, f"engine-{len(self.engines)}", environment))
        return self.engines[-1]

    def create_topics(self, queues_by_name):
        """Creates topics, or widens them, with the program under test: quicker than the audit."""
        for topic, queues in queues_by_name.items():
            words = (topic, "--queues", queues, "--nameserver", self.cluster.namesrv)
            if self.engine("topic", "create", *words).wait(60) != 0:
                self.run_engine("topic", "widen", *words, seconds=60)

    def run_engine(self, *arguments, seconds=300, status=0, environment=None):
        """Runs the program to its end and returns what it wrote to standard output."""
        engine = self.engine(*arguments, environment=environment)
        self.assertEqual(engine.wait(seconds), status, engine.err[-3000:])
        return engine.out

    def crash_broker(self):
        """SIGKILL of the broker; start_broker() brings it back on the same store and ports."""
        self.cluster.stop(kill=True, role="broker")

    def start_broker(self):
        self.cluster.start()


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--version", default="5.5.0")
    arguments, rest = parser.parse_known_args()
    EndToEndTest.version = arguments.version
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2)
