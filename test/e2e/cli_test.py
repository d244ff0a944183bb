#!/usr/bin/env python3
"""The command line as scripts and people use it. Needs no broker."""
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
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
                 "SELECT 1 AS one"
        self.assertEqual(run("check", "-e", script).returncode, 0)
        done = run("run", "--output", "csv", "-e", script)
        self.assertEqual((done.returncode, done.stdout), (0, "one\n1\n"), done.stderr)
        self.assertIn("'execution.runtime-mode' has no effect here: queries run as streams", done.stderr)
        self.assertIn("'taskmanager.numberOfTaskSlots' has no effect here", done.stderr)
        wrong = run("check", "-e", "SET 'execution.runtime-mod' = 'streaming'")
        self.assertEqual(wrong.returncode, 1)
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
        near = run("explian", "x.sql")
        self.assertEqual((near.returncode, "did you mean 'explain'" in near.stderr), (2, True), near.stderr)
        setting = run("run", "--set", "paralelism.default=2", "-e", "SELECT 1")
        self.assertEqual((setting.returncode, "parallelism.default" in setting.stderr), (2, True), setting.stderr)

    def test_a_reader_that_leaves_ends_the_query(self):
        script = f"{PROGRAM} run -e \"{NUMBERS.format(10**9, 0)} SELECT k FROM numbers\" | head -n 3; " \
                 "echo ${PIPESTATUS[0]}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60 * PATIENCE)
        self.assertEqual(done.stdout.splitlines()[-1], "0", done.stderr)

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
        return sorted(int(name[4:]) for name in os.listdir(self.folder) if name.startswith("chk-"))

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
        self.assertEqual(second.returncode, 1, error)
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
