#!/usr/bin/env python3
"""Holds test/options/elsewhere.txt against the tests that it names (ctest `options`).

A line says "owner: option: file test: one | another". The test must be there; its code, without comments and
docstrings, must use the option's name and both values, and check something. "(not given)" stands for the
effect without the option: the test must then check at least twice.
"""
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_GIVEN = "(not given)"


def python_test(text, name):
    """Code of CLASS.METHOD: (words used, number of checks), or None."""
    owner, _, method = name.partition(".")
    for node in ast.parse(text).body:
        if not (isinstance(node, ast.ClassDef) and node.name == owner):
            continue
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name == method:
                return python_words(function)
    return None


def python_words(function):
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    words, checks = [], 0
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Constant):
            words.append(str(node.value))
        elif isinstance(node, ast.keyword) and node.arg:
            words.append(node.arg)
        elif isinstance(node, ast.Name):
            words.append(node.id)
        elif isinstance(node, ast.Attribute):
            words.append(node.attr)
            checks += node.attr.startswith(("assert", "fails", "refused", "wait_for"))
    return words, checks


def cpp_test(text, name):
    """The same for a test of GoogleTest."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    suite, _, case = name.partition(".")
    begin = re.search(r"\bTEST(?:_F|_P)?\(%s,\s*%s\)\s*\{" % (re.escape(suite), re.escape(case)), text)
    if begin is None:
        return None
    body = text[begin.end():].split("\n}\n", 1)[0]
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', body)
    return words, len(re.findall(r"\b(?:EXPECT|ASSERT)_\w+\(", body))


def spellings(option):
    return {option, re.sub(r"[.-]", "_", option)}


def problem_of(line, root=ROOT):
    """What is wrong with one line, or None."""
    fields = [field.strip() for field in line.split(":", 3)]
    if len(fields) != 4 or " " not in fields[2] or " | " not in fields[3]:
        return "is not 'owner: option: file test: one | another'"
    _, option, place, values = fields
    file, name = place.split(" ", 1)
    # The values may hold "||": the last " | " stands between them.
    one, other = values.rsplit(" | ", 1)
    if one == other:
        return "names one value twice"
    path = root / file
    if not path.is_file():
        return f"names {file}, which does not exist"
    found = (python_test if file.endswith(".py") else cpp_test)(path.read_text(), name)
    if found is None:
        return f"names {name}, which is not in {file}"
    words, checks = found
    named = lambda word, spelling: word == spelling or f"'{spelling}'" in word  # noqa: E731
    if not any(named(word, spelling) for spelling in spellings(option) for word in words):
        return f"{name} does not use '{option}'"
    for value in (one, other):
        if value != NOT_GIVEN and not any(value in word for word in words):
            return f"{name} does not use the value '{value}'"
    if checks < 2:
        return f"{name} checks less than two effects"
    return None


def main():
    problems = []
    manifest = ROOT / "test/options/elsewhere.txt"
    for number, line in enumerate(manifest.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        problem = problem_of(line)
        if problem:
            problems.append(f"{manifest.relative_to(ROOT)}:{number}: {problem}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
