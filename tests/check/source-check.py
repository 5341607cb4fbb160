#!/usr/bin/env python3
"""source-check.py - what `make check` says about the C sources themselves.

    source-check.py file-size LIMIT FILE...      files with more lines
    source-check.py function-size LIMIT FILE...  functions with more lines
    source-check.py forbid REGEX FILE...         code (not comments) that matches

Prints one line for each finding; status 1 if there is one. A function counts
from the first line of its head to its closing brace. Initialised tables are
no functions and may be long.
"""

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


def check_function_size(limit, path, source):
    for name, first, last in functions(source):
        lines = last - first + 1
        if lines > int(limit):
            yield f"{path}:{first}: {name}: {lines} lines, limit {limit}"


def check_forbidden(regex, path, source):
    for number, line in enumerate(without_comments(source).split("\n"), 1):
        if re.search(regex, line):
            yield f"{path}:{number}: {line.strip()}"


CHECKS = {
    "file-size": check_file_size,
    "function-size": check_function_size,
    "forbid": check_forbidden,
}


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    check, argument, paths = CHECKS[sys.argv[1]], sys.argv[2], sys.argv[3:]
    findings = []
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            findings += check(argument, path, stream.read())
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
