#!/usr/bin/env python3
"""Starts and stops a real RocketMQ: one name server and one broker, on loopback.

Used by `./dev broker`, by the demo and by the end-to-end tests (as a module: class Cluster).
Jars come from Maven once and are kept in build/rocketmq/VERSION/lib; everything of one running
cluster (configuration, logs, store, ports, process ids) lives in one directory.

A process is known by its id and its start time; a signal goes through a pidfd that was checked
against both, so a recycled id is never signalled.
"""
import argparse
import ctypes
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import broker_security

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_VERSION = "5.3.3"
NAMESRV_MAIN = "org.apache.rocketmq.namesrv.NamesrvStartup"
BROKER_MAIN = "org.apache.rocketmq.broker.BrokerStartup"
JVM_FLAGS = [
    "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xss512k", "-Djava.net.preferIPv4Stack=true",
    # Both broker lines were written for Java 8 and reach into these packages.
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
]
# Ports below the kernel's ephemeral range (32768 and up), so that no outgoing connection takes one.
PORT_RANGE = (20000, 32000)
READY_SECONDS = 300
DISK_SHARE_MAX = 0.9
TERM_SECONDS = 40  # a 5.x broker needs up to 20 s to leave on SIGTERM


class BrokerError(Exception):
    """What could not be done, why, and what to do about it."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- jars -----------------------------------------------------------------------------------------

def jars_dir(version):
    return ROOT / "build" / "rocketmq" / version / "lib"


@contextmanager
def file_lock(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_jars(version):
    """Returns the directory with all jars of `version`; loads them on first use."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise BrokerError(f"'{version}' is no RocketMQ version; write it as in --version 5.3.3")
    lib = jars_dir(version)
    stamp = lib / ".complete"
    if stamp.exists():
        return lib
    with file_lock(lib.parent.parent / f".{version}.lock"):
        if stamp.exists():
            return lib
        mvn = shutil.which("mvn")
        if not mvn:
            raise BrokerError("Maven is not installed; run ./dev setup first")
        say(f"loading the jars of RocketMQ {version} with Maven (30-105 MB, once) ...")
        fresh = lib.with_name("lib.partial")
        shutil.rmtree(fresh, ignore_errors=True)
        command = [mvn, "-q", "-B", "-ntp", "-f", str(ROOT / "tools/rocketmq/pom.xml"),
                   f"-Drocketmq.version={version}", f"-Djars.dir={fresh}"]
        for attempt in (1, 2, 3):
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
            if run.returncode == 0:
                break
            if attempt < 3:
                say(f"Maven failed, trying again ({attempt} of 2) ...")
        else:
            raise BrokerError(f"Maven could not load RocketMQ {version}:\n{run.stdout[-3000:]}")
        (fresh / ".complete").touch()
        shutil.rmtree(lib, ignore_errors=True)
        fresh.rename(lib)
    return lib


# --- processes ------------------------------------------------------------------------------------

def start_time(pid):
    """Start time of a live process in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(process):
    return bool(process) and start_time(process["pid"]) == process["start_time"]


def reap(pid):
    """Collects the exit status when the process is our own child."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError:
        pass


def wait_gone(process, seconds):
    deadline = time.monotonic() + seconds
    while is_alive(process):
        reap(process["pid"])
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    reap(process["pid"])
    return True


def send_signal(process, number):
    """Signals exactly this process; does nothing when it is gone or its id was given to another."""
    try:
        pidfd = os.pidfd_open(process["pid"])
    except OSError:
        return False
    try:
        if not is_alive(process):  # checked after the open: the pidfd cannot change its process
            return False
        signal.pidfd_send_signal(pidfd, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)


def end_process(process, kill, term_seconds=TERM_SECONDS):
    if not kill and send_signal(process, signal.SIGTERM) and wait_gone(process, term_seconds):
        return
    send_signal(process, signal.SIGKILL)
    if not wait_gone(process, 20):
        raise BrokerError(f"process {process['pid']} does not end, not even by SIGKILL")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# --- ports and readiness --------------------------------------------------------------------------

def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def choose_ports():
    """A name server port and a broker port; the broker also listens two below and one above it."""
    for _ in range(200):
        base = random.randrange(*PORT_RANGE)
        if all(is_free(port) for port in range(base, base + 5)):
            return base, base + 3
    raise BrokerError(f"no five free ports in a row in {PORT_RANGE[0]}-{PORT_RANGE[1]}")


