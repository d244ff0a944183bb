#!/usr/bin/env python3
"""What the engine costs beside null programs and the official Java client (./dev bench).

Parts: `engine` against the replay server, with no broker beside it; `broker`, `java`, `latency` and `idle`
on a real broker. Quoted are user and system CPU-seconds of the measured process, start and end included:
they hold still on a busy machine, wall times do not.
"""
import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import child
from jobs import Jobs

ROOT = child.ROOT
broker = child.broker
README = ROOT / "bench/README.md"
PARTS = ["engine", "broker", "java", "latency", "idle"]
QUEUES = 4
QUANTILES = ["p50", "p90", "p99", "p99.9", "max"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def rate(messages, cost):
    return f"{messages / cost.wall / 1e6:.2f}"


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.messages = arguments.messages
        self.programs = Path(arguments.programs).resolve()
        self.directory = ROOT / "build/bench"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.recording = self.directory / f"recording-{arguments.version}-{self.messages}-{arguments.size}"
        shutil.rmtree(self.directory / "rocketmq", ignore_errors=True)
        self.cluster = broker.Cluster(self.directory / "rocketmq", arguments.version,
                                      {"waitTimeMillsInSendQueue": 10000}, bound=True)
        self.started = False
        self.logs = 0

    # --- running ---

    def log(self):
        self.logs += 1
        return self.directory / f"{self.logs}.log"

    def best(self, name, words, runs=None):
        """The run with the least CPU: what disturbs only adds. A word may be made anew for each run."""
        costs = []
        for _ in range(runs or self.arguments.runs):
            concrete = [word() if callable(word) else word for word in words]
            costs.append(child.run(concrete, self.log()))
        cost = min(costs, key=lambda each: each.cpu)
        spread = max(each.cpu for each in costs) / cost.cpu
        print(f"{name}: {cost.cpu * 1e6 / self.messages:.2f} CPU-s per million ({cost.system * 1e6 / self.messages:.2f}"
              f" system), {cost.wall:.1f} s; worst run x {spread:.2f}", flush=True)
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
        self.topic("bench_in")
        child.run(self.null("null_producer", self.cluster.namesrv, "bench_in", rows="json",
                            size=self.arguments.size), self.log())

    def stop(self):
        if self.started:
            self.cluster.stop(kill=True)
        shutil.rmtree(self.directory / "rocketmq", ignore_errors=True)

    # --- parts ---

    def need_recording(self):
        if self.recording.exists():
            return
        self.need_broker()
        part = self.recording.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        child.run([self.programs / "replay_server", "--record", part, "--nameserver", self.cluster.namesrv,
                   "--topic", "bench_in"], self.log())
        part.rename(self.recording)

    def part_engine(self):
        self.need_recording()
        rows = []
        for cap in (32, 1024):
            replay = child.Replay(self.programs / "replay_server", self.recording, cap)
            try:
                self.engine_rows(cap, replay.address, rows)
            finally:
                print(f"replay server, at most {cap} per pull: {replay.stop()}", flush=True)
        return table(["what", "per pull", "CPU-s per M", "user", "system", "M/s", "x null", "goal"], rows)

    def engine_rows(self, cap, address, rows):
        jobs = Jobs(self.directory, address, "bench_in")
        small = cap == 32
        scale = 1e6 / self.messages

        def row(name, words, goal="", null=None):
            cost = self.best(f"{name}, {cap} per pull", words)
            rows.append([name, cap, f"{cost.cpu * scale:.2f}", f"{cost.user * scale:.2f}",
                         f"{cost.system * scale:.2f}", rate(self.messages, cost),
                         f"{cost.cpu / null.cpu:.1f}" if null else "", goal])
            return cost

        client = row("null client: pull, count, drop", self.null("null_client", address, "bench_in"))
        relay = row("null relay: pull, batch, send",
                    self.null("null_relay", address, "bench_in", to="bench_relay"))
        if small:
            row("null producer: one batch of 100 again and again",
                self.null("null_producer", address, "bench_null", size=self.arguments.size), "0.25")
        row("COUNT(*), bodies not decoded", self.engine(jobs.count()), "0.20" if small else "0.08", client)
        row("JSON -> all columns -> blackhole", self.engine(jobs.decode()), "", client)
        row("filter, 1 % -> topic", self.engine(jobs.filter("bench_filter")), "0.40" if small else "0.22", client)
        row("COUNT, SUM by 1 M keys -> blackhole", self.engine(jobs.aggregate()), "0.40" if small else "0.22", client)
        least = row("project all -> topic, at-least-once", self.engine(jobs.copy("bench_copy")),
                    "0.60" if small else "0.42", relay)
        exactly = row("the same, exactly-once, checkpoint every second",
                      self.engine(jobs.copy("bench_exactly", True), "--checkpoint-dir", self.checkpoints),
                      f"{least.cpu * 1.25 * scale:.2f}", relay)
        rows[-1][0] += f" (x {exactly.cpu / least.cpu:.2f})"

    def part_broker(self):
        self.need_broker()
        namesrv, scale = self.cluster.namesrv, 1e6 / self.messages
        jobs = Jobs(self.directory, namesrv, "bench_in")
        rows = []

        def row(name, words, null=None):
            cost = self.best(f"broker: {name}", words)
            rows.append([name, f"{cost.cpu * scale:.2f}", f"{cost.user * scale:.2f}", f"{cost.system * scale:.2f}",
                         rate(self.messages, cost), f"{null.wall / cost.wall:.0%}" if null else ""])
            return cost

        client = row("null client", self.null("null_client", namesrv, "bench_in"))
        row("null producer", self.null("null_producer", namesrv, self.topic("bench_null"), size=self.arguments.size))
        relay = row("null relay", self.null("null_relay", namesrv, "bench_in", to=self.topic("bench_relay")))
        row("COUNT(*), bodies not decoded", self.engine(jobs.count()), client)
        row("project all -> topic, at-least-once", self.engine(jobs.copy(self.topic("bench_copy"))), relay)
        row("the same, exactly-once, checkpoint every second",
            self.engine(jobs.copy(self.topic("bench_exactly"), True), "--checkpoint-dir", self.checkpoints), relay)
        lines = table(["what", "CPU-s per M", "user", "system", "M/s", "speed of null"], rows)
        return lines + ["", "One queue, null client, by speculative pulls under way:", ""] + self.one_queue()

    def one_queue(self):
        namesrv = self.cluster.namesrv
        topic = self.topic("bench_one", 1)
        child.run(self.null("null_producer", namesrv, topic, size=self.arguments.size), self.log())
        rows = []
        for pulls in (1, 2, 4, 8, 16):
            cost = self.best(f"one queue, {pulls} pulls", self.null("null_client", namesrv, topic, pulls=pulls))
            rows.append([pulls, rate(self.messages, cost), f"{cost.cpu * 1e6 / self.messages:.2f}"])
        return table(["pulls", "M/s", "CPU-s per M"], rows)

    def part_java(self):
        self.need_broker()
        classes = self.directory / "java"
        classes.mkdir(exist_ok=True)
        lib = broker.jars_dir(self.arguments.version)
        subprocess.run(["javac", "-nowarn", "-Xlint:none", "-cp", f"{lib}/*", "-d", str(classes),
                        str(ROOT / "bench/JavaClient.java")], check=True)
        java = ["java", "-Xmx1g", "-XX:-UsePerfData", "-cp", f"{classes}:{lib}/*", "JavaClient", self.cluster.namesrv]
        rows = []
        for name, mode, topic in (("pull loop per queue, 32 per pull", "pull", "bench_in"),
                                  ("push consumer, listener batch 32", "push", "bench_in"),
                                  ("batch send, 100 per batch", "batch", self.topic("bench_java"))):
            log = self.log()
            cost = child.run([*java, mode, topic, self.messages, self.arguments.size], log)
            warm = json.loads(log.read_text().strip().splitlines()[-1])["cpu_s_per_million"]
            print(f"Java, {name}: {warm:.2f} CPU-s per million when warm", flush=True)
            rows.append([name, f"{warm:.2f}", f"{cost.cpu * 1e6 / self.messages:.2f}", rate(self.messages, cost)])
        return table(["official Java client", "CPU-s per M, warm", "start and warm-up included", "M/s"], rows)

    def part_latency(self):
        self.need_broker()
        rows = []
        for name in ("null relay", "slipstream"):
            source, sink = (self.topic(f"late_{name[0]}_{end}") for end in ("in", "out"))
            jobs = Jobs(self.directory, self.cluster.namesrv, source)
            words = self.engine(jobs.relay(sink))
            if name == "null relay":
                words = self.null("null_relay", self.cluster.namesrv, source, to=sink, messages=0,
                                  **{"from": "latest"})
            between = child.Running(words, self.log())
            try:
                time.sleep(3)  # it reads from the latest message on: it must have asked for its offsets
                log = self.log()
                child.run([self.programs / "latency_probe", "--nameserver", self.cluster.namesrv, "--topic", source,
                           "--back", sink, "--rate", self.arguments.rate, "--seconds", self.arguments.seconds], log)
                if not between.alive():
                    raise SystemExit(f"{name} ended while its latency was measured; see {self.directory}")
            finally:
                between.stop()
            figures = json.loads(log.read_text().splitlines()[-1])
            print(f"{name}: {figures}", flush=True)
            rows.append([name, figures["messages"], *(f"{figures[key]:.1f}" for key in QUANTILES),
                         figures["due"] - figures["messages"]])
        return table(["topic -> ... -> topic, ms", "messages", *QUANTILES, "missing"], rows)

    def part_idle(self):
        self.need_broker()
        namesrv = self.cluster.namesrv
        jobs = Jobs(self.directory, namesrv, self.topic("bench_idle", 64))
        idle = child.Running(self.engine(jobs.idle()), self.log())
        time.sleep(5)
        before, resident = idle.cpu(), idle.resident_mib()
        time.sleep(self.arguments.seconds)
        share = (idle.cpu() - before) / self.arguments.seconds
        idle.stop()
        topic = self.topic("bench_small")
        child.run(self.null("null_producer", namesrv, topic, rows="json", messages=100), self.log())
        job = Jobs(self.directory, namesrv, topic).first_row()
        first = statistics.median(child.first_output(self.engine(job), b"+I[") for _ in range(9))
        whole = min((child.run(self.engine(job), self.log()) for _ in range(5)), key=lambda cost: cost.cpu)
        stripped = self.directory / "stripped"
        subprocess.run(["strip", "-o", str(stripped), str(self.programs / "slipstream")], check=True)
        return table(["what", "measured", "goal"], [
            ["CPU of an idle job on 64 queues", f"{share:.2%} of one core", "0.50 %"],
            ["its resident memory", f"{resident:.0f} MiB", "20 MB"],
            ["exec to first row of a bounded job, median of 9", f"{first * 1000:.0f} ms", "200 ms"],
            ["a whole bounded job of 100 rows", f"{whole.cpu * 1000:.0f} ms of CPU, {whole.wall * 1000:.0f} ms", ""],
            ["stripped binary", f"{stripped.stat().st_size / 1e6:.1f} MB", "30 MB"]])

    def heading(self, part):
        arguments = self.arguments
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        load = os.getloadavg()[0]
        text = (f"`./dev bench --parts {part}`, {datetime.date.today()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
                f"load {load:.1f} at the end")
        if part in ("engine", "broker", "java"):
            text += (f"; {self.messages:,} messages of {arguments.size} bytes in {QUEUES} queues, RocketMQ "
                     f"{arguments.version}, parallelism {arguments.parallelism}")
            text += "; best of " + (f"{arguments.runs} runs" if part != "java" else "one run")
        if part == "latency":
            text += f"; {arguments.rate:,} messages per second for {arguments.seconds} s, no checkpoints"
        return text + "."


def write(part, lines):
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    head, rest = README.read_text().split(begin)
    README.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=298, help="bytes of a body")
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the best counts")
    parser.add_argument("--rate", type=int, default=20_000, help="messages per second of the part latency")
    parser.add_argument("--seconds", type=int, default=30, help="of the parts latency and idle")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--version", default="5.5.0", help="of RocketMQ")
    parser.add_argument("--programs", default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if not set(parts) <= set(PARTS):
        parser.error(f"--parts: one or more of {', '.join(PARTS)}")
    bench = Bench(arguments)
    try:
        for part in parts:
            lines = [*getattr(bench, f"part_{part}")()]
            lines = [bench.heading(part), "", *lines]
            print("\n" + "\n".join(lines) + "\n", flush=True)
            if arguments.write:
                write(part, lines)
    except broker.BrokerError as error:
        raise SystemExit(f"the benchmark needs a broker: {error}") from None
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main())
