#!/usr/bin/env python3
"""source-check.py - what `make check` says about the C sources themselves.

    source-check.py file-size LIMIT FILE...      files with more lines
    source-check.py function-size LIMIT FILE...  functions with more lines of code
    source-check.py forbid REGEX FILE...         code (not comments) that matches
    source-check.py include-circles TOP FILE...  files that include each other

Prints one line for each finding; status 1 if there is one. A function counts
from the first line of its head to its closing brace, without blank lines and
comments. Initialised tables are no functions and may be long; inside of a
function, what stands between the braces of a "static const" does not count.

A circle is looked for with x.c and x.h of one folder taken as one. A header for
the inside of a folder or file (internal.h, x_internal.h) is something of its
own, but together with one user alone it is no circle. FILEs are named as seen
from the folder TOP. For each circle: its files, then who includes whom.
"""

import os
import re
import sys

# Comments, string and character literals, in the order in which they hide
# each other.
TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<literal>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.DOTALL,
)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(source):
    """Same lines and columns, comments blank; literals stay."""
    return TOKENS.sub(lambda m: blank(m.group()) if m.group("comment") else m.group(), source)


def bare_code(source):
    """Same lines and columns; comments, literals and preprocessor lines blank."""
    code = TOKENS.sub(lambda m: blank(m.group()), source)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m.group()), code, flags=re.MULTILINE)


def functions(source):
    """Yields (name, first line, last line)."""
    code = bare_code(source)
    depth = 0
    head = 0  # where the text before a top-level brace begins
    name = None
    for match in re.finditer(r"[{};]", code):
        mark, at = match.group(), match.start()
        if mark == "{":
            if depth == 0:
                # A head without "=" that ends with ")" (and perhaps attributes).
                found = re.search(r"(\w+)\s*\([^=]*\)\s*\Z", code[head:at])
                name = found and found.group(1)
                start = head + len(code[head:at]) - len(code[head:at].lstrip())
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                if name:
                    yield name, code.count("\n", 0, start) + 1, code.count("\n", 0, at) + 1
                head, name = match.end(), None
        elif depth == 0:
            head = match.end()


def check_file_size(limit, path, source):
    lines = source.count("\n")
    if lines > int(limit):
        yield f"{path}: {lines} lines, limit {limit}"


def without_tables(code):
    """What stands between the braces of constant tables is blank."""
    for head in re.finditer(r"\bstatic\s+const\b(?:[^;{}()]|\{[^{}]*\})*=\s*\{", code):
        depth, at = 1, head.end()
        while depth and at < len(code):
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            at += 1
        code = code[: head.end()] + blank(code[head.end() : at - 1]) + code[at - 1 :]
    return code


def check_function_size(limit, path, source):
    # literals keep their lines, and may have braces
    marked = TOKENS.sub(lambda m: blank(m.group()) if m.group("comment") else re.sub(r"[{}]", "_", m.group()), source)
    code = without_tables(marked).split("\n")
    for name, first, last in functions(source):
        lines = sum(1 for line in code[first - 1 : last] if line.strip())
        if lines > int(limit):
            yield f"{path}:{first}: {name}: {lines} lines, limit {limit}"


def check_forbidden(regex, path, source):
    for number, line in enumerate(without_comments(source).split("\n"), 1):
        if re.search(regex, line):
            yield f"{path}:{number}: {line.strip()}"


# ---- include circles: over all files at once ----


def node_of(path):
    return os.path.splitext(path)[0]


def include_edges(top, paths):
    """{node: {node it includes: "path:line"}}, of the given files only."""
    known, edges = set(paths), {node_of(path): {} for path in paths}
    for path in paths:
        with open(os.path.join(top, path), encoding="utf-8") as stream:
            lines = without_comments(stream.read()).split("\n")
        for number, line in enumerate(lines, 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not found:
                continue
            beside = os.path.normpath(os.path.join(os.path.dirname(path), found.group(1)))
            for target in (beside, os.path.normpath(found.group(1))):
                if target in known:
                    if node_of(target) != node_of(path):
                        edges[node_of(path)].setdefault(node_of(target), f"{path}:{number}")
                    break
    return edges


def reachable(edges, start):
    seen, todo = set(), [start]
    while todo:
        for target in edges[todo.pop()]:
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def circles(edges):
    """Sets of nodes that all reach each other, largest first."""
    reach = {node: reachable(edges, node) for node in edges}
    found, done = [], set()
    for node in sorted(edges):
        if node in reach[node] and node not in done:
            circle = {other for other in reach[node] if node in reach[other]}
            done |= circle
            if sum(1 for other in circle if not other.endswith("internal")) > 1:
                found.append(circle)
    return sorted(found, key=lambda circle: (-len(circle), sorted(circle)))


def check_circles(top, paths):
    edges = include_edges(top, [os.path.normpath(path) for path in paths])
    for circle in circles(edges):
        yield f"a circle of {len(circle)}: {' '.join(sorted(circle))}"
        for node in sorted(circle):
            for target in sorted(set(edges[node]) & circle):
                yield f"    {node} -> {target} ({edges[node][target]})"


CHECKS = {
    "file-size": check_file_size,
    "function-size": check_function_size,
    "forbid": check_forbidden,
}


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in [*CHECKS, "include-circles"]:
        sys.exit(__doc__)
    argument, paths = sys.argv[2], sys.argv[3:]
    findings = []
    if sys.argv[1] == "include-circles":
        findings += check_circles(argument, paths)
        paths = []
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            findings += CHECKS[sys.argv[1]](argument, path, stream.read())
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
