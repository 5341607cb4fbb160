#!/usr/bin/env python3
"""mutants.py - do the unit tests notice when a line of the module is wrong?

Makes single-line changes ("mutants") in apdu/, profiles/ and src/, builds the
module with each, and runs the unit tests that reach the line until one fails.
A change that no test notices is a rule that nobody watches.

    make mutants                                   200 mutants, seed 1
    make mutants MUTANTS='--count 0'               all of them (hours)
    make mutants MUTANTS='--files src/token --seed 7'
    make mutants MUTANTS='--list --files apdu'     only show them

  --count N      how many, drawn by the seed, at most one of a line (0: all there are)
  --from N       leave the first ones of the draw out, which an earlier run tried: begin with number N
  --seed N       another draw; the same seed and sources give the same mutants
  --files TEXT   only files whose path has one of these texts (comma-separated)
  --only OPS     only these operators (comma-separated; --list names them)
  --jobs N       parallel (default: the machine's processors)
  --without LIST test programs not to run (comma-separated), as the slowest: what only they notice is missing then
  --minimum P    exit status 1 below P per cent noticed (default 95)
  --list         print the mutants that would be tried
  --no-sanitizers  without them
  --json FILE    all results
  --again FILE   those of an earlier run's results that were not noticed, where the line is still there

How: everything is compiled once, the module's sources into one shared object
that the test programs load. A mutant costs one compilation, one link of that
object, and the tests. Coverage, measured once for each test program, says
which of them reach the line; those that noticed mutants of the same file go
first. A test that takes four times its time and ten seconds more hangs, which
counts as noticed. A change that gives the same code with -O2 is no change.
What no test notices runs again in the quicker tests, with the sanitizers that
continuous integration uses: bytes behind an array, memory not given back.
What was measured, and which tests noticed what, is kept for the next run. A
test program that changed is measured again; to a source that changed come all
tests that came to it before, until BUILD/mutants is removed.

Results: noticed; unnoticed (shown with its line); unreached: no test comes to
the line, also not noticed; equivalent: same code, or listed with the reason
in equivalent.txt; invalid: does not compile. The per cent are of noticed +
unnoticed + unreached. Only unit tests run: what only a card test would see
(tests/card) counts as unnoticed.

Needs gcc, gcov, cmocka. make passes the flags in the environment. Files of
the build stay in BUILD/mutants, to be read with the results. Tests of the tools
(twcard, agent, authority) and the sweep are left out.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import queue
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.abspath(os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "..", "..")))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
WORK = os.path.join(BUILD, "mutants")
KNOWN = "known.json"  # in it: what earlier runs measured
FOLDERS = ("apdu", "profiles", "src")

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "check"))
CHECKER = __import__("source-check")  # it knows comments and literals

# ---- the changes ---------------------------------------------------------------

SWAPS = {"==": "!=", "!=": "==", "<=": "<", ">=": ">", "<": "<=", ">": ">=", "&&": "||", "||": "&&",
         "+": "-", "-": "+", "&": "|", "|": "&", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=",
         "true": "false", "false": "true", "CK_TRUE": "CK_FALSE", "CK_FALSE": "CK_TRUE"}
SWAP_NAMES = {"<": "boundary", "<=": "boundary", ">": "boundary", ">=": "boundary", "==": "equal", "!=": "equal",
              "&&": "logic", "||": "logic"}
# Binary operators stand between blanks in this project; "<" of a cast or a shift does not.
OPERATOR = re.compile(r"(?<= )(==|!=|<=|>=|<|>|&&|\|\||\+=|-=|\|=|&=|\+|-|&|\|)(?= |$)")
WORD = re.compile(r"\b(true|false|CK_TRUE|CK_FALSE)\b")
NUMBER = re.compile(r"(?<![\w.])(0x[0-9A-Fa-f]+|\d+)(?![\w.])")
RETURN = re.compile(r"\b(return|rv =|r =|:|\?) (RESULT|CKR)_([A-Z0-9_]+)(?=[;, )]|$)")
CONDITION = re.compile(r"\b(if|while) \(")
CALL = re.compile(r"^\s*(?:\(void\))?(\w+)\([^;]*\);\s*$")
ASSIGNMENT = re.compile(r"^\s*[*\w][\w.>\[\]()*-]* (?:[|&+-]?)= [^;]*;\s*$")
JUMP = re.compile(r"^\s*(goto \w+|break|continue);\s*$")
TYPES = re.compile(r"^\s*(?:static|const|struct|enum|union|unsigned|int|char|bool|long|void|size_t|ssize_t|u?int\d+_t|"
                   r"CK_[A-Z_]+|[A-Z][A-Z_0-9]* \*|DWORD|LONG|pid_t|time_t|pthread_\w+|EVP_\w+|BIGNUM|X509|FILE)\b")
# What cannot be seen: logs, and memory given back without being wiped.
SILENT = re.compile(r"^\s*(?:\(void\))?(?:log_\w+|free|EVP_\w+_free|BN_\w*free|X509_\w*free|OSSL_\w+_free|OPENSSL_free|"
                    r"(?:RSA|ERR)_\w+|va_end|assert|static_assert|_Static_assert)\(")


# A condition without calls, and all that hangs on it, and on what is else, is a log.
LOG = r"\s*log_\w+\([^;]*;\n"
LOG_ONLY = re.compile(rf"^\s*(?:\}} else |else )?if \([^()]*\)(?: \{{\n{LOG}\s*\}}\n|\n{LOG}"
                      rf"(?:\s*else(?: if \([^()]*\))?\n{LOG})*(?!\s*else\b))")


def close_of(code, at):
    """Where the parenthesis that opens at `at` closes, in one line; -1: not there."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return -1


