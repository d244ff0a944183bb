#!/usr/bin/env python3
"""Runs the small benchmarks and sets each beside the floor that was measured for it (./dev bench micro)."""
import argparse
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "bench/README.md"
BEGIN, END = "<!-- micro -->", "<!-- end of micro -->"
# name, what it is, floor in ns per row: the same step written by hand, on the same kind of machine
ROWS = [
    ("decode/json_7_columns", "JSON bid of 298 bytes -> 7 columns", "97-107"),
    ("decode/json_3_of_7_columns", "the same, 3 of its columns", "63"),
    ("decode/csv_7_columns", "CSV bid of 173 bytes -> 7 columns", "37 (4 of them numbers)"),
    ("encode/json_7_columns", "7 columns -> JSON", "158-180"),
    ("encode/csv_7_columns", "7 columns -> CSV", ""),
    ("run_program/arithmetic", "price * 908 + 7", ""),
    ("select_rows", "WHERE price < 100000", ""),
    ("run_program/upper", "UPPER(url)", ""),
    ("run_program/like", "url LIKE '%/item.htm?query%'", ""),
    ("count_and_sum/1000", "COUNT, SUM by 1 k keys, changes emitted", "4.8"),
    ("count_and_sum/100000", "the same by 100 k keys", "2.2"),
    ("count_and_sum/1000000", "the same by 1 M keys", "11"),
    ("walk_records/without_crc", "stored records of an answer, without CRC", ""),
    ("walk_records/with_crc", "the same, CRC of bodies compared", "16-35"),
    ("crc", "CRC of a 298-byte body", ""),
    ("encode_batch", "entry of a batch send", ""),
    ("pull_request", "request of a pull, once per pull", ""),
    ("answer_header", "header of its answer, once per pull", ""),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=ROOT / "build/release/bin/micro")
    parser.add_argument("--repetitions", type=int, default=5, help="the fastest counts")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    arguments = parser.parse_args()
    out = subprocess.run([str(arguments.program), "--benchmark_format=json", "--benchmark_min_time=0.2",
                          f"--benchmark_repetitions={arguments.repetitions}"],
                         check=True, stdout=subprocess.PIPE).stdout
    fastest = {}
    for each in json.loads(out)["benchmarks"]:
        if each["run_type"] == "iteration":
            nanos = 1e9 / each["items_per_second"]
            fastest[each["run_name"]] = min(nanos, fastest.get(each["run_name"], nanos))
    lines = [f"`./dev bench micro`, {datetime.date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} "
             f"at the end; batches of 4,096 rows, processor time, fastest of {arguments.repetitions}.", "",
             "| what | ns per row | floor |", "|---|---|---|"]
    missing = [name for name, _, _ in ROWS if name not in fastest]
    if missing:
        raise SystemExit(f"no figure for {', '.join(missing)}")
    for name, what, floor in ROWS:
        nanos = fastest[name]
        lines.append(f"| {what} | {nanos:.1f} | {floor} |" if nanos < 10 else f"| {what} | {nanos:.0f} | {floor} |")
    print("\n".join(lines))
    if arguments.write:
        head, rest = README.read_text().split(BEGIN)
        README.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    sys.exit(main())
