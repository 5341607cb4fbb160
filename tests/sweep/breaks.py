#!/usr/bin/env python3
"""breaks.py - would the sweep see it, if the module were wrong?

breaks.txt has, for each way to be wrong, what is changed in the module, and what the sweep
must say of it then.

    make check-sweep                       all of them (minutes)
    make check-sweep BREAKS='--only PIN'   those with this text in their title

    --only TEXT   see above
    --list        check the list only, build nothing: each change fits the source in one place

As tests/defences/defences.py does it, neither the sources nor the build are touched. Without
a change the same cases must find nothing. Exit status 1: the sweep is blind for one of them.
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
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "defences"))
import defences  # noqa: E402

LIMIT = 900  # seconds; the sweep ends a case that hangs itself
QUESTIONS = ("value", "error", "again", "next", "anew", "left", "tries", "time", "kept", "crash", "hang", "right")


def sweep(program, arguments, folder):
    """What it found: a set of QUESTIONS; and what it said."""
    command = [program, "--all", "--pairs", "0"] + arguments
    try:
        said = defences.run(command, timeout=LIMIT, env=dict(os.environ, TMPDIR=folder)).stdout
    except subprocess.TimeoutExpired:
        return {"hang"}, ""
    row = re.search(r"^all +0 +\d+ +(\d+) +\d+ +\d+ +(\d+)(.*)$", said, re.M)
    seen = set(re.findall(r"[a-z]+", row.group(3))) if row else {"crash"}
    seen |= set(re.findall(r"case \d+: (crash|hang)", said))
    if ", without a fault: " in said:
        seen.add("right")
    if row and not int(row.group(1)) and not seen:
        seen.add("nothing")  # no fault of that name, or none had its turn
    return seen, said


def try_one(b, objects):
    """"seen", or what is wrong."""
    folder = tempfile.mkdtemp(prefix="twcard-break.")
    try:
        problem = defences.build(b, folder, objects)
        if problem:
            return "does not build: " + problem.strip()[-600:]
        seen, _ = sweep(os.path.join(folder, "program"), b.arguments, folder)
        return "seen" if b.sees in seen else "NOT SEEN: " + (" ".join(sorted(seen)) or "nothing")
    finally:
        shutil.rmtree(folder)


def clean(breaks):
    """Those arguments with which the sweep finds something, or nothing to do, in the module as it is."""
    with tempfile.TemporaryDirectory(prefix="twcard-break.") as folder:
        for arguments in sorted({tuple(b.arguments) for b in breaks}):
            seen, said = sweep("tests/sweep/sweep", list(arguments), folder)
            if seen:
                yield f"{shlex.join(arguments)}: {' '.join(sorted(seen))} without a change\n{said}"


def problems(breaks):
    for b in breaks:
        if isinstance(defences.changed(b), str):
            yield f"{b.title}: {defences.changed(b)}"
        if b.sees not in QUESTIONS:
            yield f"{b.title}: the sweep never says {b.sees}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    breaks = defences.read_list(os.path.join(HERE, "breaks.txt"))
    wrong = list(problems(breaks))
    if args.list or wrong:
        print("\n".join(wrong or [f"{len(breaks)} breaks"]))
        return 1 if wrong else 0
    breaks = [b for b in breaks if args.only.lower() in b.title.lower()]
    bad = list(clean(breaks))
    print("\n".join(bad), end="\n" if bad else "")
    objects = shlex.split(os.environ["BREAK_OBJECTS"])
    for b in breaks:
        end = try_one(b, objects)
        print(f"{b.sees + ':':7} {b.title}: {end}", flush=True)
        bad += [b] if end != "seen" else []
    print(f"{len(breaks) - len(bad)} of {len(breaks)} seen")
    return 1 if bad or not breaks else 0


if __name__ == "__main__":
    sys.exit(main())
