#!/usr/bin/env python3
"""defences.py - is each defence of the agent one that a test would miss?

defences.txt has, for each, what is taken out and the test that must fail then.

    make check-defences                          all of them (minutes)
    make check-defences DEFENCES='--only PIN'    those with this text in their title

    --only TEXT   see above
    --list        check the list only, build nothing: each change fits the source in one
                  place, each test is there, each attack of docs/AGENT.md has its own
    --doc FILE    with --list: another docs/AGENT.md

A change is made in a copy of its file; that copy's object is linked before the
libraries into a copy of the test program, so that it stands in for theirs.
Neither the sources nor the build are touched. The named test must fail, or
hang; that others fail as well does not matter. Exit status 1: a defence could
be taken out without its test noticing.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.environ.get("top_srcdir", os.path.join(HERE, "..", "..")))
LIMIT = 200  # seconds; a test that waits for what does not come

failed_line = re.compile(r"^\[\s*(FAILED|ERROR)\s*\] (test_\w+)", re.M)
run_line = re.compile(r"^\[ RUN\s*\] (test_\w+)", re.M)
ok_line = re.compile(r"^\[\s*(OK|SKIPPED)\s*\] (test_\w+)", re.M)


class Defence:
    def __init__(self, title):
        self.title, self.changes, self.program, self.test = title, [], None, None
        self.arguments = self.sees = None  # of the sweep: see tests/sweep/breaks.py

    def name(self):
        return f"{self.title}: {self.test[5:]}"


def read_list(path):
    """
    Records: "attack TITLE" or "break TITLE", then "file PATH" with "- old" and "+ new" lines, then
    "test PROGRAM NAME", or "sweep ARGUMENTS" and "sees WORD".
    """
    title, defences, current = None, [], None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        word, _, rest = line.rstrip("\n").partition(" ")
        if not word or word.startswith("#"):
            continue
        if word in ("attack", "break"):
            title = rest
        elif word == "file":
            current = current or Defence(title)
            current.changes.append((rest, [], []))
        elif word in "-+":
            current.changes[-1][1 if word == "-" else 2].append(rest.strip())
        elif word == "sweep":
            current.arguments = shlex.split(rest)
        elif word in ("test", "sees"):
            if word == "test":
                current.program, name = rest.split()
                current.test = "test_" + name
            else:
                current.sees = rest
            defences.append(current)
            current = None
        else:
            sys.exit(f"{path}:{number}: not understood: {line}")
    return defences


def places(lines, old):
    stripped = [line.strip() for line in lines]
    return [i for i in range(len(lines)) if stripped[i:i + len(old)] == old]


def changed(d):
    """{file: its lines with the changes}; a text: which one does not fit in one place."""
    files = {}
    for path, old, new in d.changes:
        if path not in files:
            files[path] = open(os.path.join(TOP, path), encoding="utf-8").read().split("\n")
        found = places(files[path], old)
        if len(found) != 1 or not old:
            return f"{path} does not have it in one place: {old}"
        files[path][found[0]:found[0] + len(old)] = new
    return files


# ---- the list ----

def attacks(doc):
    """{attack: its tests} of the table."""
    rows, inside = {}, False
    for line in open(doc, encoding="utf-8"):
        inside = line.startswith("| Attack") or (inside and line.startswith("|"))
        if inside and not line.startswith(("| Attack", "|---")):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            rows[cells[0]] = ["test_" + name for name in re.findall(r"`([a-z_]+)`", cells[2])]
    return rows


def problems(defences, doc):
    for d in defences:
        if isinstance(changed(d), str):
            yield f"{d.name()}: {changed(d)}"
        source = os.path.join(TOP, "tests", "unit", d.program + ".c")
        if not os.path.exists(source) or f"({d.test})" not in open(source, encoding="utf-8").read():
            yield f"{d.name()}: {d.program} has no such test"
    told = {(d.title, d.test) for d in defences}
    table = attacks(doc)
    for title in sorted({d.title for d in defences} - set(table)):
        yield f"not in {os.path.basename(doc)}: {title}"
    for title, tests in table.items():
        for test in tests:
            if (title, test) not in told:
                yield f"nothing is taken out for {test[5:]}: {title}"


# ---- trying ----

def run(command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **more)


def unit_objects(program):
    """What a unit test consists of, apart from libraries."""
    support = "tests/unit/support"
    return [os.path.join("tests/unit", f"{program}-{program}.o")] + \
        [os.path.join(support, f) for f in sorted(os.listdir(support)) if f.startswith(program + "-") and f.endswith(".o")]


def build(d, folder, own):
    """A copy of the test program, whose own objects are `own`, with the changes. None, or what the compiler says."""
    objects = []
    for path, lines in changed(d).items():
        source = os.path.join(folder, os.path.basename(path))
        with open(source, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        done = run(shlex.split(os.environ["DEFENCE_COMPILE"]) + ["-w", "-c", source, "-o", source + ".o"])
        if done.returncode:
            return done.stdout
        objects.append(source + ".o")
    libraries = shlex.split(os.environ["DEFENCE_LIBS"])
    done = run(shlex.split(os.environ["DEFENCE_LINK"]) + ["-o", os.path.join(folder, "program")] + objects + own + libraries)
    return done.stdout or "no link" if done.returncode else None


def try_one(d):
    """"noticed", or what is wrong."""
    folder = tempfile.mkdtemp(prefix="twcard-defence.")
    try:
        problem = build(d, folder, unit_objects(d.program))
        if problem:
            return "does not build: " + problem.strip()[-600:]
        try:
            said = run(["stdbuf", "-oL", os.path.join(folder, "program")], timeout=LIMIT,
                       env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT="STDOUT", TMPDIR=folder)).stdout
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode("utf-8", "replace")
        begun, ended = run_line.findall(said), [name for _, name in ok_line.findall(said) + failed_line.findall(said)]
        if d.test in [name for _, name in failed_line.findall(said)] or (d.test in begun and d.test not in ended):
            return "noticed"
        skipped = re.search(rf"^\[\s*SKIPPED\s*\] {d.test}$", said, re.M)
        return "skipped" if skipped else "NOT NOTICED"
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--doc", default=os.path.join(TOP, "docs", "AGENT.md"))
    args = parser.parse_args()
    defences = read_list(os.path.join(HERE, "defences.txt"))
    wrong = list(problems(defences, args.doc))
    if args.list or wrong:
        print("\n".join(wrong or [f"{len(defences)} defences, {len({d.title for d in defences})} attacks"]))
        return 1 if wrong else 0
    ends = {}
    for d in defences:
        if args.only.lower() in d.name().lower():
            ends[d] = try_one(d)
            print(f"{ends[d]:12} {d.name()}", flush=True)
            if ends[d] not in ("noticed", "skipped"):
                print("\n".join(f"    {path}: {' / '.join(old)}" for path, old, _ in d.changes))
    bad = [d for d in ends if ends[d] not in ("noticed", "skipped")]
    print(f"{sum(end == 'noticed' for end in ends.values())} of {len(ends)} noticed")
    return 1 if bad or not ends else 0


if __name__ == "__main__":
    sys.exit(main())
