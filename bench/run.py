#!/usr/bin/env python3
"""CPU-seconds of the engine per million messages, on a real broker, beside null programs (./dev bench).

Each program runs as a child; what is quoted is its user and system time from its exit status. Wall times
of a busy machine say little and are only shown. The broker and the programs share the processors.
"""
import argparse
import datetime
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import broker  # noqa: E402

README = ROOT / "bench/README.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COLUMNS = "id BIGINT, user_id BIGINT, item STRING, price DOUBLE, ts TIMESTAMP(3), note STRING"


class Measurement:
    def __init__(self, name, reference, messages, wall, user, system):
        self.name, self.reference, self.messages = name, reference, messages
        self.wall, self.user, self.system = wall, user, system

    @property
    def cpu_per_million(self):
        return (self.user + self.system) * 1e6 / self.messages


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.programs = Path(arguments.programs).resolve()
        self.directory = ROOT / "build/bench"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.cluster = broker.Cluster(self.directory / "rocketmq", arguments.version,
                                      {"waitTimeMillsInSendQueue": 10000}, bound=True)
        self.results = []

    def run(self, words, log):
        """Runs to the end; (wall, user, system) seconds."""
        begin = time.monotonic()
        with open(self.directory / log, "wb") as out:
            child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=subprocess.STDOUT,
                                     preexec_fn=broker.die_with_parent)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            text = (self.directory / log).read_text(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(map(str, words))}: exit code {child.returncode}\n{text}")
        return time.monotonic() - begin, usage.ru_utime, usage.ru_stime

    def measure(self, name, words, reference=None):
        """The best of several runs: what disturbs only adds."""
        runs = []
        for number in range(self.arguments.runs):
            concrete = [word(number) if callable(word) else word for word in words]
            runs.append(self.run(concrete, f"{len(self.results)}-{number}.log"))
        wall, user, system = min(runs, key=lambda run: run[1] + run[2])
        result = Measurement(name, reference, self.arguments.messages, wall, user, system)
        self.results.append(result)
        print(f"{name}: {result.cpu_per_million:.2f} CPU-s per million, {wall:.1f} s", flush=True)
        return result

    def topic(self, name):
        words = [self.programs / "slipstream", "topic", "create", name, "--queues", "4", "--nameserver",
                 self.cluster.namesrv]
        for _ in range(5):  # a broker that just took a million messages may be late
            try:
                self.run(words, "topic.log")
                return name
            except SystemExit as failure:
                print(failure, flush=True)
        raise SystemExit(f"topic {name} was not created in five attempts")

    def table(self, name, topic, columns, extra):
        return (f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'rocketmq', 'topic' = '{topic}', "
                f"'nameServerAddress' = '{self.cluster.namesrv}', {extra});\n")

    def source(self, columns, format_name):
        pull = self.arguments.pull
        return self.table("source", "bench_in", columns,
                          f"'consumerGroup' = 'bench', 'scan.startup.mode' = 'earliest', "
                          f"'format' = '{format_name}', 'scan.bounded.mode' = 'latest-offset', "
                          f"'pullBatchSize' = '{pull}'")

    def job(self, name, sql):
        path = self.directory / f"{name}.sql"
        path.write_text(sql)
        return path

    def engine(self, job, *more):
        return [self.programs / "slipstream", "run", job, "--parallelism", self.arguments.parallelism, *more]

    def null(self, program, topic, **flags):
        words = [self.programs / program, "--nameserver", self.cluster.namesrv, "--topic", topic,
                 "--messages", self.arguments.messages]
        for flag, value in flags.items():
            words += [f"--{flag}", value]
        return words

    def copy_job(self, number, name, extra=""):
        topic = self.topic(f"bench_{name}_{number}")
        return self.job(f"{name}-{number}", "SET 'execution.checkpointing.interval' = '1 s';\n"
                        + self.source(COLUMNS, "json")
                        + self.table("sink", topic, COLUMNS, f"'format' = 'json'{extra}")
                        + "INSERT INTO sink SELECT * FROM source;\n")

    def measure_all(self):
        size = self.arguments.size
        self.topic("bench_in")
        self.run(self.null("null_producer", "bench_in", rows="json", size=size), "fill.log")
        client = self.measure("null client: pull, count, drop",
                              self.null("null_client", "bench_in", pull=self.arguments.pull))
        producer = self.measure("null producer: the same batch of 100 again and again",
                                self.null("null_producer", self.topic("bench_null"), size=size))
        count = self.job("count", self.source("body BYTES", "raw")
                         + "CREATE TABLE counted (n BIGINT) WITH ('connector' = 'blackhole');\n"
                         + "INSERT INTO counted SELECT COUNT(*) FROM source;\n")
        self.measure("engine: topic -> COUNT(*), bodies not decoded", self.engine(count),
                     client.cpu_per_million)
        decode = self.job("decode", self.source(COLUMNS, "json")
                          + f"CREATE TABLE nothing ({COLUMNS}) WITH ('connector' = 'blackhole');\n"
                          + "INSERT INTO nothing SELECT * FROM source;\n")
        self.measure("engine: topic -> JSON -> all columns -> blackhole", self.engine(decode),
                     client.cpu_per_million)
        both = client.cpu_per_million + producer.cpu_per_million
        self.measure("engine: topic -> JSON -> all columns -> JSON -> topic, at-least-once",
                     self.engine(lambda number: self.copy_job(number, "copy")), both)
        exactly = ", 'sink.delivery-guarantee' = 'exactly-once'"
        self.measure("the same, exactly-once, checkpoint every second",
                     self.engine(lambda number: self.copy_job(number, "exactly", exactly),
                                 "--checkpoint-dir",
                                 lambda number: self.directory / f"checkpoints-{number}"), both)

    def report(self):
        arguments = self.arguments
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        lines = [
            f"`./dev bench {' '.join(sys.argv[1:])}`".replace(" `", "`"), "",
            f"{datetime.date.today()}, {os.cpu_count()} cores, {memory:.0f} GiB; RocketMQ "
            f"{arguments.version} on the same machine, 4 queues; {arguments.messages:,} messages of "
            f"{arguments.size} bytes, at most {arguments.pull} per pull; parallelism "
            f"{arguments.parallelism}; best of {arguments.runs} runs.", "",
            "| what | CPU-s per million | user | system | x null | wall, s |", "|---|---|---|---|---|---|"]
        for each in self.results:
            scale = 1e6 / each.messages
            ratio = f"{each.cpu_per_million / each.reference:.1f}" if each.reference else ""
            lines.append(f"| {each.name} | {each.cpu_per_million:.2f} | {each.user * scale:.2f} | "
                         f"{each.system * scale:.2f} | {ratio} | {each.wall:.1f} |")
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=200, help="bytes of a body")
    parser.add_argument("--pull", type=int, default=1024,
                        help="most messages of one pull; the broker caps it")
    parser.add_argument("--runs", type=int, default=2, help="runs of each; the best counts")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--version", default="5.5.0", help="of RocketMQ")
    parser.add_argument("--programs", default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    bench = Bench(parser.parse_args())
    try:
        bench.cluster.start()
        bench.measure_all()
    except broker.BrokerError as error:
        raise SystemExit(f"the benchmark needs a broker: {error}") from None
    finally:
        bench.cluster.stop(kill=True)
        shutil.rmtree(bench.directory / "rocketmq", ignore_errors=True)
    report = bench.report()
    print("\n" + report)
    if bench.arguments.write:
        text = README.read_text()
        head, rest = text.split(BEGIN)
        README.write_text(f"{head}{BEGIN}\n{report}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
