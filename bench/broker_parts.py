"""The parts `broker`, `java` and `idle`: on a real broker."""
import json
import statistics
import subprocess
import time

import child
from child import FIGURES
from harness import table
from jobs import Jobs


def broker(bench):
    bench.need_broker()
    namesrv = bench.cluster.namesrv
    jobs = Jobs(bench.directory, namesrv, "bench_in")
    rows = []

    def row(name, words, null=None):
        cost = bench.best(f"broker: {name}", words)
        rows.append([name, *cost.figures, f"{null.wall / cost.wall:.0%}" if null else ""])
        return cost

    client = row("null client", bench.null("null_client", namesrv, "bench_in"))
    row("null producer", bench.null("null_producer", namesrv, bench.topic("bench_null"), size=bench.arguments.size))
    relay = row("null relay", bench.null("null_relay", namesrv, "bench_in", to=bench.topic("bench_relay")))
    row("COUNT(*), bodies not decoded", bench.engine(jobs.count()), client)
    row("project all -> topic, at-least-once", bench.engine(jobs.copy(bench.topic("bench_copy"))), relay)
    row("the same, exactly-once, checkpoint every second",
        bench.engine(jobs.copy(bench.topic("bench_exactly"), True), "--checkpoint-dir", bench.checkpoints), relay)
    lines = table(["what", *FIGURES, "speed of null"], rows)
    return lines + ["", "One queue, null client, by speculative pulls under way:", ""] + one_queue(bench)


def one_queue(bench):
    namesrv = bench.cluster.namesrv
    topic = bench.topic("bench_one", 1)
    child.run(bench.null("null_producer", namesrv, topic, size=bench.arguments.size), bench.log())
    rows = []
    for pulls in (1, 2, 4, 8, 16):
        cost = bench.best(f"one queue, {pulls} pulls", bench.null("null_client", namesrv, topic, pulls=pulls))
        rows.append([pulls, cost.rate, cost.per_million])
    return table(["pulls", "M/s", "CPU-s per M"], rows)


def java(bench):
    bench.need_broker()
    rows = []
    for name, mode, topic in (("pull loop per queue, 32 per pull", "pull", "bench_in"),
                              ("push consumer, listener batch 32", "push", "bench_in"),
                              ("batch send, 100 per batch", "batch", bench.topic("bench_java"))):
        log = bench.log()
        cost = child.run(bench.java(mode, topic, bench.messages, bench.arguments.size), log, bench.messages)
        warm = json.loads(log.read_text().strip().splitlines()[-1])["cpu_s_per_million"]
        print(f"Java, {name}: {warm:.2f} CPU-s per million when warm", flush=True)
        rows.append([name, f"{warm:.2f}", cost.per_million, cost.rate])
    return table(["official Java client", "CPU-s per M, warm", "start and warm-up included", "M/s"], rows)


def idle(bench):
    bench.need_broker()
    namesrv = bench.cluster.namesrv
    jobs = Jobs(bench.directory, namesrv, bench.topic("bench_idle", 64))
    job = child.Running(bench.engine(jobs.idle()), bench.log())
    time.sleep(5)
    before, resident = job.cpu(), job.resident_mib()
    time.sleep(bench.arguments.seconds)
    share = (job.cpu() - before) / bench.arguments.seconds
    job.stop()
    topic = bench.topic("bench_small")
    child.run(bench.null("null_producer", namesrv, topic, rows="json", messages=100), bench.log())
    first_row = Jobs(bench.directory, namesrv, topic).first_row()
    first = statistics.median(child.first_output(bench.engine(first_row), b"+I[") for _ in range(9))
    whole = min((child.run(bench.engine(first_row), bench.log()) for _ in range(5)), key=lambda cost: cost.cpu)
    stripped = bench.directory / "stripped"
    subprocess.run(["strip", "-o", str(stripped), str(bench.programs / "slipstream")], check=True)
    return table(["what", "measured", "goal"], [
        ["CPU of an idle job on 64 queues", f"{share:.2%} of one core", "0.50 %"],
        ["its resident memory", f"{resident:.0f} MiB", "20 MB"],
        ["exec to first row of a bounded job, median of 9", f"{first * 1000:.0f} ms", "200 ms"],
        ["a whole bounded job of 100 rows", f"{whole.cpu * 1000:.0f} ms of CPU, {whole.wall * 1000:.0f} ms", ""],
        ["stripped binary", f"{stripped.stat().st_size / 1e6:.1f} MB", "30 MB"]])
