#!/usr/bin/env python3
"""./dev demo: a SQL job on a real RocketMQ, watched live, with a crash of the engine in the middle.

Starts a broker, creates topics, sends a stream of orders with our own producer, runs examples/demo.sql on it,
kills the engine with SIGKILL half-way, starts it again and counts: every order that went in must have come
out once. Exit 0 only when nothing was lost and nothing came twice. Ctrl-C stops all that was started.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import broker  # noqa: E402

ROOT = broker.ROOT
PROGRAM = Path(os.environ.get("SLIPSTREAM_PROGRAM", ROOT / "build/release/bin/slipstream"))
DIRECTORY = ROOT / "build/demo"
ADDRESS_IN_SQL = "127.0.0.1:9876"
BIG_PRICE, WINDOW_SECONDS = 100, 2  # as in examples/demo.sql
CITIES = {"Hangzhou": 9, "Shanghai": 8, "Berlin": 5, "Lisbon": 3, "Nairobi": 3, "Toronto": 2}
ITEMS = {"tea": 4.5, "notebook": 12.0, "headphones": 89.0, "bicycle": 420.0, "lamp": 35.0, "camera": 640.0}
QUIET_SECONDS = 30  # give up on outstanding results when nothing came for so long


class DemoError(Exception):
    pass


class Orders:
    """Makes orders and keeps the answer that the SQL job has to find. Thread: the feeder's."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0
        self.big = set()
        self.windows = Counter()

    def next(self, now):
        city = self.random.choices(list(CITIES), list(CITIES.values()))[0]
        item = self.random.choice(list(ITEMS))
        price = round(ITEMS[item] * self.random.uniform(0.8, 1.3), 2)
        self.count += 1
        if price >= BIG_PRICE:
            self.big.add(self.count)
        start = int(now.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS
        self.windows[(start, city)] += 1
        return encode(self.count, self.random.randrange(1, 2000), city, item, price, now)


def encode(order_id, user_id, city, item, price, moment):
    text = moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
    return json.dumps({"order_id": order_id, "user_id": user_id, "city": city, "item": item,
                       "price": price, "ts": text}) + "\n"


class Results:
    """What came out so far. Thread: any; a lock guards all of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.big = Counter()
        self.windows = defaultdict(list)
        self.revenue = Counter()
        self.orders = Counter()
        self.last_change = time.monotonic()

    def add_big(self, row):
        with self.lock:
            self.big[row["order_id"]] += 1
            self.last_change = time.monotonic()

    def add_window(self, row):
        start = datetime.fromisoformat(row["window_start"].replace("T", " ").rstrip("Z"))
        key = (int(start.replace(tzinfo=timezone.utc).timestamp()), row["city"])
        with self.lock:
            self.windows[key].append(row["orders"])
            self.orders[row["city"]] += row["orders"]
            self.revenue[row["city"]] += row["revenue"]
            self.last_change = time.monotonic()

    def verdict(self, expected):
        """(lost, duplicated): orders for the filter, orders of a window for the aggregate."""
        with self.lock:
            lost = len(expected.big - set(self.big))
            twice = sum(self.big.values()) - len(expected.big & set(self.big))
            for key, orders in expected.windows.items():
                seen = self.windows.get(key, [])
                lost += max(0, orders - sum(seen))
                twice += max(0, sum(seen) - orders)
            twice += sum(sum(seen) for key, seen in self.windows.items() if key not in expected.windows)
            return lost, twice

    def totals(self):
        with self.lock:
            return sum(self.big.values()), sum(map(len, self.windows.values())), sum(self.orders.values())


class Screen:
    """Progress: a table that is redrawn on a terminal, plain lines anywhere else."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.drawn = 0
        self.last_plain = 0.0

    def say(self, text):
        self._erase()
        print(text, flush=True)

    def show(self, seconds, total_seconds, sent, results, state):
        big, windows, counted = results.totals()
        line = (f"{seconds:4.0f} s  sent {sent:6d}   big_orders {big:6d}   city_totals {windows:4d} rows "
                f"({counted} orders)   engine {state}")
        if not self.live:
            if seconds - self.last_plain >= 2:
                self.last_plain = seconds
                print(line, flush=True)
            return
        filled = min(30, int(30 * seconds / total_seconds))
        lines = [f"  [{'#' * filled}{'.' * (30 - filled)}]", "  " + line, "",
                 f"  {'city':<12}{'orders':>10}{'revenue':>14}"]
        with results.lock:
            for city in CITIES:
                lines.append(f"  {city:<12}{results.orders[city]:>10}{results.revenue[city]:>14,.2f}")
        self._erase()
        print("\n".join(lines), flush=True)
        self.drawn = len(lines)

    def _erase(self):
        if self.drawn:
            print(f"\x1b[{self.drawn}A\x1b[J", end="")
            self.drawn = 0


class Demo:
    """Owns every process that it starts; close() ends them all, in any state."""

    def __init__(self, seconds, rate):
        self.seconds, self.rate = seconds, rate
        self.screen, self.results = Screen(), Results()
        self.orders = Orders(seed=7)
        self.processes = []
        self.producing = threading.Event()
        self.cluster = None
        self.engine = None
        self.engine_starts = 0

    # -- processes

    def start(self, name, *arguments, **pipes):
        with open(DIRECTORY / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(PROGRAM), *arguments], stderr=log, start_new_session=True,
                                       preexec_fn=broker.die_with_parent,
                                       **{"stdin": subprocess.DEVNULL, "stdout": log, **pipes})
        process.name = name
        self.processes.append(process)
        return process

    def log_tail(self, name):
        text = (DIRECTORY / f"{name}.log").read_text(errors="replace")
        return f"see {DIRECTORY / name}.log:\n" + "\n".join(text.splitlines()[-15:])

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 5
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.cluster:
            self.cluster.stop(kill=True)  # its store is thrown away: no need to wait for a clean end

    # -- the parts of the show

    def start_broker(self):
        stale = broker.Cluster(DIRECTORY / "rocketmq")
        if stale.state:
            stale.stop(kill=True)
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(parents=True)
        self.cluster = broker.Cluster(DIRECTORY / "rocketmq", broker.DEFAULT_VERSION, bound=True)
        self.screen.say(f"starting RocketMQ {self.cluster.version} ...")
        self.cluster.start()
        self.screen.say(f"RocketMQ is ready, name server {self.cluster.namesrv}")
        for topic in ("orders", "big_orders", "city_totals"):
            process = self.start("topics", "topic", "create", topic, "--queues", "4",
                                 "--nameserver", self.cluster.namesrv)
            if process.wait(60) != 0:
                raise DemoError(f"creating topic {topic} failed; {self.log_tail('topics')}")

    def start_engine(self):
        sql = (ROOT / "examples/demo.sql").read_text().replace(ADDRESS_IN_SQL, self.cluster.namesrv)
        (DIRECTORY / "demo.sql").write_text(sql)
        self.engine_starts += 1
        self.engine = self.start("engine", "run", str(DIRECTORY / "demo.sql"),
                                 "--checkpoint-dir", str(DIRECTORY / "checkpoints"))

    def start_reader(self, topic, take):
        process = self.start(f"read-{topic}", "consume", topic, "--nameserver", self.cluster.namesrv,
                             "--from", "earliest", "--follow", "--format", "%s\\n", stdout=subprocess.PIPE)

        def read():
            for line in process.stdout:
                if line.strip():
                    take(json.loads(line))
        threading.Thread(target=read, daemon=True).start()

    def start_orders(self):
        process = self.start("producer", "produce", "orders", "--nameserver", self.cluster.namesrv,
                             "--rate", str(self.rate), stdin=subprocess.PIPE)
        self.producing.set()

        def feed():
            begun = time.monotonic()
            try:
                while self.producing.is_set():
                    due = int((time.monotonic() - begun) * self.rate)
                    now = datetime.now(timezone.utc)
                    while self.orders.count < due:
                        process.stdin.write(self.orders.next(now).encode())
                    process.stdin.flush()
                    time.sleep(0.02)
                process.stdin.close()
            except OSError:
                pass  # the producer ended; its exit code tells why
        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        return process, thread

    def watch_processes(self):
        for process in self.processes:
            if process.poll() not in (None, 0) and not getattr(process, "killed", False):
                raise DemoError(f"{process.name} ended with exit code {process.returncode}; "
                                f"{self.log_tail(process.name)}")

    def crash_engine(self):
        self.engine.killed = True
        self.engine.kill()
        self.engine.wait()
        self.screen.say(f"--- kill -9 of the engine (pid {self.engine.pid}); orders keep coming ---")

    def play(self):
        """The stream with the crash at half-time; returns when every order is with the broker."""
        producer, feeder = self.start_orders()
        begun, crashed_at, recovered = time.monotonic(), None, False
        state = "running"
        while (seconds := time.monotonic() - begun) < self.seconds:
            self.watch_processes()
            if crashed_at is None and seconds >= self.seconds / 2:
                self.crash_engine()
                crashed_at, state = time.monotonic(), "killed"
            if state == "killed" and time.monotonic() - crashed_at >= 1:
                self.start_engine()
                state = "recovering"
            if state == "recovering" and not recovered and self.results.last_change > crashed_at + 1:
                recovered, state = True, "running"
                self.screen.say(f"--- recovered from the last checkpoint, "
                                f"{self.results.last_change - crashed_at:.1f} s after the kill ---")
            self.screen.show(seconds, self.seconds, self.orders.count, self.results, state)
            time.sleep(0.25)
        self.producing.clear()
        feeder.join()
        if producer.wait(120) != 0:
            raise DemoError(f"the producer failed; {self.log_tail('producer')}")
        return begun

    def close_windows(self):
        """A window closes when event time passes its end: some orders from an hour later do that."""
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        lines = "".join(encode(0, 0, "-", "end of stream", 0.0, later) for _ in range(64))
        process = self.start("producer", "produce", "orders", "--nameserver", self.cluster.namesrv,
                             stdin=subprocess.PIPE)
        process.communicate(lines.encode(), timeout=60)
        if process.returncode != 0:
            raise DemoError(f"the producer failed; {self.log_tail('producer')}")

    def await_results(self, begun):
        self.results.last_change = time.monotonic()
        while self.results.verdict(self.orders)[0] > 0:
            self.watch_processes()
            if time.monotonic() - self.results.last_change > QUIET_SECONDS:
                return
            seconds = time.monotonic() - begun
            self.screen.show(seconds, self.seconds, self.orders.count, self.results, "finishing")
            time.sleep(0.25)

    def finish(self, begun):
        """Stops the engine with a savepoint, lets stragglers arrive and counts."""
        self.engine.terminate()
        try:
            status = self.engine.wait(60)
        except subprocess.TimeoutExpired:
            raise DemoError(f"the engine did not stop; {self.log_tail('engine')}") from None
        if status != 0:
            raise DemoError(f"the engine stopped with exit code {status}; {self.log_tail('engine')}")
        quiet_since = time.monotonic()
        while time.monotonic() - max(quiet_since, self.results.last_change) < 2:
            time.sleep(0.1)
        lost, twice = self.results.verdict(self.orders)
        big, windows, counted = self.results.totals()
        self.screen.show(time.monotonic() - begun, self.seconds, self.orders.count, self.results, "stopped")
        self.screen.drawn = 0
        print(f"\nmessages in: {self.orders.count}; out: {big} big orders and {windows} window rows over "
              f"{counted} orders; lost {lost}, duplicated {twice}", flush=True)
        return lost == 0 and twice == 0

    def run(self):
        if not PROGRAM.exists():
            raise DemoError(f"{PROGRAM} is not built; run ./dev build")
        self.start_broker()
        self.start_engine()
        self.start_reader("big_orders", self.results.add_big)
        self.start_reader("city_totals", self.results.add_window)
        self.screen.say(f"running examples/demo.sql: orders -> filter -> big_orders, "
                        f"orders -> {WINDOW_SECONDS} s windows per city -> city_totals")
        begun = self.play()
        self.close_windows()
        self.await_results(begun)
        return self.finish(begun)


NEXT = """try next:
  ./dev broker start                                       a broker that stays, address printed
  build/release/bin/slipstream run -e "SELECT 1 + 1"       SQL from the command line
  examples/demo.sql                                        the job you just saw; change it, run ./dev demo"""


def interrupted(*_):
    raise KeyboardInterrupt


def main(argv):
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20, help="length of the stream (default 20)")
    parser.add_argument("--rate", type=int, default=500, help="orders per second (default 500)")
    arguments = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    demo = Demo(arguments.seconds, arguments.rate)
    try:
        exact = demo.run()
    except (DemoError, broker.BrokerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave servers behind
        demo.close()
    print(NEXT if exact else f"this is a fault; logs are in {DIRECTORY}")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