def changes_of(line, code):
    """(operator, new line) for a line; `code` is it without comments and literals."""
    def put(start, end, text):
        return line[:start] + text + line[end:]

    declares = TYPES.match(code) is not None
    start = code.index("=") + 1 if declares and "=" in code else 0
    if declares and "=" not in code and not code.lstrip().startswith("for"):
        return
    for m in OPERATOR.finditer(code, start):
        # a "-" or "&" of one operand has none before it
        if m.group(1) in "+-&|" and re.search(r"[=(,?:<>&|+*/-]\s*$|return\s*$", code[: m.start()]):
            continue
        yield SWAP_NAMES.get(m.group(1), "arithmetic"), put(m.start(), m.end(), SWAPS[m.group(1)])
    for m in WORD.finditer(code, start):
        yield "truth", put(m.start(), m.end(), SWAPS[m.group(1)])
    for m in NUMBER.finditer(code, start) if "calloc(1, " not in code else ():
        value = int(m.group(1), 8 if re.match(r"0\d", m.group(1)) else 0)
        yield "number", put(m.start(), m.end(), str(value + 1))
        if value > 1:
            yield "number", put(m.start(), m.end(), str(value - 1))
    for m in re.finditer(r"!(?!=)", code[start:]):
        yield "not", put(start + m.start(), start + m.end(), "")
    for m in RETURN.finditer(code, start):
        kind, name = m.group(2), m.group(3)
        other = {"RESULT": "(enum result)(RESULT_OK + 1)", "CKR": "CKR_FUNCTION_FAILED"}[kind] if name == "OK" else kind + "_OK"
        yield "result", put(m.start(2), m.end(), other)
    for m in CONDITION.finditer(code):
        end = close_of(code, m.end() - 1)
        if end > 0:
            yield "negate", put(m.end(), end, "!(" + line[m.end() : end] + ")")
    if not declares:
        indent = line[: len(line) - len(line.lstrip())]
        if CALL.match(code) and CALL.match(code).group(1) not in ("if", "for", "while", "switch", "return", "sizeof"):
            yield "call", indent + ";"
        elif ASSIGNMENT.match(code):
            yield "assignment", indent + ";"
        elif JUMP.match(code):
            yield "jump", indent + ";"


def code_lines(source):
    """Indexes of lines that are code: in a function, or in a table; without those of silent statements."""
    code = CHECKER.bare_code(source)
    lines, depth, silent, table, head = code.split("\n"), 0, False, False, ""
    for index, line in enumerate(lines):
        begins = depth
        if depth == 0:
            head += line
            table = re.search(r"=\s*\{[^}]*$", head) is not None
        depth += line.count("{") - line.count("}")
        if depth == 0 and re.search(r"[;}]\s*$", line):
            head = ""
        if begins == 0 or re.match(r"\s*[{}]?\s*$", line):
            continue
        if LOG_ONLY.match("\n".join(lines[index : index + 12]) + "\n"):
            continue
        begins_statement = not silent
        if begins_statement and SILENT.match(line):
            silent = True
        if not silent and not (begins == 1 and re.search(r"\b(enum|struct|union)\b[^=()]*\{", head) and not table):
            yield index, line
        if silent and re.search(r";\s*$", line):
            silent = False


