#!/usr/bin/env python3
"""Tests of the repository's own tools (ctest `tools`): each rule gets a snippet that breaks it."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import broker  # noqa: E402
import check_layers  # noqa: E402
import docs_check  # noqa: E402
import options_check  # noqa: E402
import tidy  # noqa: E402

BASE = "slipstream_module(base RANK 0 HEADERS try.h SOURCES try.cc)\n"
GOOD_HEADER = "#pragma once\n"


class Tree(unittest.TestCase):
    """A small source tree that is correct until a test adds a fault."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("src/base/CMakeLists.txt", BASE)
        self.write("src/base/try.h", GOOD_HEADER)
        self.write("src/flow/CMakeLists.txt",
                   "set(deps base)\nslipstream_module(flow\n  RANK 3\n  DEPS ${deps})\n")
        self.write("src/flow/task.cc", '#include "base/try.h"\n#include <vector>\n')
        self.write("include/slipstream/status.h",
                   "#pragma once\n#include <string>\n// A result.\nclass Status {\n};\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


class LayersTest(Tree):
    def refused(self, part):
        problems = check_layers.check(self.root)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(part, problems[0])

    def test_correct_tree_passes(self):
        self.assertEqual(check_layers.check(self.root), [])

    def test_undeclared_module(self):
        self.write("src/io/CMakeLists.txt", "slipstream_module(io RANK 1 DEPS base)\n")
        self.write("src/io/net.h", GOOD_HEADER)
        self.write("src/flow/bad.cc", '#include "io/net.h"\n')
        self.refused("src/flow/bad.cc:1: includes \"io/net.h\", but src/flow/CMakeLists.txt does not name io")

    def test_upward_dependency_in_declaration(self):
        self.write("src/base/CMakeLists.txt", "slipstream_module(base RANK 0 DEPS flow)\n")
        self.refused("lower ranks only")

    def test_upward_include(self):
        self.write("src/flow/task.h", GOOD_HEADER)
        self.write("src/base/bad.cc", '\n#include "flow/task.h"\n')
        problems = "\n".join(check_layers.check(self.root))
        self.assertIn("src/base/bad.cc:2: base (rank 0) includes", problems)

    def test_folder_without_declaration(self):
        self.write("src/odd/CMakeLists.txt", "add_library(odd odd.cc)\n")
        self.refused("no slipstream_module(odd")

    def test_public_header_includes_internal_one(self):
        self.write("include/slipstream/bad.h", '#pragma once\n#include "base/try.h"\n')
        self.refused("public header includes")

    def test_public_header_includes_third_party(self):
        self.write("include/slipstream/bad.h", "#pragma once\n#include <absl/time/time.h>\n")
        self.refused("public header includes <absl/time/time.h>")

    def test_missing_public_header(self):
        self.write("src/flow/bad.cc", '#include "slipstream/nowhere.h"\n')
        self.refused("does not exist")

    def test_missing_header(self):
        self.write("src/flow/made.cc", '#include "flow/made.inc"\n')  # by the build
        self.assertEqual(check_layers.check(self.root), [])
        self.write("src/flow/bad_test.cc", '#include "base/moved.h"\n')
        self.refused('src/flow/bad_test.cc:1: includes "base/moved.h", which does not exist')

    def test_folders(self):
        self.write("src/flow/CMakeLists.txt",
                   "slipstream_module(flow RANK 3 FOLDERS . checkpoint runtime DEPS base)\n")
        self.write("src/flow/graph.h", GOOD_HEADER)
        self.write("src/flow/runtime/task.h", '#pragma once\n#include "flow/checkpoint/barrier.h"\n')
        self.write("src/flow/checkpoint/barrier.h", '#pragma once\n#include "flow/graph.h"\n')
        self.write("src/flow/checkpoint/barrier_test.cc", '#include "flow/runtime/task.h"\n')
        self.write("src/flow/testing/harness.h", '#pragma once\n#include "flow/runtime/task.h"\n')
        self.assertEqual(check_layers.check(self.root), [])
        self.write("src/flow/checkpoint/bad.h", '#pragma once\n#include "flow/runtime/task.h"\n')
        self.refused('src/flow/checkpoint/bad.h:2: includes "flow/runtime/task.h": FOLDERS')

    def test_own_files_are_a_folder_too(self):
        self.write("src/flow/CMakeLists.txt", "slipstream_module(flow RANK 3 FOLDERS . runtime DEPS base)\n")
        self.write("src/flow/runtime/task.h", GOOD_HEADER)
        self.write("src/flow/graph.h", '#pragma once\n#include "flow/runtime/task.h"\n')
        self.refused("the module's own files, src/flow below runtime")

    def test_internal_folders_are_for_their_module(self):
        self.write("src/state/CMakeLists.txt", "slipstream_module(state RANK 2 INTERNAL_FOLDERS pages DEPS base)\n")
        self.write("src/state/pages/page.h", GOOD_HEADER)
        self.write("src/state/table.cc", '#include "state/pages/page.h"\n')
        self.write("src/flow/CMakeLists.txt", "slipstream_module(flow RANK 3 DEPS base state)\n")
        self.assertEqual(check_layers.check(self.root), [])
        self.write("src/flow/bad.cc", '#include "state/pages/page.h"\n')
        self.refused("src/state/CMakeLists.txt has pages in INTERNAL_FOLDERS")

    def test_folder_that_is_not_there(self):
        self.write("src/flow/CMakeLists.txt", "slipstream_module(flow RANK 3 FOLDERS nowhere DEPS base)\n")
        self.refused("FOLDERS names nowhere")
        self.write("src/flow/CMakeLists.txt", "slipstream_module(flow RANK 3 INTERNAL_FOLDERS hidden DEPS base)\n")
        self.refused("INTERNAL_FOLDERS names hidden")

    def test_connector_includes_connector(self):
        self.write("src/connectors/CMakeLists.txt", "slipstream_module(connectors RANK 5 DEPS print_connector)\n")
        self.write("src/connectors/print/CMakeLists.txt", "slipstream_module(print_connector RANK 4 DEPS base)\n")
        self.write("src/connectors/print/print.h", GOOD_HEADER)
        self.write("src/connectors/builtin.cc", '#include "connectors/print/print.h"\n')
        self.assertEqual(check_layers.check(self.root), [])
        self.write("src/connectors/file/CMakeLists.txt", "slipstream_module(file_connector RANK 4 DEPS base)\n")
        self.write("src/connectors/file/bad.cc", '#include "connectors/print/print.h"\n')
        problems = "\n".join(check_layers.check(self.root))
        self.assertIn("src/connectors/file/CMakeLists.txt does not name print_connector in DEPS", problems)

    def test_connector_uses_the_engine(self):
        self.write("src/connectors/CMakeLists.txt", "slipstream_module(connectors RANK 5)\n")
        self.write("src/connectors/print/CMakeLists.txt", "slipstream_module(print_connector RANK 4 DEPS flow)\n")
        self.write("src/flow/CMakeLists.txt", "slipstream_module(flow RANK 4 DEPS base)\n")
        self.refused("print_connector (rank 4) names flow (rank 4)")

    def test_slow_header_in_header_unless_allowed(self):
        self.write("src/flow/bad.h", "#pragma once\n#include <asio/io_context.hpp>\n")
        self.refused("asio is slow to compile")
        self.write("tools/layers_allow.txt", "src/flow/bad.h asio\n")
        self.assertEqual(check_layers.check(self.root), [])

    def test_test_only_header_in_production_code(self):
        self.write("src/flow/testing/fake.h", GOOD_HEADER)
        self.write("src/flow/task_test.cc", '#include "flow/testing/fake.h"\n')
        self.write("src/flow/bad.cc", '#include "flow/testing/fake.h"\n')
        self.refused("for tests only")


class TidyTest(Tree):
    def refused(self, path, text, part):
        self.write(path, text)
        problems = tidy.check(self.root)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(part, problems[0])

    def test_correct_tree_passes(self):
        self.assertEqual(tidy.check(self.root), [])

    def test_long_file(self):
        self.refused("src/flow/long.cc", "int x;\n" * 1001, "1001 lines")

    def test_long_line(self):
        self.refused("src/flow/wide.cc", "// " + "x " * 60 + "\n", "123 characters")

    def test_names(self):
        self.refused("src/flow/a.cc", "class TopicManager {};\n", "'manager' in the name TopicManager")

    def test_file_name(self):
        self.refused("src/flow/string_util.cc", "int x;\n", "'util' in a file name")

    def test_word_inside_a_longer_word_is_fine(self):
        self.write("src/flow/a.cc", "struct Information {};\nstruct Utility {};\n")
        self.assertEqual(tidy.check(self.root), [])

    def test_sleep_in_test(self):
        self.refused("src/flow/a_test.cc",
                     "void f() { EXPECT_TRUE(1); std::this_thread::sleep_for(1ms); }\n", "sleep_for")

    def test_clock(self):
        self.refused("src/flow/a.cc", "auto t = std::chrono::steady_clock::now();\n", "take a Clock")

    def test_clock_in_a_comment_is_fine(self):
        self.write("src/flow/a.cc", '// steady_clock::now()\nconst char* x = "system_clock::now";\n')
        self.assertEqual(tidy.check(self.root), [])

    def test_mutex(self):
        self.refused("src/flow/a.cc", "absl::Mutex m;\n", "absl::Mutex")

    def test_using_namespace(self):
        self.refused("src/flow/a.h", "#pragma once\nusing namespace std;\n", "using namespace")

    def test_print(self):
        self.refused("src/flow/a.cc", 'void f() { printf("%d", 1); }\n', "printf")

    def test_random(self):
        self.refused("src/flow/a.cc", "int x = rand();\n", "seeded generator")

    def test_left_over(self):
        self.refused("src/flow/a.cc", "// TO" + "DO: later\n", "left behind")

    def test_public_class_without_comment(self):
        self.refused("include/slipstream/a.h", "#pragma once\n\nclass Batch {\n};\n", "Batch has no comment")

    def test_test_without_expectation(self):
        self.refused("src/flow/a_test.cc", "TEST(A, B) { run(); }\n", "cannot fail")

    def test_header_without_pragma(self):
        self.refused("src/flow/a.h", "int x;\n", "#pragma once")

    def test_registry_host(self):
        self.refused("docs/a.md", "see repo1.maven" + ".org\n", "registry")

    def test_machine_path(self):
        self.refused("docs/a.md", "in /wo" + "rk/x\n", "path of one machine")

    def test_long_function_and_ratchet(self):
        body = "namespace a {\nint longest(int x) {\n" + "  x++;\n" * 80 + "}\n}\n"
        self.refused("src/flow/a.cc", body, "longest has 82 lines")
        self.write("tools/tidy_ratchet.txt", "src/flow/a.cc longest 82\n")
        self.assertEqual(tidy.check(self.root), [])
        self.write("src/flow/a.cc", "int longest(int x) { return x; }\n")
        self.assertIn("remove the entry", tidy.check(self.root)[0])

    def test_word_of_the_vocabulary(self):
        self.write("tools/vocabulary.txt", "say_* | 1 | log_\nfor ever | 0 | forever\nshare( | 0 | freeze()\n")
        self.write("src/flow/a.cc", "int say_this;\nint share_of, hearsay_;\n")
        self.assertEqual(tidy.check(self.root), [])
        self.refused("src/flow/b.cc", "int say_that;\n", "'say_*' stands 2 times, at most 1 are left: write log_")
        self.refused("src/flow/b.cc", "// waits for ever\n", "'for ever'")
        self.refused("src/flow/b.cc", "x.share();\n", "src/flow/b.cc:1")

    def test_pages_use_the_vocabulary(self):
        self.write("tools/vocabulary.txt", "for ever | 0 | forever\n")
        self.refused("docs/a.md", "runs for ever\n", "docs/a.md:1")
        self.write("docs/a.md", "runs forever\n")
        self.refused("src/flow/README.md", "kept\nfor ever\n", "src/flow/README.md:2")

    def test_one_key_per_line(self):
        self.refused("src/flow/a.h", GOOD_HEADER + "// Owner: the job. Thread: any.\n", "src/flow/a.h:2")
        self.write("src/flow/a.h", GOOD_HEADER + "// Owner:  the job.\n// Thread: any.\n")
        self.assertEqual(tidy.check(self.root), [])

    def test_counts_are_tightened(self):
        self.write("tools/vocabulary.txt", "# words\nfor ever | 20 | forever\n")
        self.write("tools/tidy_ratchet.txt", "keyed-lines 13\n")
        self.write("src/flow/a.h", GOOD_HEADER + "// for ever. Thread: any.\n")
        counts = tidy.read_counts(self.root)
        self.assertEqual(tidy.check(self.root, counts), [])
        tidy.tighten(self.root, counts)
        self.assertEqual((self.root / "tools/vocabulary.txt").read_text(), "# words\nfor ever |  1 | forever\n")
        self.assertEqual((self.root / "tools/tidy_ratchet.txt").read_text(), "keyed-lines  1\n")
        self.write("src/flow/a.h", GOOD_HEADER)
        counts = tidy.read_counts(self.root)
        self.assertEqual(tidy.check(self.root, counts), [])
        tidy.tighten(self.root, counts)
        self.assertEqual((self.root / "tools/tidy_ratchet.txt").read_text(), "keyed-lines  0\n")

    def test_functions_are_found(self):
        code = ("namespace a {\nclass B {\n public:\n  int c() const { return {1}.size(); }\n};\n"
                "const int kTable[] = {1, 2};\n"
                "template <typename T>\nT d(T x)\n{\n  if (x) { x(); }\n  return x;\n}\n}\n")
        self.assertEqual(list(tidy.functions_in(code)), [("c", 4, 4), ("d", 7, 12)])


class ProcessTest(unittest.TestCase):
    def start(self):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child, {"pid": child.pid, "start_time": broker.start_time(child.pid)}

    def test_ends_its_process(self):
        child, process = self.start()
        self.assertTrue(broker.is_alive(process))
        broker.end_process(process, kill=False)
        self.assertFalse(broker.is_alive(process))

    def test_never_signals_a_recycled_id(self):
        child, process = self.start()
        process["start_time"] -= 1
        self.assertFalse(broker.send_signal(process, signal.SIGKILL))
        broker.end_process(process, kill=True)
        self.assertIsNone(child.poll())

    def test_options(self):
        self.assertEqual(broker.parse_options(["a=b=c"]), {"a": "b=c"})
        with self.assertRaises(broker.BrokerError):
            broker.parse_options(["novalue"])

    def test_a_disk_on_which_brokers_write_nothing_is_refused_before_the_start(self):
        for free, refused in ((20, False), (8, True)):
            disk = SimpleNamespace(total=105, used=100 - free, free=free)  # 5 are the superuser's
            with mock.patch.object(broker.shutil, "disk_usage", return_value=disk):
                if refused:
                    with self.assertRaisesRegex(broker.BrokerError, "92% full.*free some space"):
                        broker.refuse_full_disk("/somewhere")
                else:
                    broker.refuse_full_disk("/somewhere")

    def test_chosen_ports_are_free_and_below_the_ephemeral_range(self):
        namesrv, port = broker.choose_ports()
        self.assertTrue(broker.is_free(namesrv) and broker.is_free(port))
        self.assertLess(max(namesrv, port) + 1, 32768)

    def test_version_is_checked_before_it_reaches_a_path(self):
        with self.assertRaises(broker.BrokerError):
            broker.ensure_jars("../" + str(os.getpid()))


class OptionsTest(unittest.TestCase):
    PYTHON = ('class A(Base):\n    def test_a(self):\n        """o.p two"""\n'
              '        self.assertEqual(read(o_p="one"), 1)  # two\n        self.assertEqual(read(), 2)\n')
    CPP = 'TEST(S, C) {\n  EXPECT_EQ(f({"o.p", "one"}), 1);  // "two"\n  EXPECT_EQ(f(), 2);\n}\n'

    def problem(self, name, values, option="o.p"):
        with tempfile.TemporaryDirectory() as folder:
            for file, text in ("t.py", self.PYTHON), ("t.cc", self.CPP):
                Path(folder, file).write_text(text)
            file = "t.py" if name.startswith("A") else "t.cc"
            return options_check.problem_of(f"connector c: {option}: {file} {name}: {values}", Path(folder))

    def test_an_option_is_used_with_two_values(self):
        for name in "A.test_a", "S.C":
            self.assertIsNone(self.problem(name, "one | (not given)"))
            self.assertIn("does not use the value 'two'", self.problem(name, "one | two"))
            self.assertIn("one value twice", self.problem(name, "one | one"))
            self.assertIn("does not use 'q'", self.problem(name, "one | (not given)", "q"))
        self.assertIn("is not in t.py", self.problem("A.test_b", "one | two"))
        self.assertIn("is not in t.cc", self.problem("S.D", "one | two"))


class DocsTest(Tree):
    """Which program's tables go into the pages."""

    def test_the_program_that_was_built_last_is_asked(self):
        with self.assertRaises(SystemExit):
            docs_check.program(self.root, {})
        for age, preset in (20, "release"), (10, "dev"):
            self.write(f"build/{preset}/bin/slipstream", "")
            os.utime(self.root / f"build/{preset}/bin/slipstream", (1000 - age, 1000 - age))
            self.assertIn(f"/{preset}/", docs_check.program(self.root, {}))
        self.assertEqual(docs_check.program(self.root, {"SLIPSTREAM_PROGRAM": "/x"}), "/x")

    def test_connectors_and_formats_without_a_page_are_named(self):
        self.write("src/format/json.cc", 'format.name = "json";\nFormat json_format();\n')
        self.write("docs/formats/json.md", "# json\n")
        self.write("docs/formats/README.md", "[json](json.md)\n")
        self.write("docs/connectors/README.md", "| connector |\n|---|\n| [mq, mq5](mq.md) | yes |\n")
        self.write("docs/connectors/mq.md", "".join(
            f"<!-- generated: slipstream connectors {name} -->\n<!-- end -->\n" for name in ("mq", "mq5")))
        self.assertEqual(docs_check.check_complete(self.root, "mq  Topics.\nmq5  Topics.\n"), [])
        problems = docs_check.check_complete(self.root, "mq  Topics.\nrelay  Messages of a relay.\n")
        self.assertEqual(len(problems), 2, problems)
        self.assertIn("no page has the options of 'relay'", problems[0])
        self.assertIn("README.md: the table has no line for 'relay'", problems[1])
        self.write("src/format/raw.cc", '  format.name = "raw";\n')
        self.assertIn("docs/formats/raw.md: no such page", docs_check.check_complete(self.root, "")[0])
        self.write("docs/formats/raw.md", "# raw\n")
        self.assertEqual(docs_check.check_complete(self.root, ""), ["docs/formats/README.md: no link to raw.md"])

    def test_proofs_that_are_not_there_are_named(self):
        self.write("src/io/net_test.cc", "TEST_F(NetTest, ALinkIsCut) {}\nTEST(NetTest, Retries) {}\n"
                   "TYPED_TEST_P(AnyNet, EveryLinkIsCut) {}\n")
        self.write("test/e2e/job_test.py", "class JobTest(Base):\n    def test_copy(self):\n        pass\n")
        true = ("| a | `net_test.cc`: 5 kills, ALinkIsCut, NetTest.ALinkIsCut, Retries, NetTest.Retries;"
                " `src/io/*_test.cc`: EveryLinkIsCut |\n"
                "| b | `job_test.py`: test_copy, JobTest.test_copy |\n`gone_test.py` outside of a table\n")
        self.write("docs/guarantees.md", true)
        self.assertEqual(docs_check.check_proofs(self.root), [])
        false = {"`net_test.cc`: ALinkIsWhole": "net_test.cc has no test ALinkIsWhole",
                 "`net_test.cc`: OtherNet.ALinkIsCut": "no test OtherNet.ALinkIsCut",
                 "`net_test.cc`: Repeats": "no test Repeats", "`net_test.cc`: NetTest": "no test NetTest",
                 "`job_test.py`: test_copies": "no test test_copies", "`src/io/gone_test.cc`": "no such test"}
        for text, problem in false.items():
            self.write("docs/guarantees.md", true + f"| c | {text} |\n")
            problems = docs_check.check_proofs(self.root)
            self.assertEqual(len(problems), 1, text)
            self.assertIn(problem, problems[0])


if __name__ == "__main__":
    unittest.main()
