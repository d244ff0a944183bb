#!/usr/bin/env python3
"""What is installed works without the tree: headers alone, a program by find_package, Debian packages."""
import os
import re
import shutil
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("SLIPSTREAM_PROGRAM", ROOT / "build/release/bin/slipstream"))
BUILD = PROGRAM.parent.parent
BASE = Path(os.environ.get("TMPDIR", "/tmp")) / f"slipstream-install-test.{os.getpid()}"  # outside of the tree


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(BASE, ignore_errors=True)
        BASE.mkdir(parents=True)
        library = (BUILD / "lib/libslipstream.a").stat().st_mtime
        newer = [path for path in (ROOT / "include").rglob("*.h") if path.stat().st_mtime > library]
        if newer:
            raise AssertionError(f"{newer[0]} is newer than the library in {BUILD}: build it first")
        cls.prefix = BASE / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(BASE, ignore_errors=True)

    def test_one_command_builds_and_installs(self):
        """Finding 33: `cmake --install` behind `./dev build` failed half way."""
        if BUILD != ROOT / "build/release":
            self.skipTest("./dev builds in build/release only")
        prefix = BASE / "by-dev"
        run(ROOT / "dev", "install", "--prefix", prefix)
        self.assertEqual(files_below(prefix), files_below(self.prefix))
        wrong = subprocess.run([ROOT / "dev", "install", prefix], capture_output=True, text=True)
        self.assertEqual((wrong.returncode, "--prefix" in wrong.stderr), (2, True), wrong.stderr)

    def test_what_is_not_built_is_not_half_installed(self):
        """Finding 33."""
        build, prefix = BASE / "not-built", BASE / "nothing"
        run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DSLIPSTREAM_TESTS=OFF", "-DSLIPSTREAM_EXAMPLES=OFF")
        done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("run ./dev install", done.stderr)
        self.assertFalse(prefix.exists())

    def test_every_public_header_compiles_alone(self):
        include = self.prefix / "include"
        headers = [name for name in files_below(include) if name.endswith(".h")]
        self.assertEqual(headers, [f"slipstream/{name}" for name in files_below(ROOT / "include/slipstream")])

        def check(header):
            source = f'#include "{header}"\n'
            done = subprocess.run(["g++", "-std=c++20", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
                                   "-fsyntax-only", "-I", str(include), "-x", "c++", "-"],
                                  input=source, capture_output=True, text=True)
            return f"{header}: {done.stderr}" if done.returncode else ""

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.assertEqual([text for text in pool.map(check, headers) if text], [])

    def test_no_public_header_needs_what_is_not_installed(self):  # finding 37
        for path in sorted((self.prefix / "include/slipstream").rglob("*.h")):
            text = path.read_text()
            name = path.relative_to(self.prefix / "include/slipstream").as_posix()
            for include in re.findall(r'#include "([^"]+)"', text):
                self.assertTrue(include.startswith("slipstream/"), f"{name} includes {include}")
            code = re.sub(r"//.*", "", text)
            for comment in re.findall(r"//.*", text):
                for header in re.findall(r"[\w/]+\.h\b", comment):
                    found = (self.prefix / "include" / header, self.prefix / "include/slipstream" / header)
                    self.assertTrue(any(each.exists() for each in found), f"{name} tells to use {header}")
            if "internal::" in code.split("private:")[0]:
                self.fail(f"{name} has functions of internal types")

    def build_examples(self, prefix, *programs):
        """Builds installed examples against an installed library; returns the folder of the programs."""
        examples = next(prefix.rglob("examples/CMakeLists.txt")).parent
        build = BASE / f"build-{programs[0]}"
        run("cmake", "-S", examples, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            "-DCMAKE_CXX_STANDARD=20", f"-DSLIPSTREAM_EXAMPLE_PROGRAMS={';'.join(programs)}")
        run("ninja", "-C", build)
        self.assertNotIn(str(ROOT), (build / "build.ninja").read_text())
        return build

    def test_a_program_builds_and_runs_against_the_prefix(self):
        build = self.build_examples(self.prefix, "word_count", "sql_and_streams")
        words = run(build / "example_word_count", "a rose is a rose")
        self.assertEqual(words.splitlines(), ["a 1", "rose 1", "is 1", "a 2", "rose 2"])
        sums = run(build / "example_sql_and_streams")
        self.assertEqual(sorted(sums.splitlines()), ["milk: 1673340 in 334 bids", "tea: 831660 in 166 bids"])
        self.assertRegex(run(self.prefix / "bin/slipstream", "version"), r"\d+\.\d+")

    def test_the_packages_hold_the_same_and_the_client_builds_from_them(self):
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", BASE / "packages")
        packages = sorted((BASE / "packages").glob("*.deb"))
        names = [re.match(r"[a-z-]+", package.name).group(0) for package in packages]
        self.assertEqual(names, ["libslipstream-dev", "slipstream"])
        root = BASE / "root"
        for package in packages:
            run("dpkg-deb", "-x", package, root)
        version = run(PROGRAM, "version")
        for package in packages:
            self.assertIn(run("dpkg-deb", "-f", package, "Version").strip(), version)
        self.assertIn("libssl", run("dpkg-deb", "-f", packages[1], "Depends"))
        self.assertIn("libssl-dev", run("dpkg-deb", "-f", packages[0], "Depends"))
        self.assertEqual(files_below(root / "usr"), files_below(self.prefix))
        build = self.build_examples(root / "usr", "rocketmq_client")
        usage = subprocess.run([build / "example_rocketmq_client"], capture_output=True, text=True)
        self.assertEqual((usage.returncode, usage.stderr), (2, "usage: rocketmq_client NAME_SERVER TOPIC TEXT\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
