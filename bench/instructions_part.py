"""The part `instructions`: what jobs execute, counted by valgrind, beside another build of the program.

Processor time of two builds differs by a tenth on a machine that does other things; the number of instructions hardly
does. It says nothing about waiting for memory, and the kernel's work is not in it.
"""
import re
from pathlib import Path

import child
from engine_part import JOBS, words
from harness import table

CAP = 32  # messages per pull
COUNTED = ("count", "decode", "filter", "aggregate", "copy", "exactly")


def instructions(bench):
    against = bench.arguments.against
    if against is None:
        raise SystemExit("--parts instructions needs --against FOLDER: the programs of the other build")
    recording = bench.recording("bench_in", bench.arguments.size, "json")
    bench.stop()
    folders = [bench.programs, Path(against)]
    rows = []
    with bench.replay(recording, CAP) as server:
        for job in (job for job in JOBS if job.key in COUNTED):
            here, there = (min(count(bench, folder, server.address, job) for _ in range(bench.arguments.runs))
                           for folder in folders)
            rows.append([job.name, f"{here / bench.messages:,.0f}", f"{there / bench.messages:,.0f}",
                         f"{100 * (here / there - 1):+.1f} %"])
            print(*rows[-1], sep=": ", flush=True)
    return table(["what", "instructions per message", "of the other build", "difference"], rows)


def count(bench, folder, address, job):
    program, *rest = words(bench, address, job)
    log = bench.log()
    child.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
               folder / program.name, *(word() if callable(word) else word for word in rest)], log)
    return int(re.search(r"I +refs: +([\d,]+)", log.read_text(errors="replace"))[1].replace(",", ""))