def connect(address, tls=None, timeout=3.0):
    """A socket; `tls` is an ssl.SSLContext or None."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=timeout)
    return tls.wrap_socket(connection, server_hostname=host) if tls else connection


def ask(address, code, fields=None, timeout=3.0, tls=None):
    """One request with a JSON header; returns (code, body). Enough to ask whether a server is ready."""
    header = {"code": code, "language": "PYTHON", "version": 0, "opaque": 1, "flag": 0,
              "extFields": fields or {}, "serializeTypeCurrentRPC": "JSON"}
    encoded = json.dumps(header).encode()
    with connect(address, tls, timeout) as connection:
        connection.sendall(struct.pack(">II", 4 + len(encoded), len(encoded)) + encoded)
        stream = connection.makefile("rb")
        prefix = stream.read(8)
        if len(prefix) < 8:
            raise OSError("connection closed")
        length, header_length = struct.unpack(">II", prefix)
        header_length &= 0xFFFFFF
        payload = stream.read(length - 4)
    return json.loads(payload[:header_length])["code"], payload[header_length:]


def is_registered(namesrv, broker_name, tls=None):
    """True when the name server hands out a route to the broker's template topic."""
    try:
        code, body = ask(namesrv, 105, {"topic": "TBW102"}, tls=tls)
    except (OSError, ValueError):
        return False
    return code == 0 and f'"{broker_name}"'.encode() in body


# --- one cluster ----------------------------------------------------------------------------------

def refuse_full_disk(directory):
    """DefaultMessageStore.CleanCommitLogService: no setting lets a broker 5.x write beyond this share."""
    disk = shutil.disk_usage(directory)
    used = 1 - disk.free / (disk.used + disk.free)
    if used > DISK_SHARE_MAX:
        raise BrokerError(f"the disk of {directory} is {used:.0%} full, and brokers refuse messages beyond "
                          f"{DISK_SHARE_MAX:.0%}; free some space")


