#!/usr/bin/env python3
"""The quick house rules (ctest `tidy`): sizes, names, calls that have a better replacement, left-overs.

Reads every file that git tracks or would track. Old offenders may shrink only: functions too long and keyed lines run
together stand in tools/tidy_ratchet.txt, words that the project no longer uses in tools/vocabulary.txt.
`tools/tidy.py --tighten` writes the smaller counts down.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 1000
LINE_CHARS_MAX = 120
FUNCTION_LINES_MAX = 70

BANNED_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "info", "misc"}
# Put together here so that this file does not contain them.
LEFT_OVERS = re.compile(r"\b(" + "|".join(("FIX" + "ME", "TO" + "DO", "XX" + "X")) + r")\b")
REGISTRY_HOSTS = re.compile("|".join(re.escape(left + right) for left, right in (
    ("maven", ".org"), ("repo.maven", ".apache.org"), ("debian", ".org"), ("pypi", ".org"),
    ("pythonhosted", ".org"), ("crates", ".io"), ("npmjs", ".org"), ("golang", ".org"))))
WORK_PATH = re.compile(r"(?<![\w.])/" + r"work/")

# (pattern, where it applies, what to do instead); the text is free of comments and literals.
BANNED_CALLS = [
    (re.compile(r"\b(?:std::this_thread::)?sleep_(?:for|until)\s*\(|\b(?:u|nano)?sleep\s*\("),
     lambda path: is_test(path), "a test waits for a condition with a deadline, or moves a fake clock"),
    (re.compile(r"\b(?:system|steady|high_resolution)_clock::now\b"),
     lambda path: (path.startswith("src/") and not path.startswith(("src/io/", "src/base/clock"))
                   and not is_test(path)),
     "take a Clock (base/clock.h), so that tests can move it"),
    (re.compile(r"\babsl::Mutex\b"), lambda path: True, "use the annotated Mutex of base/mutex.h"),
    (re.compile(r"\busing\s+namespace\b"), lambda path: path.endswith(".h"), "name what you use"),
    (re.compile(r"(?<![\w.>])(?:std::)?(?:printf|puts)\s*\(|\bstd::c(?:out|err)\b"),
     lambda path: path.startswith("src/") and not path.startswith("src/cli/"),
     "log through base/log.h, or return the text; only the command line prints"),
    (re.compile(r"(?<![\w.>:])(?:std::)?s?rand\s*\("), lambda path: True,
     "pass a seeded generator, so that a run can be repeated"),
]


def is_test(path):
    return path.endswith("_test.cc")


def words_of(name):
    """'TopicInfo' and 'topic_info' -> {'topic', 'info'}"""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


LITERAL = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"'
                     r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'", re.S)


def code_only(text):
    """The text with comments and literals blanked; line numbers stay."""
    def blank(match):
        return "\n" * match.group(0).count("\n") if match.group(0).startswith("/") else (
            '""' + "\n" * match.group(0).count("\n"))
    return LITERAL.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


DECLARED = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?|concept|using|namespace)\s+(\w+)")


# --- one rule each: yields (line, message) ----------------------------------------------------------

def size_rules(path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"{len(lines)} lines; at most {FILE_LINES_MAX}: split it by state or by subject"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARS_MAX and not re.search(r"\S{80}", line):  # a long word cannot be broken
            yield number, f"{len(line)} characters in a line; at most {LINE_CHARS_MAX}"


def name_rules(path, code):
    for word in sorted(words_of(Path(path).stem) & BANNED_WORDS):
        yield 1, f"'{word}' in a file name; name the concept"
    for match in DECLARED.finditer(code):
        name = match.group(1).replace("CommonTable", "Table")  # SQL's own term
        for word in sorted(words_of(name) & BANNED_WORDS):
            yield line_of(code, match.start()), f"'{word}' in the name {match.group(1)}; name the concept"


def call_rules(path, code):
    for pattern, applies, instead in BANNED_CALLS:
        if applies(path):
            for match in pattern.finditer(code):
                yield line_of(code, match.start()), f"'{match.group(0).strip()}': {instead}"


def class_comment_rule(path, text):
    if not path.startswith("include/"):
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"(?:class|struct)\s+(?:\[\[\w+\]\]\s+)?(\w+)[^;]*$", line)
        if not match:
            continue
        before = number - 1
        while before >= 0 and re.match(r"template\b|requires\b|\[\[", lines[before]):
            before -= 1
        explained_inside = line.startswith("struct") and "//" in "".join(lines[number + 1:number + 3])
        if not explained_inside and (before < 0 or not re.match(r"//|.*\*/$", lines[before])):
            yield number + 1, f"{match.group(1)} has no comment: a public type states its contract"


FUNCTION_HEAD = re.compile(r"([~\w:]+)\s*\(")
NOT_FUNCTION = re.compile(r"^\s*(?:namespace|class|struct|union|enum|extern|concept)\b|=\s*$")
LEAD = re.compile(r"(?:\s|(?:public|private|protected)\s*:)*")
SCOPE_HEAD = re.compile(
    r"^\s*(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|extern)\b", re.S)


def functions_in(code):
    """(name, first line, last line) of every function, found by counting braces; an approximation."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M)
    scopes, inner_depth, head_from = [], 0, 0  # scopes: namespaces and classes around
    current = None
    for match in re.finditer(r"[{};]", code):
        sign, position = match.group(0), match.start()
        head = code[head_from:position]
        head_from = position + 1
        if current:
            inner_depth += (sign == "{") - (sign == "}")
            if inner_depth == 0:
                yield current[0], current[1], line_of(code, position)
                current = None
        elif sign == "{":
            name = FUNCTION_HEAD.search(re.sub(r"template\s*<[^{}]*?>\s*", "", head))
            if SCOPE_HEAD.match(re.sub(r"\b(?:public|private|protected)\s*:", "", head).strip() or " "):
                scopes.append("scope")
            elif name and not NOT_FUNCTION.search(head):
                start = position - len(head) + LEAD.match(head).end()
                current, inner_depth = (name.group(1), line_of(code, start)), 1
            else:
                scopes.append("block")
        elif sign == "}" and scopes:
            scopes.pop()


