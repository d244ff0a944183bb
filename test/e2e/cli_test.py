#!/usr/bin/env python3
"""The command line as scripts and people use it. Needs no broker."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest
import urllib.request

from harness import PATIENCE, PROGRAM, wait_for

NUMBERS = "CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'fields.k.kind' = 'sequence', " \
          "'fields.k.start' = '1', 'fields.k.end' = '{}', 'rows-per-second' = '{}');"
COUNT = "CREATE TABLE gone (k INT, n BIGINT) WITH ('connector' = 'blackhole'); " \
        "INSERT INTO gone SELECT k, COUNT(*) FROM numbers GROUP BY k;"


def run(*arguments, **options):
    environment = {key: value for key, value in os.environ.items() if key != "SLIPSTREAM_NAMESERVER"}
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60 * PATIENCE,
                          env=environment, **options)


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="slipstream-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_rows_go_to_stdout_and_nothing_else_does(self):
        done = run("run", "--output", "csv", "-e", "SELECT 1 + 1 AS two, 'a,b' AS text")
        self.assertEqual((done.returncode, done.stdout), (0, 'two,text\n2,"a,b"\n'), done.stderr)

    def test_settings_of_flink_without_a_meaning_here_are_noted_beside_the_results(self):
        script = "SET 'execution.runtime-mode' = 'streaming'; SET 'taskmanager.numberOfTaskSlots' = '4'; " \
                 "SELECT 1 AS a"
        self.assertEqual(run("check", "-e", script).returncode, 0)
        done = run("run", "--output", "csv", "-e", script)
        self.assertEqual((done.returncode, done.stdout), (0, "a\n1\n"), done.stderr)
        self.assertIn("'execution.runtime-mode' has no effect here: queries run as streams", done.stderr)
        self.assertIn("'taskmanager.numberOfTaskSlots' has no effect here", done.stderr)
        outside = run("run", "--set", "taskmanager.numberOfTaskSlots=4", "--output", "csv", "-e", "SELECT 1 AS a")
        self.assertEqual((outside.returncode, outside.stdout), (0, "a\n1\n"), outside.stderr)
        self.assertIn("'taskmanager.numberOfTaskSlots' has no effect here", outside.stderr)
        self.assertIn("| `taskmanager.*` | ", run("settings", "taskmanager.numberOfTaskSlots").stdout)
        wrong = run("check", "-e", "SET 'execution.runtime-mod' = 'streaming'")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("did you mean 'execution.runtime-mode'?", wrong.stderr)

    def test_json_has_op_when_the_result_is_updating(self):
        one = ("run", "--output", "json", "--parallelism", "1", "-e")
        plain = run(*one, NUMBERS.format(3, 0) + "SELECT k FROM numbers")
        self.assertEqual([json.loads(line) for line in plain.stdout.splitlines()], [{"k": k} for k in (1, 2, 3)])
        updating = run(*one, NUMBERS.format(3, 0) + "SELECT COUNT(*) AS n FROM numbers")
        rows = [json.loads(line) for line in updating.stdout.splitlines()]
        self.assertEqual(rows[0]["op"], "+I")
        self.assertEqual({key: rows[-1][key] for key in ("n", "op")} | {"op": ""}, {"n": 3, "op": ""})

    def test_exit_codes(self):
        self.assertEqual(run("run", "-e", "SELECT 1").returncode, 0)
        failed = run("run", "--parallelism", "1", "-e", NUMBERS.format(3, 0) + "SELECT 1 / (k - 2) FROM numbers")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("division by zero", failed.stderr)
        wrong = run("run", "-e", "SELECT a FROM nowhere")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("-e:1:15", wrong.stderr)
        self.assertIn("^", wrong.stderr)
        self.assertEqual(run("run", f"{self.folder}/no.sql").returncode, 2)
        nowhere = run("run", "--checkpoint-dir", self.folder, "--from", f"{self.folder}/chk-7", "-e",
                      NUMBERS.format(3, 0) + COUNT)  # finding 43
        self.assertEqual((nowhere.returncode, "no checkpoint at" in nowhere.stderr), (2, True), nowhere.stderr)
        near = run("explian", "x.sql")
        self.assertEqual((near.returncode, "did you mean 'explain'" in near.stderr), (2, True), near.stderr)
        setting = run("run", "--set", "paralelism.default=2", "-e", "SELECT 1")
        self.assertEqual((setting.returncode, "parallelism.default" in setting.stderr), (2, True), setting.stderr)
        self.assertIn("--set: ", setting.stderr)

    def test_a_table_of_a_test_may_have_an_equals_sign_in_its_name(self):
        with open(f"{self.folder}/job.sql", "w", encoding="utf-8") as script:
            script.write("CREATE TABLE `a=b` (n INT) WITH ('connector' = 'print'); INSERT INTO `a=b` VALUES (1);")
        with open(f"{self.folder}/rows.jsonl", "w", encoding="utf-8") as rows:
            rows.write('{"n":1}\n')
        done = run("test", f"{self.folder}/job.sql", "--expect", f"`a=b`={self.folder}/rows.jsonl")
        self.assertEqual((done.returncode, done.stdout), (0, f"ok   {self.folder}/job.sql: a=b 1 row\n"), done.stderr)

    def test_a_reader_that_leaves_ends_the_query(self):
        script = f"{PROGRAM} run -e \"{NUMBERS.format(10**9, 0)} SELECT k FROM numbers\" | head -n 3; " \
                 "echo ${PIPESTATUS[0]}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60 * PATIENCE)
        self.assertEqual(done.stdout.splitlines()[-1], "0", done.stderr)

    def test_output_that_cannot_be_written_ends_a_job_at_once(self):
        """Finding 31: it was restarted ten times, and would have printed its rows again."""
        rows = NUMBERS.format(10**9, 1000)
        printed = rows + "CREATE TABLE p (k INT) WITH ('connector' = 'print'); INSERT INTO p SELECT k FROM numbers"
        for sql in (rows + "SELECT k FROM numbers", printed):
            for where, reason in ((">/dev/full", "No space left"), (">&-", "Bad file descriptor")):
                done = subprocess.run(["bash", "-c", f'exec "$0" "$@" {where}', PROGRAM, "run", "-e", sql,
                                       "--checkpoint-dir", self.folder, "--fresh"],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60 * PATIENCE)
                self.assertEqual(done.returncode, 1, f"{where}: {done.stderr}")
                self.assertIn(reason, done.stderr)
                self.assertNotIn("restarting", done.stderr)
        full = subprocess.run(["bash", "-c", f"{PROGRAM} connectors > /dev/full"], capture_output=True,
                              text=True, timeout=60 * PATIENCE)
        self.assertEqual((full.returncode, "standard output" in full.stderr), (1, True), full.stderr)
        gone = subprocess.run(["bash", "-c", f'{PROGRAM} run -e "{printed}" | head -n 3; echo ${{PIPESTATUS[0]}}'],
                              capture_output=True, text=True, timeout=60 * PATIENCE)
        self.assertEqual(gone.stdout.splitlines()[-1], "0", gone.stderr)
        self.assertIn("the reader of the output is gone", gone.stderr)

    def test_checkpoints_that_are_off_or_in_memory_are_said(self):
        """Finding 40."""
        off = run("run", "--set", "execution.checkpointing.interval=0", "-e", NUMBERS.format(3, 0) + COUNT)
        self.assertEqual((off.returncode, "checkpoints are off" in off.stderr), (0, True), off.stderr)
        memory = run("run", "-e", NUMBERS.format(3, 0) + COUNT)
        self.assertIn("no checkpoint directory (--checkpoint-dir)", memory.stderr)
        kept = run("run", "--checkpoint-dir", self.folder, "-e", NUMBERS.format(3, 0) + COUNT)
        self.assertNotIn("no checkpoint directory", kept.stderr)

    def test_check_reports_every_error_and_starts_nothing(self):
        done = run("check", "-e", "SELECT x FROM a;\nSELECT 1 +;\nCREATE TABLE t (i INT) WITH ('connector'='datagn');")
        self.assertEqual(done.returncode, 2)
        for place in ("-e:1:", "-e:2:", "-e:3:"):
            self.assertIn(place, done.stderr)
        self.assertIn("did you mean 'datagen'", done.stderr)
        self.assertIn("3 errors; nothing was started", done.stderr)

    def start_count(self, *arguments):
        job = subprocess.Popen([str(PROGRAM), "run", "--set", "execution.checkpointing.interval=100 ms",
                                "--checkpoint-dir", self.folder, *arguments, "-e",
                                NUMBERS.format(10**9, 1000) + COUNT],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(job.wait)
        self.addCleanup(job.kill)
        return job

    def checkpoints(self):
        """Those that are complete: the manifest comes last."""
        manifests = pathlib.Path(self.folder).glob("chk-*/manifest")
        return sorted(int(manifest.parent.name[4:]) for manifest in manifests)

    def test_sigterm_takes_a_savepoint_and_the_next_run_goes_on_from_it(self):
        first = self.start_count()
        wait_for(self.checkpoints, what="a checkpoint")
        for _ in range(2):  # timeout(1) sends two: to the process and to its group
            first.send_signal(signal.SIGTERM)
            os.sched_yield()
        error = first.communicate(timeout=60 * PATIENCE)[1]
        self.assertEqual(first.returncode, 0, error)
        savepoint = self.checkpoints()[-1]
        second = self.start_count()
        wait_for(lambda: self.checkpoints()[-1] > savepoint, what="a checkpoint behind the savepoint")
        second.send_signal(signal.SIGINT)
        error = second.communicate(timeout=60 * PATIENCE)[1]
        self.assertEqual(second.returncode, 0, error)
        self.assertIn(f"going on from savepoint {savepoint}", error)
        fresh = self.start_count("--fresh")
        wait_for(lambda: fresh.poll() is not None or self.checkpoints()[-1] > savepoint + 2)
        fresh.send_signal(signal.SIGTERM)
        self.assertNotIn("going on from", fresh.communicate(timeout=60 * PATIENCE)[1])

    def test_one_job_owns_a_checkpoint_directory(self):
        first = self.start_count()
        wait_for(self.checkpoints, what="a checkpoint")
        second = self.start_count()
        error = second.communicate(timeout=60 * PATIENCE)[1]
        first.send_signal(signal.SIGTERM)
        self.assertEqual(first.wait(60 * PATIENCE), 0)
        first.stderr.close()
        self.assertEqual(second.returncode, 2, error)  # finding 43: nothing was started
        self.assertIn(self.folder, error)

    def test_exactly_once_without_a_directory_is_refused_with_the_fix(self):
        done = run("run", "-e", NUMBERS.format(3, 0) + "CREATE TABLE t (k INT) WITH ('connector' = 'filesystem', "
                   f"'path' = '{self.folder}/out', 'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once');"
                   "INSERT INTO t SELECT k FROM numbers")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--checkpoint-dir", done.stderr)

    def test_logs_are_json_when_asked_for(self):
        job = self.start_count("--log-format", "json", "--metrics-port", "0")
        job.stderr.readline()
        wait_for(self.checkpoints, what="a checkpoint")
        job.kill()
        job.communicate(timeout=60 * PATIENCE)
        again = self.start_count("--log-format", "json")
        line = json.loads(again.stderr.readline())
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=60 * PATIENCE)
        self.assertEqual((sorted(line), line["level"]), (["component", "level", "message", "time"], "info"))
        self.assertIn("going on from checkpoint", line["message"])
        wrong = run("run", "--log-format", "json", "-e", "SELECT a FROM nowhere")
        lines = [json.loads(text) for text in wrong.stderr.splitlines()]
        self.assertEqual({each["level"] for each in lines}, {"error"})
        self.assertIn("-e:1:15", lines[0]["message"])

    def test_metrics_are_served(self):
        job = self.start_count("--metrics-port", "0")
        url = re.search(r"http://\S+", job.stderr.readline())[0]
        text = wait_for(lambda: re.search(r"^\w+\{[^}]*\} [1-9]\d*$",
                                          urllib.request.urlopen(url, timeout=10 * PATIENCE).read().decode(), re.M))
        self.assertIn('job="', text[0])
        job.send_signal(signal.SIGTERM)
        job.communicate(timeout=60 * PATIENCE)
        self.assertEqual(job.returncode, 0)


class UsageTest(unittest.TestCase):
    def refused(self, reason, *arguments):
        done = run(*arguments)
        self.assertEqual((done.returncode, reason in done.stderr), (2, True), f"{arguments}: {done.stderr}")
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_the_program_says_what_it_is(self):
        for words in (("version",), ("--version",), ("-V",)):
            done = run(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^slipstream \d+\.\d+\.\d+\n$")
        for words in (("help",), ("--help",)):
            done = run(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Usage: slipstream COMMAND", done.stdout)
        self.refused("Usage: slipstream COMMAND")
        self.assertEqual(run("help", "topic", "create").stdout, run("topic", "create", "--help").stdout)
        self.assertIn("slipstream topic create TOPIC [OPTIONS]", run("help", "topic", "create").stdout)
        self.refused("did you mean 'topic'", "help", "topc")

    def test_help_has_no_internals(self):
        commands = [["run"], ["sql"], ["explain"], ["check"], ["serve"], ["produce"], ["consume"], ["completion"],
                    *(["topic", verb] for verb in ("list", "create", "describe", "delete", "widen", "shrink")),
                    *(["group", verb] for verb in ("list", "describe", "reset", "skip-backlog", "connections")),
                    *(["group", "dead-letters", verb] for verb in ("list", "redrive")),
                    *(["message", verb] for verb in ("get", "find", "trace")),
                    *(["acl", verb] for verb in ("list", "grant", "revoke")),
                    *(["acl", "user", verb] for verb in ("list", "create", "delete")),
                    *(["broker", "config", verb] for verb in ("get", "set")), ["broker", "connections"],
                    ["cluster", "describe"], ["infer"], ["record"], ["replay"],
                    *(["checkpoints", verb] for verb in ("list", "inspect"))]
        for words in commands:
            text = run(*words, "--help").stdout
            self.assertIn(f"Usage: slipstream {' '.join(words)}", text)
            self.assertNotRegex(text, r"ENUM|INT|UINT|TEXT:|->|OR \{|BOOLEAN|Excludes|Env:", " ".join(words))
        text = run("run", "--help").stdout
        self.assertIn("--output table|json|csv", text)
        self.assertIn("\n  FILE ", text)
        self.assertNotIn("help COMMAND", text)  # there is none below it

    def test_every_command_helps_itself(self):
        """The program builds the options of the command that is called, and for help those of all."""
        commands = re.findall(r"^  ([a-z]+)  ", run("help").stdout, re.MULTILINE)
        self.assertGreater(len(commands), 20)
        for command in commands:
            self.assertEqual(run("help", command).stdout, run(command, "--help").stdout, command)

    def test_wrong_words_get_the_nearest(self):
        self.refused("did you mean 'create'", "topic", "creat", "t")
        self.refused("did you mean 'redrive'", "group", "dead-letters", "redriv", "g")
        self.refused("a verb is missing: get, set", "broker", "config")
        self.refused("a verb is missing: list, create", "topic")
        self.refused("did you mean '--checkpoint-dir'", "run", "-e", "SELECT 1", "--checkpoint-dr", "x")
        self.refused("did you mean '--queues'", "topic", "create", "t", "--queus=3")
        self.refused("did you mean '--nameserver'", "consume", "t", "--nameservr", "a:1")
        self.refused("did you mean 'json'", "run", "-e", "SELECT 1", "--output", "jsn")
        self.refused("'more' was not expected", "run", "a.sql", "more")
        self.refused("a script is missing", "run")
        self.refused("a script is missing", "explain")
        self.refused("See: slipstream topic create --help", "topic", "create")
        self.refused("--nameserver HOST:PORT", "topic", "list")

    def test_numbers_have_bounds(self):
        """Finding 42, and its brothers; finding 43: 2, before anything is asked of a server."""
        there = ("--nameserver", "127.0.0.1:1")
        for reason, *words in (
                ("there is no %z", "consume", "t", "--format", "%z", *there),
                ("'-1' is no whole number", "consume", "t", "--count", "-1", *there),
                ("'1e3' is no whole number", "consume", "t", "--count", "1e3", *there),
                ("QUEUE:OFFSET", "consume", "t", "--from", "yesterday", *there),
                ("'-3' is no number from", "produce", "t", "--rate", "-3", *there),
                ("'nan' is no number", "produce", "t", "--rate", "nan", *there),
                ("a level is a number from 1 to 18", "produce", "t", "--delay", "19", *there),
                ("--delay", "produce", "t", "--delay", "soon", *there),
                ("NAME=VALUE is expected", "produce", "t", "--property", "x", *there),
                ("cannot read", "produce", "t", "--file", "/nowhere/at/all", *there),
                ("exclude each other", "produce", "t", "--json", "--key-separator", ":", *there),
                ("'0' is no whole number", "topic", "create", "t", "--queues", "0", *there),
                ("'70000' is no whole number", "run", "-e", "SELECT 1", "--metrics-port", "70000"),
                ("'0' is no whole number", "run", "-e", "SELECT 1", "--parallelism", "0"),
                ("'-1' is no whole number", "serve", "--port", "-1"),
                ("at least 16 mb", "serve", "--memory", "1kb"),
                ("'0' is no whole number", "checkpoints", "inspect", "/tmp", "--id", "0"),
                ("is less than 100 ms", "run", "-e", "SELECT 1", "--progress-interval", "1 ms"),
                ("QUEUE:OFFSET", "group", "reset", "g", "--topic", "t", "--to", "tomorrow", *there),
                ("there is no", "checkpoints", "list", "/nowhere/at/all"),
                ("nowhere", "topic", "list", "--nameserver", "nowhere"),
        ):
            self.refused(reason, *words)


class NameServer:
    """Listens and keeps what comes first."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def first_bytes(self):
        """Of the next connection; nothing when none has come."""
        self.socket.settimeout(0.05)
        try:
            connection, _ = self.socket.accept()
        except TimeoutError:
            return b""
        with connection:
            connection.settimeout(30 * PATIENCE)
            return connection.recv(16)

    def close(self):
        self.socket.close()