class Cluster:
    """One name server and one broker in one directory.

    start() may be called again on the same directory: same version, same ports, same store.
    The servers outlive this object unless `bound` is set, which ends them with this process.

    accounts: access control on, with these (see broker_security); the first is the administrator.
    tls: "enforcing", or "mutual" to ask clients for a certificate too. The authority is `authority`;
    tls/server.pem and tls/client.pem are of it. Both are kept for later starts.
    """

    def __init__(self, directory, version=None, options=None, heap="512m", bound=False, accounts=None,
                 tls=None):
        self.dir = Path(directory).resolve()
        self.state = self._load()
        self.version = version or self.state.get("version") or DEFAULT_VERSION
        self.options = dict(options or {})
        self.heap = heap
        self.bound = bound
        if accounts:
            self.state["accounts"] = accounts
        if tls:
            self.state["tls"] = tls

    @property
    def namesrv(self):
        return f"127.0.0.1:{self.state['namesrv_port']}"

    @property
    def broker_name(self):
        return "broker-a"

    @property
    def accounts(self):
        return self.state.get("accounts") or []

    @property
    def credentials_file(self):
        """The administrator's, when access control is on."""
        return self.dir / "credentials"

    @property
    def authority(self):
        return broker_security.Authority(self.dir / "tls")

    def client_tls(self):
        """What a client needs to connect; None without TLS."""
        if not self.state.get("tls"):
            return None
        context = ssl.create_default_context(cafile=str(self.dir / "tls/ca.pem"))
        context.load_cert_chain(self.dir / "tls/client.pem", self.dir / "tls/client.key")
        return context

    def is_running(self, role):
        return is_alive(self.state.get(role))

    def pid(self, role):
        return self.state[role]["pid"] if self.is_running(role) else None

    def start(self):
        lib = ensure_jars(self.version)
        if not shutil.which("java"):
            raise BrokerError("Java is not installed; run ./dev setup first")
        for name in ("conf", "home-namesrv", "home-broker"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        if self.state.get("version", self.version) != self.version:
            if self.is_running("namesrv") or self.is_running("broker"):
                raise BrokerError(f"{self.dir} runs RocketMQ {self.state['version']}; stop it first")
        chosen = "namesrv_port" not in self.state
        for attempt in range(4):
            if chosen and not (self.is_running("namesrv") or self.is_running("broker")):
                self.state["namesrv_port"], self.state["broker_port"] = choose_ports()
            self.state["version"] = self.version
            before = {role for role in ("namesrv", "broker") if self.is_running(role)}
            try:
                self._start_once(lib)
                return self
            except BaseException as error:
                for role in {"broker", "namesrv"} - before:
                    self.stop(kill=True, role=role)
                taken = "in use" in str(error) or "BindException" in str(error)
                if not (chosen and taken and attempt < 3):
                    raise
        return self

    def stop(self, kill=False, role=None):
        """Ends the broker, then the name server; `role` names only one of them."""
        for each in ("broker", "namesrv"):
            if role in (None, each) and self.state.get(each):
                end_process(self.state[each], kill)
                self.state[each] = None
        self._save()

    def replace_broker(self):
        """Kills the broker and starts another on its store at another address. Answers that port."""
        self.stop(kill=True, role="broker")
        self.state["broker_port"] = choose_ports()[1]
        self.start()
        return self.state["broker_port"]

    def status(self):
        parts = []
        for role in ("namesrv", "broker"):
            where = f"127.0.0.1:{self.state[role + '_port']}" if role + "_port" in self.state else "-"
            parts.append(f"{role} {where} "
                         + (f"running, pid {self.pid(role)}" if self.is_running(role) else "stopped"))
        return f"RocketMQ {self.version}: " + "; ".join(parts) + f"; directory {self.dir}"

    # -- inner part

    def _start_once(self, lib):
        refuse_full_disk(self.dir)
        self._write_configuration()
        conf = self.dir / "conf"
        if not self.is_running("namesrv"):
            self._launch("namesrv", lib, ["-Xms32m", "-Xmx128m", "-XX:MaxDirectMemorySize=64m"],
                         NAMESRV_MAIN, ["-c", str(conf / "namesrv.conf")],
                         "Name Server boot success")
        if not self.is_running("broker"):
            self._launch("broker", lib,
                         [f"-Xms{self.heap}", f"-Xmx{self.heap}", "-XX:MaxDirectMemorySize=512m"],
                         BROKER_MAIN, ["-c", str(conf / "broker.conf")], "boot success")
        deadline = time.monotonic() + READY_SECONDS
        while not is_registered(self.namesrv, self.broker_name, self.client_tls()):
            if time.monotonic() > deadline or not self.is_running("broker"):
                raise BrokerError(f"the broker did not register:\n{self._log_tail('broker')}")
            time.sleep(0.05)
        self._save()

    def _launch(self, role, lib, memory, main, arguments, ready):
        port = self.state[role + "_port"]
        log_path = self.dir / f"{role}.out"
        command = ["java", *JVM_FLAGS, *memory, *self._tls_flags(), f"-Drocketmq.home.dir={self.dir}",
                   f"-Duser.home={self.dir / ('home-' + role)}", "-cp", f"{lib}/*", main, *arguments]
        environment = {k: v for k, v in os.environ.items() if k not in ("NAMESRV_ADDR", "ROCKETMQ_HOME")}
        for attempt in range(40):  # a killed server's port is free a moment later
            if is_free(port):
                break
            time.sleep(0.1)
        else:
            raise BrokerError(f"port {port} for the {role} is in use by another program; "
                              f"stop that program or use another --dir")
        with open(log_path, "wb") as log:
            process = subprocess.Popen(command, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True, env=environment,
                                       preexec_fn=die_with_parent if self.bound else None)
        self.state[role] = {"pid": process.pid, "start_time": start_time(process.pid)}
        process.returncode = 0  # the process is known by pid from here on, not by this object
        self._save()
        deadline = time.monotonic() + READY_SECONDS
        while ready not in log_path.read_text(errors="replace"):
            reap(process.pid)
            if not self.is_running(role):
                raise BrokerError(f"the {role} exited at start:\n{self._log_tail(role)}")
            if time.monotonic() > deadline:
                raise BrokerError(f"the {role} was not ready after {READY_SECONDS} s:\n"
                                  f"{self._log_tail(role)}")
            time.sleep(0.05)

    def _tls_flags(self):
        mode = self.state.get("tls")
        if not mode:
            return []
        authority = self.authority
        for name in ("server", "client"):
            if not (authority.dir / f"{name}.pem").exists():
                authority.issue(name)
        return broker_security.jvm_flags(authority, authority.dir / "server.pem",
                                         authority.dir / "server.key", mode == "mutual")

    def _write_configuration(self):
        conf = self.dir / "conf"
        store = self.dir / f"store-{self.version}"
        for role in ("namesrv", "broker", "tools"):  # 4.9 refuses to start without these
            (conf / f"logback_{role}.xml").write_text(
                '<configuration><appender name="file" class="ch.qos.logback.core.FileAppender">'
                f"<file>{self.dir}/{role}.log</file>"
                "<encoder><pattern>%d %p %t - %m%n</pattern></encoder></appender>"
                '<root level="WARN"><appender-ref ref="file"/></root></configuration>\n')
        (conf / "namesrv.conf").write_text(f"listenPort={self.state['namesrv_port']}\n"
                                           "bindAddress=127.0.0.1\n")
        settings = {
            "brokerClusterName": "DefaultCluster", "brokerName": self.broker_name, "brokerId": 0,
            "brokerRole": "ASYNC_MASTER", "flushDiskType": "ASYNC_FLUSH",
            "brokerIP1": "127.0.0.1", "brokerIP2": "127.0.0.1", "bindAddress": "127.0.0.1",
            "listenPort": self.state["broker_port"], "haListenPort": self.state["broker_port"] + 1,
            "namesrvAddr": self.namesrv,
            "storePathRootDir": store, "storePathCommitLog": store / "commitlog",
            # Files are made at full size: small ones keep the store of a test small.
            "mappedFileSizeCommitLog": 64 << 20, "mappedFileSizeConsumeQueue": 600000,
            "mappedFileSizeTimerLog": 10 << 20, "maxHashSlotNum": 50000, "maxIndexNum": 200000,
            # Beyond 85 % of the disk a broker deletes messages that have not expired, from its 60th second on.
            "diskMaxUsedSpaceRatio": 99, "cleanFileForciblyEnable": "false",
            "autoCreateTopicEnable": "true",
            "autoCreateSubscriptionGroup": "true", "enablePropertyFilter": "true",
            "transactionCheckInterval": 10000, "transactionTimeOut": 6000,
        }
        if self.accounts:
            (conf / "plain_acl.yml").write_text(broker_security.acl_yaml(self.accounts))
            self.credentials_file.touch(mode=0o600)
            self.credentials_file.write_text(broker_security.credentials_text(self.accounts[0]))
            settings.update(broker_security.acl_settings(self.version, self.accounts, store))
        self.state["options"] = {**self.state.get("options", {}), **self.options}
        settings.update(self.state["options"])
        (conf / "broker.conf").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))

    def _log_tail(self, role):
        try:
            return "\n".join((self.dir / f"{role}.out").read_text(errors="replace").splitlines()[-20:])
        except OSError:
            return "(no output)"

    def _load(self):
        try:
            return json.loads((self.dir / "state.json").read_text())
        except (OSError, ValueError):
            return {}

    def _save(self):
        def replace(name, text):
            fresh = self.dir / (name + ".partial")
            fresh.write_text(text)
            fresh.replace(self.dir / name)
        replace("state.json", json.dumps(self.state, indent=1) + "\n")
        replace("env", f"NAMESRV=127.0.0.1:{self.state.get('namesrv_port', 0)}\n"
                       f"BROKER=127.0.0.1:{self.state.get('broker_port', 0)}\n"
                       f"VERSION={self.version}\n"
                       f"NAMESRV_PID={self.pid('namesrv') or ''}\n"
                       f"BROKER_PID={self.pid('broker') or ''}\n")