class Mutant:
    def __init__(self, path, number, operator, old, new):
        self.path, self.number, self.operator, self.old, self.new = path, number, operator, old, new
        self.state, self.by, self.tried = None, "", 0

    def __str__(self):
        return f"{self.path}:{self.number}: {self.operator}\n  - {self.old.strip()}\n  + {self.new.strip()}"


def all_mutants(paths):
    for path in paths:
        with open(os.path.join(TOP, path), encoding="utf-8") as stream:
            source = stream.read()
        lines = source.split("\n")
        for index, code in code_lines(source):
            for operator, new in changes_of(lines[index], code.ljust(len(lines[index]))):
                yield Mutant(path, index + 1, operator, lines[index], new)


def draw(mutants, count, seed):
    """Lines first, so that a line with many numbers weighs no more than others; calls that wipe all the same."""
    chance, by_line = random.Random(seed), {}
    for m in mutants:
        by_line.setdefault((m.path, m.number), []).append(m)
    if not count:
        return mutants
    keys = chance.sample(sorted(by_line), min(count, len(by_line)))
    return [chance.choice(by_line[key]) for key in keys]


def read_equivalents():
    """Rows "PATH PATTERN | OPERATOR | LINE | REASON", or "… | LINE => CHANGED | …": all may have * and ?."""
    rows = []
    with open(os.path.join(TOP, "tests", "mutants", "equivalent.txt"), encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                rows.append([part.strip() for part in line.split(" | ")])
                if len(rows[-1]) != 4:
                    sys.exit(f"equivalent.txt: not four parts: {line.strip()}")
    return rows


def listed_as_equivalent(mutant, rows):
    old, new = mutant.old.strip(), mutant.new.strip()
    for path, operator, line, reason in rows:
        text = f"{old} => {new}" if " => " in line else old
        if (fnmatch.fnmatchcase(mutant.path, path) and operator in ("*", mutant.operator)
                and fnmatch.fnmatchcase(text, line)):
            return reason
    return None


# ---- building ------------------------------------------------------------------

CC = shlex.split(os.environ.get("CC", "gcc"))
# As the module is: what the loader does at a first call leaves copies of registers, of secrets, on the stack.
LINK = [*CC, "-Wl,-z,relro", "-Wl,-z,now"]
CPPFLAGS = ["-D_GNU_SOURCE", "-DHAVE_CONFIG_H", '-DSYSCONFDIR="/etc"', "-I.", "-I" + BUILD]
CFLAGS = ["-std=gnu11", "-w", "-O0", "-fPIC"] + shlex.split(os.environ.get("TWCARD_TEST_CFLAGS", ""))
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
TEST_CPPFLAGS = ["-Itools/virtual-card", "-Itests/unit/support", f'-DTESTDATA="{TOP}/tests/data"',
                 '-DTESTTMP="tests/tmp"', f'-DTOPSRC="{TOP}"', "-include", "steady_chance.h"]
# libtool's archives are compiled here, with the support library
LIBS = [word for word in shlex.split(os.environ.get("MUTANT_LIBS", "-lcmocka -lcrypto -ljson-c -linih"))
        if not word.endswith(".la")] + ["-ldl", "-lpthread"]
# What the module's sources and the tests need beside them: automake's names. It is not changed.
SUPPORT = ("tests_unit_support_libsteady_la", "tests_unit_support_libtestsupport_la", "tools_virtual_card_libvcard_la",
           "authz_libauthz_la")

# A child that a test ends with _exit() or SIGKILL has reached lines, too.
COVERAGE_HELP = """
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
void __gcov_dump(void);
__attribute__((visibility("default"))) void _exit(int status)
{
	__gcov_dump();
	for (;;)
		syscall(SYS_exit_group, status);
}
__attribute__((visibility("default"))) int raise(int sig)
{
	__gcov_dump();
	return kill(getpid(), sig);
}
"""


def command(arguments, **more):
    return subprocess.run(arguments, cwd=more.pop("cwd", TOP), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **more)


def must(arguments):
    done = command(arguments)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}")


def flat(path):
    return path.replace("/", "__")[: -len(".c")] + ".o"


def compile_to(path, out, *flags):
    return [*CC, *CPPFLAGS, *CFLAGS, *flags, "-c", path, "-o", out]


def automake_variables():
    with open(os.path.join(TOP, "Makefile.am"), encoding="utf-8") as stream:
        text = stream.read().replace("\\\n", " ")
    found = {m.group(1): shlex.split(m.group(2)) for m in re.finditer(r"^(\w+) *= *(.*)$", text, re.MULTILINE)
             if "'" not in m.group(2) or m.group(1).endswith("_CPPFLAGS")}
    for m in re.finditer(r"^(\w+_SOURCES) *\+= *(.*)$", text, re.MULTILINE):
        found.setdefault(m.group(1), []).extend(m.group(2).split())
    for name in [n for n in found if n.endswith(("_SOURCES", "_LDADD", "_CPPFLAGS", "_LDFLAGS"))]:
        found[name] = [s for word in found[name] for s in found.get(word.strip("$()"), [word])]
    return found


