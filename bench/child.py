"""Child processes of the benchmarks: run to the end with their processor time, or kept running."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import broker  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


class Cost:
    """Seconds of one run over so many messages."""

    def __init__(self, wall, user, system, messages):
        self.wall, self.user, self.system, self.messages = wall, user, system, messages

    def __sub__(self, other):
        return Cost(self.wall - other.wall, self.user - other.user, self.system - other.system, self.messages)

    @property
    def cpu(self):
        return self.user + self.system

    @property
    def per_million(self):
        return f"{self.cpu * 1e6 / self.messages:.2f}"

    @property
    def rate(self):
        return f"{self.messages / self.wall / 1e6:.2f}"

    @property
    def figures(self):
        """The columns of FIGURES."""
        scale = 1e6 / self.messages
        return [self.per_million, f"{self.user * scale:.2f}", f"{self.system * scale:.2f}", self.rate]


FIGURES = ["CPU-s per M", "user", "system", "M/s"]


def run(words, log, messages=1):
    """Runs to the end; its cost. What it prints is in the file `log`."""
    begin = time.monotonic()
    with open(log, "wb") as out:
        child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, preexec_fn=broker.die_with_parent)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = Path(log).read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(map(str, words))}: exit code {child.returncode}\n{text}")
    return Cost(time.monotonic() - begin, usage.ru_utime, usage.ru_stime, messages)


class Running:
    """A child that runs until it is stopped."""

    def __init__(self, words, log):
        self.out = open(log, "wb")
        self.child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                      stdout=self.out, stderr=subprocess.STDOUT,
                                      preexec_fn=broker.die_with_parent)

    def cpu(self):
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def status(self, name):
        """A number of /proc/PID/status."""
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))

    def resident_mib(self):
        return self.status("VmRSS") / 1024

    def alive(self):
        return self.child.poll() is None

    def stop(self):
        if self.alive():
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.out.close()


class Replay:
    """The replay server: answers with what a broker answered once."""

    def __init__(self, program, recording, cap, hold=0):
        self.child = subprocess.Popen([str(program), "--serve", str(recording), "--cap", str(cap),
                                       "--hold", str(hold)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      preexec_fn=broker.die_with_parent)
        self.address = self.child.stdout.readline().strip()
        if not self.address:
            raise SystemExit(f"the replay server did not start on {recording}")

    def stop(self):
        """What it counted."""
        out, _ = self.child.communicate("")
        return json.loads(out.splitlines()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        print(f"replay server: {self.stop()}", flush=True)


def first_output(words, needle):
    """Seconds until the child prints `needle`; then it is ended."""
    begin = time.monotonic()
    child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, preexec_fn=broker.die_with_parent)
    seen = b""
    while needle not in seen:
        more = os.read(child.stdout.fileno(), 65536)
        if not more:
            raise SystemExit(f"'{needle.decode()}' was not printed; instead:\n{seen.decode()[-2000:]}")
        seen += more
    taken = time.monotonic() - begin
    child.kill()
    child.wait()
    return taken
