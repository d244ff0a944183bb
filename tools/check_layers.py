#!/usr/bin/env python3
"""Holds every #include against the module declarations (ctest `layers`).

A module is a folder src/NAME with slipstream_module(NAME RANK n DEPS ...), or a connector: src/connectors/NAME with
slipstream_module(NAME_connector ...). Its files include
  - itself, and the modules in DEPS, each of a lower rank (tests and testing/ also TEST_DEPS);
    with FOLDERS (lowest first, '.' = the module's own files) a folder includes itself and lower ones;
    INTERNAL_FOLDERS of another module are not included, by tests neither;
  - public headers "slipstream/...", the C++ library and third-party headers.
Public headers include the C++ library and each other only.
Headers of slow libraries stay in .cc files, save for the pairs in tools/layers_allow.txt.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SLOW_LIBRARIES = ("asio", "absl", "spdlog", "fmt", "simdjson", "rocksdb", "nlohmann", "CLI", "httplib",
                  "re2", "pcre2", "grpcpp", "google/protobuf", "librdkafka", "benchmark")
KEYWORDS = {"RANK", "FOLDERS", "INTERNAL_FOLDERS", "DEPS", "LIBS", "HEADERS", "SOURCES", "TESTS", "TEST_DEPS"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


class Module:
    def __init__(self, name, rank, deps, test_deps, folders, internal):
        self.name, self.rank, self.deps, self.test_deps = name, rank, deps, test_deps
        self.folders = folders  # lowest first
        self.internal = internal


def cmake_calls(text):
    """(command, words) of every call; set() and list(APPEND) are followed, every if() is taken."""
    text = re.sub(r"#[^\n]*", "", text)
    variables = {}
    for command, inner in re.findall(r"(\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", text):
        words = []
        for word in re.findall(r'"[^"]*"|[^\s"]+', inner):
            whole = re.fullmatch(r"\$\{(\w+)\}", word)
            words.extend(variables.get(whole.group(1), []) if whole else [word.strip('"')])
        if command == "set" and words:
            variables[words[0]] = words[1:]
        elif command == "list" and len(words) > 1 and words[0] == "APPEND":
            variables[words[1]] = variables.get(words[1], []) + words[2:]
        yield command, words


def parse_module(words):
    sections, current = {}, None
    for word in words[1:]:
        if word in KEYWORDS:
            current = sections.setdefault(word, [])
        elif current is not None:
            current.append(word)
    rank = sections.get("RANK", [""])[0] if sections.get("RANK") else ""
    return Module(words[0], int(rank) if rank.isdigit() else None, set(sections.get("DEPS", [])),
                  set(sections.get("TEST_DEPS", [])), sections.get("FOLDERS", []),
                  sections.get("INTERNAL_FOLDERS", []))


def module_name(folder):
    """Of a folder below src/, as a path: the name that its declaration must have."""
    parent, _, name = folder.rpartition("/")
    return f"{name}_connector" if parent == "connectors" else name


def read_modules(root, problems):
    """Folder below src/ -> module."""
    modules, names = {}, {}
    src = root / "src"
    for path in sorted([*src.glob("*/CMakeLists.txt"), *src.glob("connectors/*/CMakeLists.txt")]):
        folder = path.parent.relative_to(src).as_posix()
        for command, words in cmake_calls(path.read_text()):
            if command != "slipstream_module":
                continue
            module = parse_module(words)
            names.setdefault(module.name, module)
            if module.name == module_name(folder):
                modules[folder] = module
            if module.rank is None:
                problems.append(f"{path.relative_to(root)}: slipstream_module({module.name}) has no RANK")
        if folder not in modules:
            problems.append(f"{path.relative_to(root)}: no slipstream_module({module_name(folder)} RANK n "
                            "...); the layers of this folder cannot be checked")
    for folder, module in modules.items():
        for keyword, named in (("FOLDERS", module.folders), ("INTERNAL_FOLDERS", module.internal)):
            problems += [f"src/{folder}/CMakeLists.txt: {keyword} names {inner}, which is not there"
                         for inner in named if not (src / folder / inner).is_dir()]
        for dep in sorted(module.deps):
            other = names.get(dep)
            if other and None not in (module.rank, other.rank) and other.rank >= module.rank:
                problems.append(f"src/{folder}/CMakeLists.txt: {module.name} (rank {module.rank}) "
                                f"names {dep} (rank {other.rank}); a module may use lower ranks only")
    return modules


def folder_of(path, modules):
    """The module's folder that holds a path below src/."""
    parts = path.split("/")
    nested = "/".join(parts[:2])
    return nested if nested in modules else parts[0]