def files_below(folder):
    for where, _, names in os.walk(os.path.join(TOP, folder)):
        yield from (os.path.relpath(os.path.join(where, n), TOP) for n in names if n.endswith((".c", ".h")))


def sources_below(folders):
    """But what is another system's."""
    return sorted(s for folder in folders for s in files_below(folder) if s.endswith(".c") and not s.endswith("_windows.c"))


class Test:
    """A test program: what it is made of, and what is known of it."""

    def __init__(self, name, variables):
        stem = "tests_unit_" + name
        self.name = name
        sources = [s for s in variables.get(stem + "_SOURCES", [f"tests/unit/{name}.c"]) if s.endswith(".c")]
        self.own = [s for s in sources if not s.startswith(FOLDERS)]
        self.shared = [s for s in sources if s.startswith(FOLDERS)]  # of the module, compiled into the program
        flags = [f.replace("$(top_srcdir)", TOP) for f in variables.get(stem + "_CPPFLAGS", [])]
        self.flags = [f for f in flags if f.startswith(("-D", "-I")) and "$(" not in f]
        # ld's --wrap sees no calls of a shared object, and its destructors come after the program's:
        # such a program has the whole module in itself
        self.wraps = [f for f in variables.get(stem + "_LDFLAGS", []) if f.startswith("-Wl,--wrap=")]
        self.whole = self.wraps or self.has_destructor()
        self.seconds = 0.0

    def has_destructor(self):
        with open(os.path.join(TOP, "tests", "unit", self.name + ".c"), encoding="utf-8") as stream:
            return "((destructor(" in stream.read()

    def objects(self, folder):
        return [os.path.join(folder, self.name + "." + flat(s)) for s in self.own + self.shared]

    def link(self, out, objects, libraries, *flags):
        return [*LINK, *flags, *objects, "-o", out, "-L" + libraries, "-L" + os.path.join(WORK, "base"),
                "-Wl,--no-as-needed,--allow-shlib-undefined", "-lmodule", "-lsupport", *LIBS]

    def link_whole(self, out, objects, *flags):
        return [*LINK, *flags, *objects, "-o", out, *self.wraps, *LIBS]


def tests_the_module(program, variables):
    """Programs of other folders and of the tools take more to build than this knows."""
    libraries = variables.get(program.replace("/", "_") + "_LDADD", [])
    return os.path.dirname(program) == "tests/unit" and "src/libcore.la" in libraries and not any(
        word.startswith(("tools/twcard/", "tools/agent/", "tools/authority/")) for word in libraries)


