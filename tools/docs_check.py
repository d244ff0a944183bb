#!/usr/bin/env python3
"""Keeps the documentation true.

docs_check.py generated   every block between `<!-- generated: COMMAND -->` and `<!-- end -->` is what
                          COMMAND prints; with SLIPSTREAM_UPDATE_DOCS=1 the blocks are written anew
docs_check.py complete    every connector that the program lists has a generated table and a line in the table of
                          docs/connectors/README.md, every format of src/format a page that docs/formats/README.md links
docs_check.py links       every relative link leads to a file, every anchor to a heading
docs_check.py proofs      every test that docs/guarantees.md names as a proof is there: `FILE_test.py`: test_one,
                          test_two; `FILE_test.cc`: Suite.Name, Name
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GENERATED = re.compile(r"(<!-- generated: slipstream ([^>]*?) -->\n)(.*?)(<!-- end -->)", re.S)
# A file of tests, and what is said of it until the next one.
PROOF = re.compile(r"`([\w/.*-]+_test\.(?:py|cc))`([^`|;]*)")
# A word with one capital is a name only where an item of the list begins.
TEST = re.compile(r"(?:\b\w+\.)?\btest_\w+|(?<=[:,] )(?:\w+\.)?[A-Z]\w*[a-z]\w*"
                  r"|\b(?:\w+\.)?[A-Z]\w*[a-z]\w*[A-Z]\w*[a-z]\w*")
FORMAT_NAME = re.compile(r'\.name = "([\w-]+)";')
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages(root=ROOT):
    folders = (root / "docs", root / "src", root / "test", root / "bench")
    return [*sorted(root.glob("*.md")), *(page for folder in folders for page in sorted(folder.rglob("*.md")))]


def program(root=ROOT, environment=os.environ):
    """$SLIPSTREAM_PROGRAM, or what was built last: an older one would write what it knew then."""
    if "SLIPSTREAM_PROGRAM" in environment:
        return environment["SLIPSTREAM_PROGRAM"]
    built = [path for path in (root / "build" / preset / "bin/slipstream" for preset in ("release", "dev"))
             if path.exists()]
    if not built:
        sys.exit("docs: no program to ask for its tables; build one with ./dev build")
    return str(max(built, key=lambda path: path.stat().st_mtime))


def printed(arguments):
    environment = {key: value for key, value in os.environ.items() if key != "SLIPSTREAM_NAMESERVER"}
    done = subprocess.run([program(), *arguments.split()], capture_output=True, text=True,
                          env=environment, check=True, timeout=30)
    return done.stdout


def check_generated():
    problems, blocks = [], 0
    for page in pages():
        text = page.read_text()
        whole = GENERATED.sub(lambda match: match[1] + printed(match[2]) + match[4], text)
        blocks += len(GENERATED.findall(text))
        if whole == text:
            continue
        if os.environ.get("SLIPSTREAM_UPDATE_DOCS") == "1":
            page.write_text(whole)
        else:
            problems.append(f"{page.relative_to(ROOT)}: a generated table differs from what the program "
                            "prints; run SLIPSTREAM_UPDATE_DOCS=1 python3 tools/docs_check.py generated")
    if blocks == 0:
        problems.append("no page has a generated block")
    return problems


def check_complete(root=ROOT, listed=None):
    """`listed`: what `slipstream connectors` prints."""
    problems = []
    tables = {match[2] for page in pages(root) for match in GENERATED.finditer(page.read_text())}
    # "| [mq, mq5](mq.md) | ..." has two.
    first_cells = re.findall(r"^\| \[([^\]]*)\]", (root / "docs/connectors/README.md").read_text(), re.M)
    shown = {name for cell in first_cells for name in cell.split(", ")}
    for line in (printed("connectors") if listed is None else listed).splitlines():
        name = line.split()[0]
        if f"connectors {name}" not in tables:
            problems.append(f"docs/connectors: no page has the options of '{name}', between the lines "
                            f"<!-- generated: slipstream connectors {name} --> and <!-- end -->")
        if name not in shown:
            problems.append(f"docs/connectors/README.md: the table has no line for '{name}'")
    overview = (root / "docs/formats/README.md").read_text()
    for name in sorted({name for file in (root / "src/format").glob("*.cc")
                        for name in FORMAT_NAME.findall(file.read_text())}):
        if not (root / f"docs/formats/{name}.md").exists():
            problems.append(f"docs/formats/{name}.md: no such page; it says what the format reads and writes")
        elif f"({name}.md)" not in overview:
            problems.append(f"docs/formats/README.md: no link to {name}.md")
    return problems


def anchor_of(heading):
    text = re.sub(r"[`*\[\]()]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def check_links():
    problems = []
    for page in pages():
        for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
            if target.startswith(("http://", "https://")):
                continue
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists():
                problems.append(f"{page.relative_to(ROOT)}: link to {target}: no such file")
            elif anchor and path.suffix == ".md":
                lines = path.read_text().splitlines()
                anchors = {anchor_of(line.lstrip("#")) for line in lines if line.startswith("#")}
                if anchor not in anchors:
                    problems.append(f"{page.relative_to(ROOT)}: link to {target}: no such heading")
    return problems


def files_named(name, root):
    """Files of the tree by their path, or tests by their name alone."""
    if "/" in name:
        return sorted(root.glob(name))
    return [file for folder in ("test", "src", "bench") for file in sorted((root / folder).rglob(name))]


def tests_in(file):
    """(suite, test) of every test of the file; a suite of Python is its class."""
    text = file.read_text()
    if file.suffix == ".cc":
        return re.findall(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text)
    suite, found = "", []
    for name, test in re.findall(r"^class (\w+)\(|^    def (test_\w+)\(", text, re.M):
        suite = name or suite
        found.append((suite, test))
    return found


def check_proofs(root=ROOT):
    problems = []
    page = root / "docs/guarantees.md"
    for number, line in enumerate(page.read_text().splitlines() if page.exists() else [], 1):
        if not line.startswith("|"):
            continue
        for name, names in PROOF.findall(line):
            place = f"docs/guarantees.md:{number}"
            files = files_named(name, root)
            if not files:
                problems.append(f"{place}: {name}: no such test")
                continue
            pairs = [pair for file in files for pair in tests_in(file)]
            known = {each for suite, test in pairs for each in (test, f"{suite}.{test}")}
            problems += [f"{place}: {name} has no test {test}" for test in TEST.findall(names) if test not in known]
    return problems


def main():
    checks = {"generated": check_generated, "complete": check_complete, "links": check_links, "proofs": check_proofs}
    wanted = sys.argv[1:] or list(checks)
    problems = [problem for name in wanted for problem in checks[name]()]
    for problem in problems:
        print(problem)
    print(f"docs: {len(problems)} problems" if problems else "docs: nothing to say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
