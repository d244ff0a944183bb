#!/usr/bin/env python3
"""The commands that pages show, one by one: what they show is what comes.

All ```sh blocks of a page run in one shell, in order, from a copy of the files they name. A ```text block
behind one holds lines of its output, in order; a line `...` stands for any lines, and `...` at the end of one for
its rest. In the tour `./dev` verbs are not run again: the harness has built the program and started the broker.
Folders of a real machine are replaced by those of the test, ports by free ones. Every ```sql block is checked by
the program.
"""
import json
import os
import re
import shlex
import shutil
import socket
import subprocess

from harness import PATIENCE, PROGRAM, ROOT, EndToEndTest, main

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.S | re.M)
SQL = re.compile(r"^```sql\n(.*?)^```", re.S | re.M)
MARK = "-- end of block --"


def blocks(page):
    """[(script, expected lines)]"""
    found = []
    for kind, text in BLOCK.findall((ROOT / page).read_text()):
        if kind == "sh":
            found.append((text, []))
        elif found:
            found[-1] = (found[-1][0], text.splitlines())
    return found


def is_setup(line):
    return line.startswith(("./dev ", ". build/broker/env", "export "))


def is_shown_by(line, seen):
    return seen.startswith(line.removesuffix("...")) if line.endswith("...") else seen == line


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class DocsTest(EndToEndTest):
    def run_page(self, page, found=None, replaced=None, files=None):
        folder = self.path("tour")
        os.makedirs(folder, exist_ok=True)
        shutil.copytree(ROOT / "examples", f"{folder}/examples")
        os.makedirs(f"{folder}/build", exist_ok=True)
        for name, content in (files or {}).items():
            (folder / name).write_text(content)
        found = found or blocks(page)
        self.assertTrue(found, f"{page} shows no command")
        script = "set -e -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"
        for text, _ in found:
            for before, after in (replaced or {}).items():
                text = text.replace(before, after)
            script += "\n".join("true" if is_setup(line) else line for line in text.splitlines())
            script += f"\necho '{MARK}'; echo '{MARK}' >&2\n"
        environment = dict(os.environ, SLIPSTREAM_NAMESERVER=self.cluster.namesrv, HOME=folder,
                           PATH=f"{PROGRAM.parent}:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, timeout=240 * PATIENCE,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{page}:\n{done.stdout}\n{done.stderr}")
        for (text, expected), out, err in zip(found, done.stdout.split(MARK), done.stderr.split(MARK)):
            self.compare(text, expected, (out + err).splitlines())
        return done.stdout.split(MARK)

    def compare(self, script, expected, seen):
        at = 0
        for line in expected:
            if line == "...":
                continue
            while at < len(seen) and not is_shown_by(line.rstrip(), seen[at].rstrip()):
                at += 1
            self.assertLess(at, len(seen), f"'{line}' does not come (in this order) from:\n{script}\n"
                            "seen:\n" + "\n".join(seen))
            at += 1

    def test_the_page_of_the_server(self):
        state = str(self.path("state"))
        if not (shutil.which("jq") and shutil.which("curl")):
            self.skipTest("jq and curl are not installed: ./dev setup test")
        outputs = self.run_page("docs/serve.md", replaced={"/var/lib/slipstream": state, "8080": free_port(),
                                                           "8081": free_port()})
        self.assertIn("orders running", outputs[2])
        self.assertIn('slipstream_job_running{job="orders"}', outputs[2])
        self.assertIn("unknown table 't'", outputs[2])
        rows = [json.loads(line) for line in outputs[4].splitlines() if line.startswith('{"')]
        self.assertEqual([next(iter(row)) for row in rows], ["columns", "row", "row", "row", "end"])
        self.assertIn('"running_jobs":0', outputs[5])
        copied = list(self.path("tour/large_orders").glob("part-*"))
        self.assertTrue(copied)
        for file in copied:
            self.assertTrue(all(int(line.split(",")[1]) > 800 for line in file.read_text().splitlines()))

    def test_the_page_of_operations(self):
        job = ("CREATE TABLE n (k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '5');"
               "CREATE TABLE p (k INT) WITH ('connector' = 'print'); INSERT INTO p SELECT k FROM n;")
        mine = [each for each in blocks("docs/operations.md") if "./dev " not in each[0]]
        [output, *_] = self.run_page("docs/operations.md", mine, {"/var/lib/slipstream": str(self.path("state"))},
                                    {"job.sql": job})
        self.assertEqual(output.count("+I["), 5, output)

    def test_the_page_of_system_tables(self):
        self.run_page("docs/connectors/rocketmq-admin.md")

    def test_the_page_of_testing(self):
        self.run_page("docs/testing.md")

    def test_brokers_for_development(self):
        [lines] = [text.splitlines() for text, _ in blocks("docs/operations.md") if "./dev broker" in text]
        used = {}
        try:
            for line in lines:
                for command in line.partition("#")[0].split("&&"):
                    self.dev_broker(shlex.split(command), used)
        finally:
            for folder in used.values():
                self.dev_broker(["./dev", "broker", "stop", "--kill", "--dir", folder], {})

    def dev_broker(self, words, used):
        """The verb, in a folder of this test in place of the one of the page."""
        named = words[words.index("--dir") + 1] if "--dir" in words else "build/broker"
        if "--dir" in words:
            del words[words.index("--dir"):words.index("--dir") + 2]
        folder = named if named.startswith("/") else used.setdefault(named, str(self.path(named.replace("/", "-"))))
        done = subprocess.run([*words, "--dir", folder], cwd=ROOT, capture_output=True, text=True,
                                  timeout=180 * PATIENCE)
        self.assertEqual(done.returncode, 0, f"{words}:\n{done.stdout}\n{done.stderr}")

    def test_sql_of_the_pages_is_right(self):
        pages = [page for page in sorted((ROOT / "docs").rglob("*.md")) if SQL.search(page.read_text())]
        self.assertGreater(len(pages), 3)
        for page in pages:
            for text in SQL.findall(page.read_text()):
                script = self.write("page.sql", text.replace("(...)", "(id INT)"))
                done = subprocess.run([PROGRAM, "check", script], capture_output=True, text=True, timeout=60 * PATIENCE)
                self.assertEqual(done.returncode, 0, f"{page}:\n{text}\n{done.stdout}{done.stderr}")

    def test_the_tour_of_the_readme(self):
        outputs = self.run_page("README.md")
        slow = self.audit.tally("slow_clicks", "id")
        clicks = self.audit.bodies("clicks")
        expected = sum(1 for body in clicks if int(re.search(r'"ms":(\d+)', body)[1]) > 800)
        self.assertEqual(len(clicks), 10_000)
        self.assertEqual((slow["messages"], slow["duplicates"]), (expected, 0), "\n".join(outputs))


if __name__ == "__main__":
    main()