# --- command line ---------------------------------------------------------------------------------

def parse_arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev broker", description="a real RocketMQ on loopback")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("start", "start name server and broker, return when both are ready"),
                       ("stop", "stop them (SIGTERM, up to 20 s; --kill: at once)"),
                       ("status", "tell what runs where"),
                       ("jars", "only load the jars, so that a later start works offline")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("--version", metavar="V", help=f"RocketMQ version (default {DEFAULT_VERSION})")
        if verb != "jars":
            sub.add_argument("--dir", type=Path, default=ROOT / "build" / "broker",
                             help="directory of this instance (default build/broker)")
        if verb == "start":
            sub.add_argument("-o", dest="options", metavar="KEY=VALUE", action="append", default=[],
                             help="a line for broker.conf; repeatable, kept for later starts")
            sub.add_argument("--heap", default="512m", help="broker heap (default 512m)")
            sub.add_argument("--acl", action="store_true",
                             help="access control on; the administrator is in DIR/credentials")
            sub.add_argument("--tls", choices=("enforcing", "mutual"),
                             help="TLS only; the authority is in DIR/tls/ca.pem")
        if verb == "stop":
            sub.add_argument("--kill", action="store_true", help="SIGKILL instead of SIGTERM")
            sub.add_argument("--role", choices=("broker", "namesrv"), help="only this one")
    return parser.parse_args(argv)


def parse_options(lines):
    options = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or not key:
            raise BrokerError(f"-o takes KEY=VALUE, not '{line}'")
        options[key] = value
    return options


def run(arguments):
    if arguments.verb == "jars":
        print(ensure_jars(arguments.version or DEFAULT_VERSION))
        return 0
    if arguments.verb == "start":
        started = time.monotonic()
        cluster = Cluster(arguments.dir, arguments.version, parse_options(arguments.options),
                          arguments.heap, tls=arguments.tls,
                          accounts=[broker_security.ADMIN] if arguments.acl else None)
        cluster.start()
        print(f"{cluster.status()} (ready after {time.monotonic() - started:.1f} s)")
        print(f"name server address: {cluster.namesrv}")
        return 0
    cluster = Cluster(arguments.dir)
    if arguments.verb == "stop":
        cluster.stop(arguments.kill, arguments.role) if cluster.state else None
    print(cluster.status())
    return 0 if arguments.verb == "stop" or cluster.is_running("broker") else 1


def main(argv):
    try:
        return run(parse_arguments(argv))
    except BrokerError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
