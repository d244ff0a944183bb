#!/usr/bin/env python3
"""What the engine costs beside null programs and the official Java client (./dev bench).

Parts: `engine` against the replay server, with no broker beside it; `broker`, `java`, `latency` and `idle`
on a real broker; `server`, whose jobs make their rows themselves. Quoted are user and system CPU-seconds of the
measured process, start and end included: they hold still on a busy machine, wall times do not. `instructions`,
only when asked for, compares two builds.
"""
import argparse
import datetime
import os
import sys

from broker_parts import broker, idle, java
from engine_part import engine
from harness import QUEUES, ROOT, Bench, BrokerError
from instructions_part import instructions
from latency_part import latency
from server_part import server

README = ROOT / "bench/README.md"
PARTS = {"engine": engine, "broker": broker, "java": java, "latency": latency, "idle": idle, "server": server,
         "instructions": instructions}
ALWAYS = [part for part in PARTS if part != "instructions"]


def heading(arguments, part):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    text = (f"`./dev bench --parts {part}`, {datetime.date.today()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
            f"load {load:.1f} at the end")
    if part in ("engine", "broker", "java", "instructions"):
        text += (f"; {arguments.messages:,} messages of {arguments.size} bytes in {QUEUES} queues, RocketMQ "
                 f"{arguments.version}, parallelism {arguments.parallelism}")
        text += "; one run of each" if part == "java" or arguments.runs == 1 else f"; best of {arguments.runs} runs"
    if part == "latency":
        text += f"; {arguments.rate:,} messages per second for {arguments.seconds} s"
    return text + "."


def write(part, lines):
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    head, rest = README.read_text().split(begin)
    README.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(ALWAYS), help="of " + ", ".join(PARTS))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=298, help="bytes of a body")
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the best counts")
    parser.add_argument("--rate", type=int, default=20_000, help="messages per second of the part latency")
    parser.add_argument("--seconds", type=int, default=30, help="of the parts latency, idle and server")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--version", default="5.5.0", help="of RocketMQ")
    parser.add_argument("--programs", default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--against", help="folder of the programs of another build, for the part instructions")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if not set(parts) <= set(PARTS):
        parser.error(f"--parts: one or more of {', '.join(PARTS)}")
    bench = Bench(arguments)
    try:
        for part in parts:
            lines = PARTS[part](bench)
            lines = [heading(arguments, part), "", *lines]
            print("\n" + "\n".join(lines) + "\n", flush=True)
            if arguments.write:
                write(part, lines)
    except BrokerError as error:
        raise SystemExit(f"the benchmark needs a broker: {error}") from None
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main())
