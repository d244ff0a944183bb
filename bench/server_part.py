"""The part `server`: many small jobs in one server, with no broker beside it."""
import json
import re
import shutil
import time
import urllib.request

import child
from harness import table

JOBS = 50
ROWS_PER_SECOND = 20
SQL = ("SET 'parallelism.default' = '1';\n"
       f"CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '{ROWS_PER_SECOND}');\n"
       "CREATE TABLE kept (k INT) WITH ('connector' = 'blackhole');\n"
       "INSERT INTO kept SELECT k FROM numbers;")
START_LIMIT = 60  # seconds


def server(bench):
    state = bench.directory / "server"
    shutil.rmtree(state, ignore_errors=True)
    log = bench.log()
    running = child.Running([bench.programs / "slipstream", "serve", "--port", 0, "--state-dir", state], log)
    try:
        url = wait_for(lambda: re.search(r"serving on (http://[^,\s]+)", log.read_text()), log).group(1)
        jobs = f"{url}/api/v1/jobs"
        for number in range(JOBS):
            body = json.dumps({"name": f"small-{number}", "sql": SQL}).encode()
            urllib.request.urlopen(urllib.request.Request(jobs, body, {"Content-Type": "application/json"})).close()
        for number in range(JOBS):
            wait_for(lambda job=f"{jobs}/small-{number}": rows_read(job), log)
        begun, before = time.monotonic(), running.cpu()
        time.sleep(bench.arguments.seconds)
        share = (running.cpu() - before) / (time.monotonic() - begun)
        threads, resident = running.status("Threads"), running.resident_mib()
    finally:
        running.stop()
    return table(["what", "measured", "goal"], [
        [f"CPU of {JOBS} jobs of {ROWS_PER_SECOND} rows per second", f"{share:.1%} of one core", "5 %"],
        ["threads of the server", threads, "40"],
        ["its resident memory", f"{resident:.0f} MiB", ""]])


def rows_read(job):
    with urllib.request.urlopen(job) as answer:
        return json.load(answer)["rows_read"]


def wait_for(found, log):
    deadline = time.monotonic() + START_LIMIT
    while not (result := found()):
        if time.monotonic() > deadline:
            raise SystemExit(f"the server or one of its jobs did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
    return result