class Tree:
    def __init__(self, without):
        variables = automake_variables()
        self.sources = sources_below(FOLDERS)
        # not all of tests/unit/support: quick_time.c is for programs that ask for it
        self.support = [s for name in SUPPORT for s in variables[name + "_SOURCES"] if s.endswith(".c")]
        names = os.environ.get("MUTANT_TESTS") or " ".join(
            s[:-2] for s in sources_below(["tests/unit"]) if os.path.basename(s).startswith("test_"))
        self.tests = [Test(os.path.basename(n), variables) for n in names.split()
                      if os.path.basename(n) not in without and tests_the_module(n, variables)]
        self.base, self.cov, self.san = (os.path.join(WORK, name) for name in ("base", "cov", "san"))
        self.san_tests = None  # {name: does it end well}, once they are built

    def build(self, jobs):
        os.makedirs(WORK, exist_ok=True)
        for name in os.listdir(WORK):
            if name not in ("clean", KNOWN):
                path = os.path.join(WORK, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for folder in (self.base, self.cov, self.san):
            os.makedirs(folder)
        with open(os.path.join(WORK, "coverage_help.c"), "w", encoding="utf-8") as stream:
            stream.write(COVERAGE_HELP)
        steps = [compile_to(s, os.path.join(self.base, flat(s))) for s in self.sources]
        steps += [compile_to(s, os.path.join(self.cov, flat(s)), "--coverage") for s in self.sources]
        steps += [compile_to(s, os.path.join(self.base, flat(s)), *TEST_CPPFLAGS) for s in self.support]
        steps += [compile_to(os.path.join(WORK, "coverage_help.c"), os.path.join(self.cov, "coverage_help.o"))]
        for test in self.tests:
            for s in test.own + test.shared:
                steps.append(compile_to(s, os.path.join(self.base, test.name + "." + flat(s)), *TEST_CPPFLAGS, *test.flags))
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(must, steps))
        must([*LINK, "-shared", "-o", os.path.join(self.base, "libsupport.so"),
              *[os.path.join(self.base, flat(s)) for s in self.support]])
        must(self.link_module(self.base, {}))
        must([*LINK, "-shared", "--coverage", "-o", os.path.join(self.cov, "libmodule.so"),
              os.path.join(self.cov, "coverage_help.o"), *[os.path.join(self.cov, flat(s)) for s in self.sources]])
        steps = [t.link(os.path.join(self.base, t.name), t.objects(self.base), self.base)
                 for t in self.tests if not t.whole]
        for test in (t for t in self.tests if t.whole):
            help_object = os.path.join(self.cov, "coverage_help.o")
            steps.append(self.link_whole(test, self.base, self.base, {}))
            steps.append(self.link_whole(test, self.cov, self.cov, {}, "--coverage", help_object))
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(must, steps))

    def build_sanitized(self, jobs):
        """The same with sanitizers; without the programs that have the whole module in themselves."""
        self.san_tests = {}
        tests = [t for t in self.tests if not t.whole and not t.shared]
        steps = [compile_to(s, os.path.join(self.san, flat(s)), *SANITIZE) for s in self.sources]
        steps += [compile_to(s, os.path.join(self.san, flat(s)), *SANITIZE, *TEST_CPPFLAGS) for s in self.support]
        for test in tests:
            for s in test.own:
                steps.append(compile_to(s, os.path.join(self.san, test.name + "." + flat(s)), *SANITIZE,
                                        *TEST_CPPFLAGS, *test.flags))
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(must, steps))
        must([*LINK, *SANITIZE, "-shared", "-o", os.path.join(self.san, "libsupport.so"),
              *[os.path.join(self.san, flat(s)) for s in self.support]])
        must(self.link_module(self.san, {}, self.san, *SANITIZE))
        for test in tests:
            must(test.link(os.path.join(self.san, test.name), test.objects(self.san), self.san, *SANITIZE))

    def ends_well_sanitized(self, test):
        """Some tests cannot: they measure time, or look into their own memory."""
        if test.name not in self.san_tests:
            program = os.path.join(self.san, test.name)
            self.san_tests[test.name] = os.path.exists(program) and run_test(
                test, program, os.path.join(WORK, "clean"), self.san, 10 * test.seconds + 10)
        return self.san_tests[test.name]

    def module_objects(self, folder, replaced):
        return [replaced.get(s, os.path.join(folder, flat(s))) for s in self.sources]

    def link_module(self, out, replaced, folder=None, *flags):
        return [*LINK, *flags, "-shared", "-o", os.path.join(out, "libmodule.so"),
                *self.module_objects(folder or self.base, replaced)]

    def link_whole(self, test, out, folder, replaced, *flags):
        objects = test.objects(self.base) + self.module_objects(folder, replaced)
        objects += [os.path.join(self.base, flat(s)) for s in self.support]
        return test.link_whole(os.path.join(out, test.name), objects, *flags)


# ---- running -------------------------------------------------------------------


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 20, 200 << 20))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