def help_of(*words):
    return run("help", *words).stdout


def verbs(*words):
    """Every command without commands of its own, as a tuple of words."""
    _, _, below = help_of(*words).partition("\nSubcommands:\n")
    names = re.findall(r"(?m)^  (\S+)  ", below)
    return [verb for name in names for verb in verbs(*words, name)] if names else [words]


class EnvironmentTest(unittest.TestCase):
    """Finding 29: an option always beats the environment, whatever the verb."""
    # What verbs need besides a word for each that their usage names; one that begins with a word stands for the last
    # of these. FILE is there, and is a recording and a password.
    NEEDED = {"topic widen": "--queues 9", "topic shrink": "--queues 1", "group reset": "--topic t --to latest",
              "group dead-letters redrive": "--id x", "broker config set": "x=y",
              "acl user create": "--password-file FILE", "acl grant": "topic:t --actions pub",
              "acl revoke": "topic:t", "message get": "--topic t", "message find": "--topic t --key k",
              "record": "--out FILE --overwrite", "replay": "--to t", "audit": "--in t --out u"}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="slipstream-cli-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.verbs = [cls.complete(verb) for verb in verbs() if "--nameserver" in help_of(*verb)]

    @classmethod
    def complete(cls, verb):
        usage = re.search(r"(?m)^Usage: slipstream (.*)$", help_of(*verb))[1]
        given = [word if word == "FILE" else "t" for word in usage.split()[len(verb):] if not word.startswith("[")]
        needed = cls.NEEDED.get(" ".join(verb), "").split()
        if needed and not needed[0].startswith("--"):
            given.pop()
        return tuple(word.replace("FILE", f"{cls.folder}/file") for word in (*verb, *given, *needed))

    def setUp(self):
        pathlib.Path(self.folder, "file").write_text('{"body":"x","time":0}\n')

    def first_bytes(self, *words, **environment):
        """What the program sends first to RIGHT, in the words or the environment; it must leave WRONG alone."""
        right, wrong = NameServer(), NameServer()
        self.addCleanup(right.close)
        self.addCleanup(wrong.close)

        def placed(text):
            return text.replace("RIGHT", right.address).replace("WRONG", wrong.address)

        process = subprocess.Popen([str(PROGRAM), *map(placed, words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, **{name: placed(text) for name, text in environment.items()}})
        try:
            sent = wait_for(right.first_bytes, 30, f"a connection of {words}")
        finally:
            process.kill()
            process.wait()
        self.assertEqual(wrong.first_bytes(), b"", f"{words} asked the name server of the environment")
        return sent

    def test_the_name_server(self):
        self.assertGreater(len(self.verbs), 25)
        for verb in self.verbs:
            self.first_bytes(*verb, "--nameserver", "RIGHT", SLIPSTREAM_NAMESERVER="WRONG")
        self.first_bytes("topic", "list", SLIPSTREAM_NAMESERVER="RIGHT")

    def test_a_table_that_names_its_server(self):
        script = "CREATE TABLE t (k INT) WITH ('connector' = 'rocketmq', 'topic' = 't', 'consumerGroup' = 'g', " \
                 "'nameServerAddress' = 'RIGHT', 'tls.enabled' = '{}', 'format' = 'json'); SELECT k FROM t"
        for tls in (False, True):
            sent = self.first_bytes("run", "-e", script.format(str(tls).lower()), SLIPSTREAM_NAMESERVER="WRONG",
                                    SLIPSTREAM_TLS=str(not tls).lower())
            self.assertEqual(sent.startswith(b"\x16\x03"), tls)

    def test_tls(self):
        hello = b"\x16\x03"  # how TLS begins
        there = ("--nameserver", "RIGHT")
        for verb in self.verbs:
            plain = self.first_bytes(*verb, *there, "--no-tls", SLIPSTREAM_TLS="true")
            self.assertFalse(plain.startswith(hello), verb)
            self.assertTrue(self.first_bytes(*verb, *there, "--tls", SLIPSTREAM_TLS="false").startswith(hello))
        self.assertTrue(self.first_bytes("topic", "list", *there, SLIPSTREAM_TLS="true").startswith(hello))
        self.first_bytes("topic", "list", *there, "--tls-verify", "none", SLIPSTREAM_TLS_VERIFY="nonsense")
        for variable in ("SLIPSTREAM_TLS", "SLIPSTREAM_TLS_VERIFY"):
            wrong = subprocess.run([str(PROGRAM), "topic", "list", "--nameserver", "127.0.0.1:1"],
                                   env={**os.environ, variable: "perhaps"}, capture_output=True, text=True,
                                   timeout=60 * PATIENCE)
            self.assertEqual((wrong.returncode, "perhaps" in wrong.stderr), (2, True), wrong.stderr)


class ProgressTest(unittest.TestCase):
    JOB = NUMBERS.format(1500, 1000) + COUNT

    def test_lines_when_they_are_asked_for_and_a_summary(self):
        done = run("run", "--progress-interval", "100 ms", "--progress", "-e", self.JOB)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertRegex(done.stderr, r"(?m)^job 'job' running, read [\d,]+ \([\d,]+/s\), wrote [\d,]+ \([\d,]+/s\)")
        self.assertRegex(done.stderr, r"(?m)^job 'job': numbers \(datagen\) -> gone \(blackhole\)$")
        self.assertRegex(done.stderr, r"(?m)^job 'job': read 1,500 rows, wrote [\d,]+, late 0, skipped 0, in \d\.\d s$")
        silent = run("run", "--progress-interval", "100 ms", "--progress", "--quiet", "-e", self.JOB)
        self.assertNotIn("read", silent.stderr)
        without = run("run", "-e", self.JOB)
        self.assertNotIn("running", without.stderr)
        self.assertIn("read 1,500 rows", without.stderr)

    def test_a_summary_counts_dead_letters_and_what_the_sink_beside_them_wrote(self):
        with tempfile.TemporaryDirectory(prefix="slipstream-cli-") as folder:
            pathlib.Path(folder, "lines.json").write_text('{"k":1}\n{"k":"x"}\n{"k":3}\n')
            table = f"'path' = '{folder}/lines.json', 'format' = 'json', 'decode.errors' = 'dead-letter', " \
                    f"'dead-letter.path' = '{folder}/dead'"
            done = run("run", "-e", f"CREATE TABLE lines (k INT) WITH ('connector' = 'filesystem', {table});"
                       "CREATE TABLE gone (k INT) WITH ('connector' = 'blackhole');"
                       "INSERT INTO gone SELECT k FROM lines")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("read 3 rows, wrote 3, ", done.stderr)

    def test_lines_are_json_when_logs_are(self):
        done = run("run", "--progress-interval", "100 ms", "--progress", "--log-format", "json", "-e", self.JOB)
        messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
        self.assertTrue([text for text in messages if "running, read" in text], messages)

    def on_terminal(self, columns, *arguments, **environment):
        """(standard output, what the terminal on standard error got)"""
        terminal, own = pty.openpty()
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([str(PROGRAM), "run", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=own,
                                   env={**os.environ, "TERM": "xterm", **environment})
        os.close(own)
        shown = b""
        reader = threading.Thread(target=lambda: rows.append(process.stdout.read()))
        rows = []
        reader.start()
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(terminal)
        reader.join()
        process.stdout.close()
        self.assertEqual(process.wait(60 * PATIENCE), 0, shown)
        return rows[0].decode(), shown.decode("latin-1")

    def test_one_live_line_on_a_terminal_and_rows_without_it(self):
        rows, shown = self.on_terminal(200, "--output", "csv", "--parallelism", "1", "-e",
                                       NUMBERS.format(1500, 1000) + "SELECT k FROM numbers")
        head, *numbers = rows.splitlines()
        self.assertEqual((head, sorted(map(int, numbers))), ("k", list(range(1, 1501))))
        self.assertRegex(shown, r"\rjob 'job' running  read [\d,]+ \([\d,]+/s\)  wrote [^\r]*\x1b\[K")
        self.assertIn("\r\x1b[K", shown)  # taken away in the end
        self.assertIn("read 1,500 rows", shown.split("\x1b[K")[-1])

    def test_a_narrow_terminal_that_knows_ascii_only(self):
        sql = "SET 'pipeline.name' = '\u8ba2\u5355'; " + self.JOB
        _, shown = self.on_terminal(20, "-e", sql, LC_ALL="C")
        drawn = re.findall(r"\r([^\r\x1b\n]+)\x1b\[K", shown)
        self.assertTrue(drawn, shown)
        self.assertLess(max(map(len, drawn)), 20)
        self.assertTrue(all(line.startswith("job '??'") for line in drawn), drawn)
        _, quiet = self.on_terminal(80, "--quiet", "-e", self.JOB)
        self.assertNotIn("\x1b", quiet)
        _, dumb = self.on_terminal(80, "-e", self.JOB, TERM="dumb")
        self.assertNotIn("\x1b", dumb)


class ExplainTest(unittest.TestCase):
    SQL = "CREATE TABLE o (user_id INT, name STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '3');" \
          "CREATE TABLE gone (name STRING, n BIGINT) WITH ('connector' = 'blackhole');" \
          "INSERT INTO gone SELECT name, COUNT(*) FROM o WHERE name <> 'a\"b' GROUP BY name;" \
          "SELECT user_id FROM o;"

    def explain(self, form):
        done = run("explain", "--format", form, "--parallelism", "2", "-e", self.SQL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_tree_is_as_ever(self):
        self.assertEqual(self.explain("text"), run("explain", "--parallelism", "2", "-e", self.SQL).stdout)
        self.assertTrue(self.explain("text").startswith("== Plan ==\nSink(gone"))

    def test_a_graph_for_graphviz(self):
        text = self.explain("dot")
        self.assertTrue(text.startswith("digraph plan {") and text.endswith("}\n"), text)
        self.assertIn("2 tasks", text)
        self.assertIn('[label="hash by name"]', text)
        self.assertIn('a\\"b', text)
        self.assertEqual(text.count('"') - text.count('\\"'), 2 * len(re.findall(r'label="', text)))

    def test_a_graph_for_mermaid(self):
        text = self.explain("mermaid")
        self.assertTrue(text.startswith("flowchart LR\n"), text)
        self.assertIn('-->|"hash by name"|', text)
        for line in text.splitlines():
            self.assertIn(line.count('"'), (0, 2), line)

    def test_data(self):
        jobs = json.loads(self.explain("json"))["jobs"]
        self.assertEqual([job["name"].split()[0] for job in jobs], ["query", "job"])
        nodes = jobs[1]["nodes"]
        self.assertEqual([nodes[0]["kind"], nodes[-1]["kind"]], ["source", "sink"])
        aggregate = next(node for node in nodes if node["state"])
        self.assertIn("distinct (name)", aggregate["state"])
        self.assertEqual((aggregate["parallelism"], aggregate["inputs"][0]["partitioning"]), (2, "hash"))
        self.assertTrue(all(node["uid"] and node["columns"] for node in nodes[:-1]), nodes)


class ShellTest(unittest.TestCase):
    def test_a_shell_completes_commands_and_options(self):
        script = run("completion", "bash").stdout

        def offered(*words):
            line = f"{script}COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; " \
                   "_slipstream; echo ${COMPREPLY[@]}"
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60 * PATIENCE)
            return done.stdout.split()

        self.assertEqual(offered("slipstream", "gro"), ["group"])
        self.assertEqual(offered("slipstream", "group", "re"), ["reset"])
        self.assertEqual(offered("slipstream", "group", "reset", "g", "--dry"), ["--dry-run"])
        self.assertIn("bashcompinit", run("completion", "zsh").stdout)
        self.assertEqual(run("completion", "fish").returncode, 2)

    def test_exit_and_quit_leave(self):
        for word in ("exit", "quit;", "\\q", " EXIT ; "):
            done = run("sql", "--output", "csv", input=f"SELECT 1 AS a;\n{word}\nSELECT 2 AS b;\n")
            self.assertEqual((done.returncode, done.stdout), (0, "a\n1\n"), f"{word}: {done.stderr}")

    def test_a_job_of_the_shell_says_what_it_does(self):
        done = run("sql", "--progress", "--progress-interval", "100 ms", input=ProgressTest.JOB)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("job 'job': numbers (datagen) -> gone (blackhole)", done.stderr)
        self.assertIn("running, read", done.stderr)
        self.assertIn("read 1,500 rows", done.stderr)

    def test_a_script_from_a_pipe_stops_at_the_first_error(self):
        done = run("sql", "--output", "csv", input="SELECT 1 AS a;\nSELECT b FROM c;\nSELECT 2 AS a;\n")
        self.assertEqual((done.returncode, done.stdout), (2, "a\n1\n"), done.stderr)

    def test_a_person_types(self):
        home = tempfile.mkdtemp(prefix="slipstream-shell-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        try:
            child, terminal = pty.fork()
        except OSError as error:
            self.skipTest(f"no terminal can be made here: {error}")
        if child == 0:
            os.environ.update(TERM="xterm", HOME=home)
            os.execv(str(PROGRAM), [str(PROGRAM), "sql"])
        self.addCleanup(os.close, terminal)  # hangs up: a shell that is left over ends
        seen = b""

        def expect(text, count=1, seconds=30):
            nonlocal seen
            deadline = time.monotonic() + seconds * PATIENCE
            while seen.count(text.encode()) < count:
                self.assertGreater(deadline, time.monotonic(), f"'{text}' does not come; seen: {seen.decode()}")
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 65536)

        def type_keys(keys):
            nonlocal seen
            seen = b""
            os.write(terminal, keys.encode())

        expect("sql> ")
        type_keys("help\n")
        expect("Statements end with ';'")
        expect("sql> ")
        type_keys("CREATE TABLE naps (id INT, 数据 STRING) WITH ('connector' = 'datagen', 'rows-per-second' = '50');\n")
        expect("OK")
        type_keys("\\d nap\t\n")
        expect("数据")
        type_keys("SELECT 40 +\n")
        expect("-> ")
        type_keys("2 AS answer;\n")
        expect("1 row")
        self.assertIn(b"42", seen)
        type_keys("\\tim\t\n")
        expect("timing is on")
        type_keys("CREATE TABLE sparrows (lonely INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');\n")
        expect("OK")
        expect(" s)")
        type_keys("SEL\tCOU\t(lon\t) FROM spar\t;\n")  # keyword, function, column, table
        expect(" rows")
        type_keys("SELECT nothing FROM naps;\n")
        expect("unknown column 'nothing'")
        expect("sql> ")
        type_keys("SELECT id FROM naps;\n")
        expect("-----")
        type_keys("\x03")  # ends the query, not the shell
        expect(" row")
        expect("sql> ")
        type_keys("never mind")
        expect("never mind")
        type_keys("\x03")  # empties the line
        expect("sql> ")

        # The prompt comes a moment before the line editor takes the terminal over: a Ctrl-D between the two is lost.
        # The editor gives the terminal back when all that it wrote was read.
        def ended():
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return [status]
            type_keys("\x04")
            if select.select([terminal], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):  # it is gone
                    os.read(terminal, 65536)
            return None

        status = wait_for(ended, 30, "the shell's end")
        self.assertEqual(os.waitstatus_to_exitcode(status[0]), 0)
        with open(f"{home}/.slipstream_history") as history:
            self.assertIn("answer", history.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
