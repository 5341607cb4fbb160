#!/usr/bin/env python3
"""explain-codes.py - compares twcard explain with a table of codes.

    explain-codes.py missing TWCARD SOURCE TABLE   what the table has and TWCARD does not
    explain-codes.py strange LIST SOURCE TABLE     codes of LIST (--list --json) that the table
                                                   does not have; those counted out are none

A line of the table: a code or a range (FIRST-LAST), and its symbolic name or "-".
Prints one line for each finding.
"""

import json
import re
import subprocess
import sys


def table(path):
    """Yields (first, last, name) as written."""
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("#") or not line.strip():
                continue
            code, name = line.split()
            found = re.fullmatch(r"(0x[0-9A-F]+)-(0x[0-9A-F]+)", code)
            yield (found.group(1), found.group(2), name) if found else (code, code, name)


def missing(twcard, source, path):
    rows = list(table(path))
    asked = [text for first, last, name in rows for text in (first, last, name)]
    answer = subprocess.run(
        [twcard, "explain", "--json", "--source", source, "--", *asked], stdout=subprocess.PIPE, check=False
    )
    known = {entry["asked"]: entry["matches"] for entry in json.loads(answer.stdout)["codes"]}
    for first, last, name in rows:
        codes = {match["code"] for match in known[first] if match["meaning"]}
        for text in dict.fromkeys((first, last)):
            if not any(match["meaning"] for match in known[text]):
                yield text
        if codes and name != "-" and not codes & {match["code"] for match in known[name]}:
            yield f"{first} {name}"


def strange(listing, source, path):
    base = 16 if source == "windows" else 0
    ranges = [(int(first, base), int(last, base)) for first, last, _ in table(path)]
    with open(listing, encoding="utf-8") as stream:
        codes = [match for match in json.load(stream)["codes"] if match["source"] == source]
    for match in codes:
        if match["code"] == 0 or "equals" in match:
            continue
        for code in {match["code"], match.get("last", match["code"])}:
            if not any(first <= code <= last for first, last in ranges):
                yield str(code)


def main():
    checks = {"missing": missing, "strange": strange}
    if len(sys.argv) != 5 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    for finding in checks[sys.argv[1]](*sys.argv[2:]):
        print(finding)


if __name__ == "__main__":
    main()