def function_rule(path, code, ratchet, used):
    for name, first, last in functions_in(code):
        lines = last - first + 1
        if lines <= FUNCTION_LINES_MAX:
            continue
        allowed = ratchet.get((path, name), 0)
        used.add((path, name))
        if lines > allowed:
            yield first, f"{name} has {lines} lines; at most {allowed or FUNCTION_LINES_MAX}"


# --- words and keyed lines: counted over the whole tree, so that moving a file costs nothing -----------

KEY = re.compile(r"\b(?:Owner|Thread|Bounds|Failure|Order|Output|Cost):(?=\s)")


def keys_within_lines(text):
    """Where a key follows other text of its comment line."""
    for match in KEY.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1:match.start()].strip()
        if before.startswith("//") and before.strip("/ "):
            yield match.start()


def word_finder(word):
    """Finds `say_*`, `share(` or `for ever` as whole words; a star stands for letters, digits and underscores."""
    parts = word.split("*")
    begin = r"(?<!\w)" if re.match(r"\w", word) else ""
    end = r"(?!\w)" if re.search(r"\w$", word) else ""
    pattern = re.compile(begin + r"\w*".join(map(re.escape, parts)) + end)
    rare = max(parts, key=len)
    return lambda text: (match.start() for match in pattern.finditer(text)) if rare in text else ()


COUNTED_FOLDERS = ("include/", "src/", "test/", "bench/", "fuzz/", "examples/")


def is_counted(path):
    """All C++ files and every Markdown page: users read the same words as developers."""
    return path.endswith(".md") or (path.startswith(COUNTED_FOLDERS) and path.endswith((".h", ".cc")))


class Count:
    """Where something stands that may become rarer only."""

    def __init__(self, name, find, left, instead):
        self.name, self.find, self.left, self.instead = name, find, left, instead
        self.places = []

    def add(self, path, text):
        self.places += [f"{path}:{line_of(text, position)}" for position in self.find(text)]

    def problem(self):
        if len(self.places) > self.left:
            places = ", ".join(self.places[:20]) + (", ..." if len(self.places) > 20 else "")
            yield (f"'{self.name}' stands {len(self.places)} times, at most {self.left} are left: {self.instead} "
                   f"(one of {places})")


