"""The part `engine`: jobs against the replay server, with no broker beside them."""
from typing import NamedTuple

from child import FIGURES
from harness import QUEUES, table
from jobs import Jobs

SMALL = 100  # bytes of a body
SPECULATIVE = 8  # pulls under way per queue at least, unless told
CAPS = [32, 128, 550, 1024]  # messages per pull
BY_PULL = {"client": "null client", "count": "COUNT(*)", "filter": "filter, 1 %", "copy": "project all, at-least-once"}
HELD_MS = [0, 1, 5, 20]


class Job(NamedTuple):
    key: str
    name: str
    null: str = ""  # the job in whose cost this one's is counted
    goals: dict = {}  # by messages per pull
    caps: tuple = (32, 1024)


JOBS = [
    Job("client", "null client: pull, count, drop"),
    Job("relay", "null relay: pull, batch, send"),
    Job("producer", "null producer: one batch of 100 again and again", caps=(32,)),
    Job("count", "COUNT(*), bodies not decoded", "client"),
    Job("decode", "JSON -> all columns -> blackhole", "client"),
    Job("filter", "filter, 1 % -> topic", "client", {32: "0.40", 1024: "0.22"}),
    Job("aggregate", "COUNT, SUM by 1 M keys -> blackhole", "client", {32: "0.40", 1024: "0.22"}),
    Job("copy", "project all -> topic, at-least-once", "relay", {32: "0.60", 1024: "0.42"}),
    Job("exactly", "the same, exactly-once, checkpoint every second", "relay"),
]


def engine(bench):
    large = bench.recording("bench_in", bench.arguments.size, "json")
    small = bench.recording("bench_small_bodies", SMALL, "same")
    bench.stop()  # the broker that was recorded
    costs = {}
    for cap in CAPS:
        with bench.replay(large, cap) as server:
            for job in JOBS:
                if cap in job.caps or job.key in BY_PULL:
                    costs[job.key, cap] = bench.best(f"{job.name}, {cap} per pull", words(bench, server.address, job))
    return [*table(["what", "per pull", *FIGURES, "x null", "goal"], main_rows(bench, costs)),
            "", "CPU-s per M by messages per pull:", "",
            *table(["what", *map(str, CAPS)], [[name, *(costs[key, cap].per_million for cap in CAPS)]
                                              for key, name in BY_PULL.items()]),
            "", f"Bodies of {SMALL} bytes:", "",
            *table(["what", "per pull", *FIGURES, "x null", "goal"], small_rows(bench, small)),
            "", "Each answer to a pull held back, as by a broker that is far away; one run each:", "",
            *table(["held back", "per pull", "null client, 1 pull per queue: M/s", f"{SPECULATIVE} pulls: M/s",
                    "CPU-s per M", f"COUNT(*), {SPECULATIVE} pulls: M/s", "CPU-s per M", "64 pulls: M/s",
                    "as the distance asks for: M/s", "CPU-s per M"],
                   held_rows(bench, large))]


def words(bench, address, job):
    jobs = Jobs(bench.directory, address, "bench_in")
    return {
        "client": lambda: bench.null("null_client", address, "bench_in"),
        "relay": lambda: bench.null("null_relay", address, "bench_in", to="bench_relay"),
        "producer": lambda: bench.null("null_producer", address, "bench_null", size=bench.arguments.size),
        "count": lambda: bench.engine(jobs.count()),
        "decode": lambda: bench.engine(jobs.decode()),
        "filter": lambda: bench.engine(jobs.filter("bench_filter")),
        "aggregate": lambda: bench.engine(jobs.aggregate()),
        "copy": lambda: bench.engine(jobs.copy("bench_copy")),
        "exactly": lambda: bench.engine(jobs.copy("bench_exactly", True), "--checkpoint-dir", bench.checkpoints),
    }[job.key]()


def times(cost, null):
    return f"{cost.cpu / null.cpu:.1f}"


def main_rows(bench, costs):
    rows = []
    for cap in (CAPS[0], CAPS[-1]):
        for job in JOBS:
            if cap not in job.caps:
                continue
            cost, name, goal = costs[job.key, cap], job.name, job.goals.get(cap, "")
            if job.key == "exactly":
                least = costs["copy", cap]
                name += f" (x {cost.cpu / least.cpu:.2f})"
                goal = f"{least.cpu * 1.25 * 1e6 / bench.messages:.2f}"
            rows.append([name, cap, *cost.figures, times(cost, costs[job.null, cap]) if job.null else "", goal])
    return rows


def small_rows(bench, recording):
    """Goals of 1.5 times the null program stand beside those in CPU-s."""
    rows = []

    def row(name, cap, words, goal="", null=None):
        cost = bench.best(f"{SMALL}-byte bodies, {name}", words)
        rows.append([name, cap, *cost.figures, times(cost, null) if null else "", goal])
        return cost

    for cap, goal in ((32, "0.20, x 1.5"), (1024, "0.08, x 1.5")):
        with bench.replay(recording, cap) as server:
            client = row("null client", cap, bench.null("null_client", server.address, "bench_small_bodies"))
            count = Jobs(bench.directory, server.address, "bench_small_bodies").count()
            row("COUNT(*), bodies not decoded", cap, bench.engine(count), goal, client)
    with bench.replay(recording, CAPS[0]) as server:
        jobs, lines = Jobs(bench.directory, server.address, ""), lines_file(bench)
        producer = row("null producer", "", bench.null("null_producer", server.address, "bench_null", size=SMALL))
        reading = row("file of lines -> COUNT(*)", "", bench.engine(jobs.count_lines(lines)))
        both = row("file of lines -> topic, at-least-once", "", bench.engine(jobs.send_lines(lines, "bench_lines")))
    sending = both - reading
    rows.append(["sending alone: what the last needs above the one before", "", *sending.figures[:3], "",
                 times(sending, producer), "0.25, x 1.5"])
    return rows


def lines_file(bench):
    path = bench.directory / f"lines-{bench.messages}-{SMALL}.txt"
    if not path.exists():
        part = path.with_suffix(".part")
        with open(part, "w") as out:
            out.writelines(f"{number:010d}{'x' * (SMALL - 10)}\n" for number in range(bench.messages))
        part.rename(path)
    return path


def held_rows(bench, recording):
    rows = []
    for cap in (CAPS[0], CAPS[-1]):
        for held in HELD_MS:
            with bench.replay(recording, cap, held) as server:
                rows.append([f"{held} ms", cap, *held_cells(bench, server.address, cap, held)])
    return rows


def held_cells(bench, address, cap, held):
    def run(name, words, pulls, messages=bench.messages):
        cost = bench.best(f"answers held back {held} ms, {cap} per pull, {name}, {pulls} pulls", words, 1, messages)
        return cost.rate, cost.per_million

    few = min(bench.messages, 1_000 * QUEUES * cap // max(held, 1))  # one pull at a time: a second's worth

    def count(pulls):
        more = f", 'scan.pull.concurrency' = '{pulls}'"
        return bench.engine(Jobs(bench.directory, address, "bench_in", more).count())

    return [run("null client", bench.null("null_client", address, "bench_in", pulls=1, messages=few), 1, few)[0],
            *run("null client", bench.null("null_client", address, "bench_in", pulls=SPECULATIVE), SPECULATIVE),
            *run("COUNT(*)", count(SPECULATIVE), SPECULATIVE), run("COUNT(*)", count(64), 64)[0],
            *run("COUNT(*)", count(0), "8 to 128")]
