"""What the parts of the benchmarks share: programs to run, the broker, recordings, tables."""
import functools
import shutil
import subprocess
from pathlib import Path

import child

ROOT = child.ROOT
broker = child.broker
BrokerError = broker.BrokerError
QUEUES = 4


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.messages = arguments.messages
        self.programs = Path(arguments.programs).resolve()
        self.directory = ROOT / "build/bench"
        self.directory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.directory / "rocketmq", ignore_errors=True)
        self.cluster = broker.Cluster(self.directory / "rocketmq", arguments.version,
                                      {"waitTimeMillsInSendQueue": 10000}, bound=True)
        self.started = False
        self.logs = 0

    # --- running ---

    def log(self):
        self.logs += 1
        return self.directory / f"{self.logs}.log"

    def best(self, name, words, runs=None, messages=None):
        """The run with the least CPU: what disturbs only adds. A word may be made anew for each run."""
        costs = []
        for _ in range(runs or self.arguments.runs):
            concrete = [word() if callable(word) else word for word in words]
            costs.append(child.run(concrete, self.log(), messages or self.messages))
        cost = min(costs, key=lambda each: each.cpu)
        total, _, system, rate = cost.figures
        print(f"{name}: {total} CPU-s per million ({system} system), {cost.wall:.2f} s, {rate} M/s; "
              f"worst run x {max(each.cpu for each in costs) / cost.cpu:.2f}", flush=True)
        return cost

    def engine(self, job, *more):
        return [self.programs / "slipstream", "run", job, "--parallelism", self.arguments.parallelism, *more]

    def checkpoints(self):
        shutil.rmtree(self.directory / "checkpoints", ignore_errors=True)
        return self.directory / "checkpoints"

    def null(self, program, nameserver, topic, **flags):
        words = [self.programs / program, "--nameserver", nameserver, "--topic", topic]
        for flag, value in {"messages": self.messages, **flags}.items():
            words += [f"--{flag}", value]
        return words

    def topic(self, name, queues=QUEUES):
        words = [self.programs / "slipstream", "topic", "create", name, "--queues", queues, "--nameserver",
                 self.cluster.namesrv]
        for _ in range(5):  # a broker that just took a million messages may be late
            try:
                child.run(words, self.log())
                return name
            except SystemExit as failure:
                print(failure, flush=True)
        raise SystemExit(f"topic {name} was not created in five attempts")

    def need_broker(self):
        if self.started:
            return
        self.started = True
        self.cluster.start()
        self.fill("bench_in", self.arguments.size, "json")

    def fill(self, topic, size, rows):
        child.run(self.null("null_producer", self.cluster.namesrv, self.topic(topic), size=size, rows=rows), self.log())

    def recording(self, topic, size, rows):
        """The folder with a topic's recorded answers, made when it is not there: see the flags of null_producer."""
        name = f"recording-{self.arguments.version}-{self.messages}-{size}"
        folder = self.directory / (name if rows == "json" else f"{name}-{rows}")
        if folder.exists():
            return folder
        self.need_broker()
        if topic != "bench_in":
            self.fill(topic, size, rows)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        child.run([self.programs / "replay_server", "--record", part, "--nameserver", self.cluster.namesrv,
                   "--topic", topic], self.log())
        return part.rename(folder)

    def replay(self, recording, cap, hold=0):
        return child.Replay(self.programs / "replay_server", recording, cap, hold)

    def java(self, mode, *arguments):
        """The words that run the official client."""
        return ["java", "-Xmx1g", "-XX:-UsePerfData", "-cp", self.java_path, "JavaClient", self.cluster.namesrv, mode,
                *arguments]

    @functools.cached_property
    def java_path(self):
        classes, lib = self.directory / "java", broker.jars_dir(self.arguments.version)
        classes.mkdir(exist_ok=True)
        subprocess.run(["javac", "-nowarn", "-Xlint:none", "-cp", f"{lib}/*", "-d", str(classes),
                        str(ROOT / "bench/JavaClient.java")], check=True)
        return f"{classes}:{lib}/*"

    def stop(self):
        if self.started:
            self.cluster.stop(kill=True)
            self.started = False
        shutil.rmtree(self.directory / "rocketmq", ignore_errors=True)