def read_counts(root):
    vocabulary, ratchet = root / "tools/vocabulary.txt", root / "tools/tidy_ratchet.txt"
    counts = []
    for line in vocabulary.read_text().splitlines() if vocabulary.exists() else []:
        if line.strip() and not line.startswith("#"):
            word, left, instead = (part.strip() for part in line.split("|"))
            counts.append(Count(word, word_finder(word), int(left), f"write {instead}"))
    lines = ratchet.read_text().splitlines() if ratchet.exists() else []
    left = next((int(line.split()[1]) for line in lines if line.startswith("keyed-lines ")), 0)
    counts.append(Count("keyed-lines", keys_within_lines, left,
                        "each key (Owner:, Thread:, Bounds:, Failure: ...) begins a line of its own"))
    return counts


def tighten(root, counts):
    """Writes smaller counts down; a word of which none is left stays listed with 0."""
    for name, line_of_count in (("tools/vocabulary.txt", lambda c: rf"^({re.escape(c.name)}\s*\|\s*)(\d+)"),
                                ("tools/tidy_ratchet.txt", lambda c: rf"^({re.escape(c.name)} +)(\d+)")):
        path = root / name
        text = path.read_text()
        for count in counts:
            if len(count.places) < count.left:
                text = re.sub(line_of_count(count), lambda m, c=count: m[1] + f"{len(c.places):>{len(m[2])}}",
                              text, flags=re.M)
        path.write_text(text)


def file_problems(path, text, ratchet, used):
    suffix = Path(path).suffix
    for match in REGISTRY_HOSTS.finditer(text):
        yield line_of(text, match.start()), "names a package registry's host; name the package instead"
    for match in WORK_PATH.finditer(text):
        yield line_of(text, match.start()), "a path of one machine"
    if suffix not in (".h", ".cc", ".py", ".java"):
        return
    for match in LEFT_OVERS.finditer(text):
        yield line_of(text, match.start()), f"{match.group(0)} left behind"
    yield from size_rules(path, text)
    if suffix not in (".h", ".cc"):
        return
    code = code_only(text)
    yield from name_rules(path, code)
    yield from call_rules(path, code)
    yield from class_comment_rule(path, text)
    yield from function_rule(path, code, ratchet, used)
    if suffix == ".h" and "#pragma once" not in text:
        yield 1, "a header begins with #pragma once"
    if is_test(path) and not re.search(
            r"\b(?:EXPECT|ASSERT)_\w+|\bADD_FAILURE\b|\bFAIL\(\)|\bINSTANTIATE_TYPED_TEST_SUITE_P\b", code):
        yield 1, "a test file without an expectation cannot fail"


# --- driver -----------------------------------------------------------------------------------------

def tracked_files(root):
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True, text=True)
    if listing.returncode == 0:
        return sorted({name for name in listing.stdout.split("\0") if name})
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*")
                  if p.is_file() and p.relative_to(root).parts[0] not in ("build", ".git"))


def read_ratchet(root):
    path = root / "tools/tidy_ratchet.txt"
    ratchet = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.strip() and not line.startswith(("#", "keyed-lines ")):
            file, name, lines = line.split()
            ratchet[(file, name)] = int(lines)
    return ratchet


def check(root, counts=None):
    ratchet, used, problems = read_ratchet(root), set(), []
    counts = read_counts(root) if counts is None else counts
    for path in tracked_files(root):
        file = root / path
        if not file.is_file() or file.is_symlink():
            continue
        data = file.read_bytes()
        if b"\0" in data[:8192]:
            continue
        text = data.decode(errors="replace")
        problems += [f"{path}:{line}: {what}" for line, what in file_problems(path, text, ratchet, used)]
        if is_counted(path):
            for count in counts:
                count.add(path, text)
    for path, name in sorted(set(ratchet) - used):
        problems.append(f"tools/tidy_ratchet.txt: {path} {name} is short enough now; remove the entry")
    for count in counts:
        problems += count.problem()
    return problems


def main(argv):
    root = Path(argv[0]).resolve() if argv and argv[0] != "--tighten" else ROOT
    counts = read_counts(root)
    problems = check(root, counts)
    if argv == ["--tighten"]:
        tighten(root, counts)
    for problem in problems:
        print(problem)
    print(f"tidy: {len(problems)} problems" if problems else "tidy: nothing to say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