def limits_sanitized():
    """A sanitizer reserves more address space than there is memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 20, 200 << 20))


def run_test(test, program, folder, library, seconds, **more):
    """True if it ends well in time. All that it started ends with it."""
    base = os.path.dirname(program)
    environment = {**os.environ, "LD_LIBRARY_PATH": f"{library}:{base}:{os.path.join(WORK, 'base')}", "top_srcdir": TOP,
                   "top_builddir": BUILD, "TWCARD_CONF": "/dev/null", "XDG_CACHE_HOME": "/dev/null/none",
                   "XDG_RUNTIME_DIR": "/dev/null/none",
                   # a test may put functions of its own in the place of the support library's
                   "ASAN_OPTIONS": "detect_odr_violation=0", "TMPDIR": os.path.join(folder, "tmp"), **more}
    os.makedirs(environment["TMPDIR"], exist_ok=True)
    with open(os.path.join(folder, test.name + ".out"), "w", encoding="utf-8") as out:
        process = subprocess.Popen([program], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, start_new_session=True,
                                   preexec_fn=limits_sanitized if base.endswith("/san") else limits)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return status == 0


def digest(paths):
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        with open(os.path.join(TOP, path), "rb") as stream:
            total.update(path.encode() + b"\0" + stream.read() + b"\0")
    return total.hexdigest()


def read_known(tree):
    """{"tests": {name: {key, seconds, files}}, "kills": {path: {test: how often}}}; gives each test its key."""
    for test in tree.tests:
        test.key = " ".join([digest(test.own), *test.own, *test.shared, *test.flags, *test.wraps])
    try:
        with open(os.path.join(WORK, KNOWN), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        shutil.rmtree(os.path.join(WORK, "clean"), ignore_errors=True)
        return {"tests": {}, "kills": {}}


def write_known(known):
    with open(os.path.join(WORK, KNOWN), "w", encoding="utf-8") as stream:
        json.dump(known, stream)


TRIES = 3  # of a clean run: a test that measures time may fail on a busy machine


def measure(tree, known, jobs):
    """Clean runs: their time, and who reaches which lines. Tests that fail by themselves are left out, and named."""
    clean = os.path.join(WORK, "clean")
    os.makedirs(clean, exist_ok=True)
    strip = str(len(tree.cov.strip("/").split("/")))

    def both(test):
        if known["tests"].get(test.name, {}).get("key") == test.key:
            return
        known["tests"].pop(test.name, None)
        program = os.path.join(tree.base, test.name)
        counts = os.path.join(WORK, "counts", test.name)
        os.makedirs(counts)
        for _ in range(TRIES):
            begin = time.monotonic()
            well = run_test(test, program, clean, tree.base, 300)
            seconds = time.monotonic() - begin
            if well:
                break
        counting = os.path.join(tree.cov, test.name) if test.whole else program
        if well:
            run_test(test, counting, clean, tree.cov, 900, GCOV_PREFIX=counts, GCOV_PREFIX_STRIP=strip)
            known["tests"][test.name] = {"key": test.key, "seconds": seconds, "files": read_counts(tree, counts)}

    # one alone, for the card that all of them use
    both(tree.tests[0])
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(both, tree.tests[1:]))
    for test in tree.tests:
        if test.name not in known["tests"]:
            print(f"left out, it fails without a change: {test.name}, see {clean}/{test.name}.out")
    tree.tests = [t for t in tree.tests if t.name in known["tests"]]
    for test in tree.tests:
        test.seconds = known["tests"][test.name]["seconds"]
    write_known(known)


def read_counts(tree, counts):
    """{path: {"digest", "reached": lines, "lines": those with code, "functions": [(first, last)]}}"""
    names = [n[: -len(".gcda")] for n in os.listdir(counts) if n.endswith(".gcda")]
    files = {}
    for name in names:
        os.symlink(os.path.join(tree.cov, name + ".gcno"), os.path.join(counts, name + ".gcno"))
    if not names:
        return files
    answer = subprocess.run(["gcov", "--json-format", "--stdout", *[n + ".gcda" for n in names]], cwd=counts,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    for document in answer.splitlines():
        for file in json.loads(document)["files"]:
            if file["file"].startswith(FOLDERS):
                files[file["file"]] = {
                    "digest": digest([file["file"]]),
                    "lines": [line["line_number"] for line in file["lines"]],
                    "reached": [line["line_number"] for line in file["lines"] if line["count"]],
                    "functions": [(f["start_line"], f["end_line"]) for f in file["functions"]]}
    return files


def reached_lines(tree, known):
    """{path: {line: tests}}, with line 0 for the file at all: its tables; and where the functions are."""
    reached, tables = {}, {}
    now = {path: digest([path]) for path in tree.sources}
    changed = {path for test in tree.tests for path, file in known["tests"][test.name]["files"].items()
               if file["digest"] != now.get(path)}
    for test in tree.tests:
        for path, file in known["tests"][test.name]["files"].items():
            lines = reached.setdefault(path, {})
            if path in changed:
                if file["reached"]:
                    lines.setdefault(0, set()).add(test.name)
                continue
            for number in file["lines"]:
                lines.setdefault(number, set())
            for number in file["reached"]:
                lines[number].add(test.name)
            if file["reached"]:
                lines.setdefault(0, set()).add(test.name)
            if file["functions"]:
                tables[path] = file["functions"]
    return reached, tables


def who_reaches(mutant, reached, tables):
    """Names of tests. A line without code of its own goes with the one before it, a table with its file."""
    lines = reached.get(mutant.path, {})
    for first, last in tables.get(mutant.path, []):
        if first <= mutant.number <= last:
            for number in range(mutant.number, first - 1, -1):
                if number in lines:
                    return lines[number]
    return lines.get(0, set())


SLOW = 2  # seconds of a test before which it is worth looking whether anything changed


class Runner:
    def __init__(self, tree, known, jobs, sanitizers):
        self.tree, self.kills, self.sanitizers = tree, known["kills"], sanitizers
        self.reached, self.tables = reached_lines(tree, known)
        self.lock = threading.Lock()
        self.folders = queue.Queue()
        for i in range(jobs):
            self.folders.put(os.path.join(WORK, f"job{i}"))
        self.rows = read_equivalents()
        self.good = {}  # test -> does it end well without a change

    def order(self, mutant):
        names = who_reaches(mutant, self.reached, self.tables)
        tests = [t for t in self.tree.tests
                 if t.name in names or mutant.path in t.shared]
        with self.lock:
            kills = dict(self.kills.get(mutant.path, {}))
        # the most kills for the time first; who has the whole module in itself is linked first
        cost = {t.name: t.seconds + (0.5 if t.whole else 0.05) for t in tests}
        return sorted(tests, key=lambda t: (-kills.get(t.name, 0) / cost[t.name], cost[t.name]))

    def try_mutant(self, mutant):
        folder = self.folders.get()
        try:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(os.path.join(WORK, "clean", "tests"), os.path.join(folder, "tests"))
            mutant.state = self.state_of(mutant, folder)
        finally:
            self.folders.put(folder)
        return mutant

    def state_of(self, mutant, folder):
        if listed_as_equivalent(mutant, self.rows):
            mutant.by = listed_as_equivalent(mutant, self.rows)
            return "equivalent"
        changed = os.path.join(folder, mutant.path)  # beside it, "x.h" of the project is found through -iquote
        os.makedirs(os.path.dirname(changed), exist_ok=True)
        with open(os.path.join(TOP, mutant.path), encoding="utf-8") as stream:
            lines = stream.read().split("\n")
        lines[mutant.number - 1] = mutant.new
        with open(changed, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines))
        beside = ["-iquote", os.path.join(TOP, os.path.dirname(mutant.path))]
        out = os.path.join(folder, "changed.o")
        if command(compile_to(changed, out, *beside)).returncode:
            return "invalid"
        tests = self.order(mutant)
        if not tests:
            return "equivalent" if self.same_code(mutant, changed, beside, folder) else "unreached"
        must(self.tree.link_module(folder, {mutant.path: out}))
        same = None  # not looked yet
        for test in tests:
            if same is None and test.seconds > SLOW:
                same = self.same_code(mutant, changed, beside, folder)
            if same:
                break
            mutant.tried += 1
            program = os.path.join(self.tree.base, test.name)
            if test.whole:
                must(self.tree.link_whole(test, folder, self.tree.base, {mutant.path: out}))
                program = os.path.join(folder, test.name)
            elif mutant.path in test.shared:
                program = self.link_own(mutant, test, changed, beside, folder)
            if (not program or not run_test(test, program, folder, folder, 4 * test.seconds + 10)) and self.is_good(test):
                mutant.by = test.name
                with self.lock:
                    kills = self.kills.setdefault(mutant.path, {})
                    kills[test.name] = kills.get(test.name, 0) + 1
                return "noticed"
        if same is None:
            same = self.same_code(mutant, changed, beside, folder)
        if same:
            return "equivalent"
        if self.sanitizers and self.noticed_sanitized(mutant, tests, changed, beside, folder):
            return "noticed"
        return "unnoticed"

    def noticed_sanitized(self, mutant, tests, changed, beside, folder):
        with self.lock:
            if self.tree.san_tests is None:
                self.tree.build_sanitized(1)
        out = os.path.join(folder, "changed.o")
        if command(compile_to(changed, out, *beside, *SANITIZE)).returncode:
            return False
        must(self.tree.link_module(folder, {mutant.path: out}, self.tree.san, *SANITIZE))
        for test in tests:
            if test.seconds > SLOW:
                continue
            with self.lock:
                well = self.tree.ends_well_sanitized(test)
            if well and not run_test(test, os.path.join(self.tree.san, test.name), folder, folder, 10 * test.seconds + 10):
                mutant.by = test.name + " with sanitizers"
                return True
        return False

    def is_good(self, test):
        """Without a change it ends well: looked at once, when it first noticed something."""
        with self.lock:
            if test.name not in self.good:
                program, folder = os.path.join(self.tree.base, test.name), os.path.join(WORK, "clean")
                self.good[test.name] = any(run_test(test, program, folder, self.tree.base, 4 * test.seconds + 10)
                                           for _ in range(TRIES))
                if not self.good[test.name]:
                    print(f"does not count, it fails without a change: {test.name}, see {folder}/{test.name}.out")
            return self.good[test.name]

    def link_own(self, mutant, test, changed, beside, folder):
        """A program with the changed file in itself; None: does not compile."""
        out, own = os.path.join(folder, "own.o"), os.path.join(folder, test.name)
        if command(compile_to(changed, out, *beside, *TEST_CPPFLAGS, *test.flags)).returncode:
            return None
        unchanged = os.path.join(self.tree.base, test.name + "." + flat(mutant.path))
        must(test.link(own, [out if o == unchanged else o for o in test.objects(self.tree.base)], folder))
        return own

    @staticmethod
    def same_code(mutant, changed, beside, folder):
        texts = []
        for source in (changed, os.path.join(TOP, mutant.path)):
            out = os.path.join(folder, "optimised.s")
            if command(compile_to(source, out, *beside, "-O2", "-S", "-g0")).returncode:
                return False
            with open(out, encoding="utf-8", errors="replace") as stream:
                texts.append([line for line in stream if not line.startswith("\t.file")])
        same = texts[0] == texts[1]
        mutant.by = "the same code" if same else ""
        return same


# ---- the report ----------------------------------------------------------------

STATES = ("noticed", "unnoticed", "unreached", "equivalent", "invalid")


def table(mutants, key):
    rows = {}
    for m in mutants:
        rows.setdefault(key(m), []).append(m.state)
    width = max(len(name) for name in rows)
    for name in sorted(rows):
        print(f"  {name:{width}}" + "".join(f"{rows[name].count(state):>11}" for state in STATES))


def report(mutants, minimum):
    for state in ("unreached", "unnoticed"):
        for m in sorted((m for m in mutants if m.state == state), key=lambda m: (m.path, m.number)):
            print(f"\n{state}: {m}")
    print("\n" + " " * 12 + "".join(f"{state:>11}" for state in STATES))
    for key in (lambda m: m.path, lambda m: m.operator):
        table(mutants, key)
        print()
    counts = {state: sum(1 for m in mutants if m.state == state) for state in STATES}
    valid = counts["noticed"] + counts["unnoticed"] + counts["unreached"]
    percent = 100 * counts["noticed"] / valid if valid else 0
    print(", ".join(f"{counts[state]} {state}" for state in STATES))
    print(f"{percent:.1f} % of {valid} noticed, wanted {minimum:g} %")
    return percent >= minimum


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--without", default="")
    parser.add_argument("--minimum", type=float, default=95)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-sanitizers", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--again")
    return parser.parse_args()


def chosen(options):
    wanted = [text for text in options.files.split(",") if text]
    paths = [p for p in sources_below(FOLDERS) if not wanted or any(text in p for text in wanted)]
    operators = [text for text in options.only.split(",") if text]
    found = [m for m in all_mutants(paths) if not operators or m.operator in operators]
    if options.again:
        with open(options.again, encoding="utf-8") as stream:
            wanted = {(m["path"], m["operator"], m["old"], m["new"]) for m in json.load(stream)
                      if m["state"] in ("unnoticed", "unreached")}
        found = [m for m in found if (m.path, m.operator, m.old, m.new) in wanted]
        return found, len(found)
    if not found:
        sys.exit("no line to change")
    return draw(found, options.count, options.seed)[options.first - 1:], len(found)


def main():
    options = parse()
    mutants, there_are = chosen(options)
    if options.list:
        for m in mutants:
            print(m)
        print(f"{len(mutants)} of {there_are}")
        return 0
    sys.stdout.reconfigure(line_buffering=True)
    tree, begin = Tree(options.without.split(",")), time.monotonic()
    tree.build(options.jobs)
    known = read_known(tree)
    measure(tree, known, options.jobs)
    print(f"{len(tree.tests)} test programs, {sum(t.seconds for t in tree.tests):.0f} s; "
          f"built and measured in {time.monotonic() - begin:.0f} s; {len(mutants)} mutants of {there_are}, seed {options.seed}")
    begin = time.monotonic()
    runner = Runner(tree, known, options.jobs, not options.no_sanitizers)
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, m in enumerate(pool.map(runner.try_mutant, mutants), options.first):
            print(f"{number:5} {m.state:10} {m.path}:{m.number} {m.operator} {m.by}")
    write_known(known)
    passed = report(mutants, options.minimum)
    print(f"{(time.monotonic() - begin) / len(mutants):.1f} s for each mutant")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as stream:
            json.dump([vars(m) for m in mutants], stream, indent=1, ensure_ascii=False)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