def allowed_slow_headers(root):
    path = root / "tools/layers_allow.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {tuple(line.split()[:2]) for line in lines if line.strip() and not line.startswith("#")}


def check_slow(path, header, allowed, report):
    for library in SLOW_LIBRARIES:
        if header.startswith(library + "/") or header.startswith(library + "."):
            if (path, library) not in allowed:
                report(f"includes <{header}> in a header: {library} is slow to compile and belongs "
                       "in .cc files")


def check_public(root, path, header, quoted, report):
    if quoted and not header.startswith("slipstream/"):
        report(f'public header includes "{header}"; public headers include the C++ library and '
               '"slipstream/..." only')
    elif quoted and not (root / "include" / header).exists():
        report(f'includes "{header}", which does not exist')
    elif not quoted and not re.fullmatch(r"[a-z0-9_]+", header):
        report(f"public header includes <{header}>; public headers include the C++ library and "
               '"slipstream/..." only')


def check_folders(owner, module, path, header, report):
    """`path` and `header` are of one module, which is the folder src/OWNER."""
    own, other = ((inner.split("/")[0] if "/" in inner else ".")
                  for inner in (path.removeprefix(f"src/{owner}/"), header.removeprefix(f"{owner}/")))
    folders = module.folders if module else []
    if own in folders and other in folders and folders.index(other) > folders.index(own):
        name = {".": f"the module's own files, src/{owner}"}
        report(f'includes "{header}": FOLDERS in src/{owner}/CMakeLists.txt has '
               f"{name.get(own, own)} below {name.get(other, other)}; a folder includes itself and lower ones")


def check_internal(root, path, header, modules, report):
    """`path` is src/FOLDER/..., `header` the text between the quotes."""
    if header.startswith("slipstream/"):
        if not (root / "include" / header).exists():
            report(f'includes "{header}", which does not exist')
        return
    if not (root / "src" / header.split("/")[0]).is_dir() or "/" not in header:
        report(f'includes "{header}"; write the path from src/, as in "base/try.h"')
        return
    if header.endswith(".h") and not (root / "src" / header).exists():  # what the build makes are .inc files
        report(f'includes "{header}", which does not exist')
        return
    owner = folder_of(path.removeprefix("src/"), modules)
    target = folder_of(header, modules)
    for_test = path.endswith("_test.cc") or "/testing/" in path
    if target == owner:
        if not path.endswith("_test.cc"):
            check_folders(owner, modules.get(owner), path, header, report)
        if "/testing/" in header and not for_test:
            report(f'includes "{header}", which is for tests only')
        return
    module = modules.get(owner)
    if module is None:
        return
    name = module_name(target)
    declared = module.deps | (module.test_deps if for_test else set())
    if name not in declared:
        kind = "TEST_DEPS" if for_test else "DEPS"
        report(f'includes "{header}", but src/{owner}/CMakeLists.txt does not name {name} in {kind}')
    other = modules.get(target)
    inner = header.removeprefix(f"{target}/").split("/")[0]
    if other and inner in other.internal:
        report(f'includes "{header}": src/{target}/CMakeLists.txt has {inner} in INTERNAL_FOLDERS; use what '
               f'{name} offers other modules')
    if other and not for_test and None not in (module.rank, other.rank) and other.rank >= module.rank:
        report(f'{module.name} (rank {module.rank}) includes "{header}" of {name} (rank {other.rank}); '
               'lower ranks only')


def check(root):
    problems = []
    modules = read_modules(root, problems)
    allowed = allowed_slow_headers(root)
    files = [file for folder in ("include", "src") for file in sorted((root / folder).rglob("*"))
             if file.suffix in (".h", ".cc")]
    for file in files:
        path = file.relative_to(root).as_posix()
        text = file.read_text(errors="replace")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(1) if match.group(1) else match.start(2)) + 1
            header, quoted = match.group(1) or match.group(2), match.group(1) is not None

            def report(what):
                problems.append(f"{path}:{line}: {what}")

            if path.startswith("include/"):
                check_public(root, path, header, quoted, report)
            elif quoted:
                check_internal(root, path, header, modules, report)
            elif file.suffix == ".h":
                check_slow(path, header, allowed, report)
            if quoted and file.suffix == ".h" and not path.startswith("include/"):
                check_slow(path, header, allowed, report)
    return problems


def main(argv):
    root = Path(argv[0]).resolve() if argv else ROOT
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems" if problems else "layers: every include points downwards")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
