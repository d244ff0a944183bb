"""The part `latency`: an open loop on a real broker."""
import json
import time

import child
from harness import QUEUES, table
from jobs import Jobs

QUANTILES = ["p50", "p90", "p99", "p99.9", "max"]
WARM_UP_S = 12  # until Java, the broker's too, is compiled


def latency(bench):
    bench.need_broker()
    rows = []
    for name in ("null relay", "slipstream", "slipstream, at-least-once, checkpoint every second",
                 "slipstream, exactly-once, checkpoint every second", "official Java client: push, batch send"):
        source, sink = (bench.topic(f"late_{len(rows)}_{end}") for end in ("in", "out"))
        between = child.Running(words(bench, name, source, sink), bench.log())
        try:
            time.sleep(3)  # it reads from the latest message on: it must have asked for its offsets
            figures = probe(bench, source, sink)
            if not between.alive():
                raise SystemExit(f"{name} ended while its latency was measured; see {bench.directory}")
        finally:
            between.stop()
        print(f"{name}: {figures}", flush=True)
        rows.append([name, figures["messages"], *(f"{figures[key]:.1f}" for key in QUANTILES),
                     figures["due"] - figures["messages"]])
    return table(["topic -> ... -> topic, ms", "messages", *QUANTILES, "missing"], rows)


def words(bench, name, source, sink):
    """The program that stands between the two topics."""
    if name == "null relay":
        return bench.null("null_relay", bench.cluster.namesrv, source, to=sink, messages=0,
                          **{"from": "latest", "in-flight": QUEUES})
    if "Java" in name:
        return bench.java("relay", source, sink)
    jobs = Jobs(bench.directory, bench.cluster.namesrv, source)
    checkpoints = ["--checkpoint-dir", bench.checkpoints()] if "checkpoint" in name else []
    return bench.engine(jobs.relay(sink, bool(checkpoints), "exactly-once" in name), *checkpoints)


def probe(bench, source, sink):
    log = bench.log()
    child.run([bench.programs / "latency_probe", "--nameserver", bench.cluster.namesrv, "--topic", source,
               "--back", sink, "--rate", bench.arguments.rate, "--seconds", bench.arguments.seconds,
               "--warm-up", WARM_UP_S], log)
    return json.loads(log.read_text().splitlines()[-1])
