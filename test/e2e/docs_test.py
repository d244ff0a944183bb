#!/usr/bin/env python3
"""The tour of the README, command by command, on a real broker: what it shows is what comes.

All ```sh blocks of a page run in one shell, in order, from a copy of the files they name. A ```text block
behind one holds lines of its output, in order; a line `...` stands for any lines. `./dev` verbs are not run
again: the harness has built the program and started the broker.
"""
import os
import re
import shutil
import subprocess

from harness import PROGRAM, ROOT, EndToEndTest, main

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.S | re.M)
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


class DocsTest(EndToEndTest):
    def run_page(self, page):
        folder = self.path("tour")
        os.makedirs(folder, exist_ok=True)
        shutil.copytree(ROOT / "examples", f"{folder}/examples")
        os.makedirs(f"{folder}/build", exist_ok=True)
        found = blocks(page)
        self.assertTrue(found, f"{page} shows no command")
        script = "set -e -o pipefail\n"
        for text, _ in found:
            script += "\n".join("true" if is_setup(line) else line for line in text.splitlines())
            script += f"\necho '{MARK}'; echo '{MARK}' >&2\n"
        environment = dict(os.environ, SLIPSTREAM_NAMESERVER=self.cluster.namesrv, HOME=folder,
                           PATH=f"{PROGRAM.parent}:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, timeout=240,
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
            while at < len(seen) and seen[at].rstrip() != line.rstrip():
                at += 1
            self.assertLess(at, len(seen), f"'{line}' does not come (in this order) from:\n{script}\n"
                            "seen:\n" + "\n".join(seen))
            at += 1

    def test_the_tour_of_the_readme(self):
        outputs = self.run_page("README.md")
        slow = self.audit.tally("slow_clicks", "id")
        clicks = self.audit.bodies("clicks")
        expected = sum(1 for body in clicks if int(re.search(r'"ms":(\d+)', body)[1]) > 800)
        self.assertEqual(len(clicks), 10_000)
        self.assertEqual((slow["messages"], slow["duplicates"]), (expected, 0), "\n".join(outputs))


if __name__ == "__main__":
    main()
