#!/usr/bin/env python3
"""agent-pages.py - what `make check` says about the pages of twcard-agent.

    agent-pages.py texts FOLDER    both languages have every text, with the same places to fill
                                   in, and each is used
    agent-pages.py unsafe FOLDER   whatever would make markup or code of a text, keep a secret
                                   longer than the window, or ask another machine

Prints one line for each finding; status 1 if there is one.
"""

import os
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
ROW = re.compile(r'^\t(\w+): \[("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\],$', re.MULTILINE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# The product's name alone: the same in both.
SAME = ["connected"]

# What no file may have, by how its name ends; comments do not count.
FORBIDDEN = {
    ".js": [
        r"\b(?:inner|outer)HTML\b", r"\binsertAdjacentHTML\b", r"\bdocument\.write", r"\bDOMParser\b", r"\bcreateContextualFragment\b",
        r"\bsrcdoc\b", r"\bsetHTML", r"\beval\b", r"\bFunction\(", r"\bsetTimeout\(\s*[\"'`]", r"javascript:", r"\blocalStorage\b",
        r"\bdocument\.cookie\b", r"\bconsole\.", r"\bstyle:", r"\.style\b", r"https?://", r"\bimportScripts\b",
    ],
    ".html": [r"<script(?![^>]*\bsrc=)", r"\son\w+\s*=", r"\sstyle\s*=", r"<style", r"(?:src|href)=\"(?![/#])", r"https?://", r"<iframe", r"<form"],
    ".css": [r"@import", r"url\(", r"https?://"],
}


def pages(folder):
    for name in sorted(name for name in os.listdir(folder) if not name.endswith(".gif")):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            yield name, file.read()


def texts(folder):
    everything = dict(pages(folder))
    table = everything.pop("texts.js")
    body = re.search(r"const texts = \{\n(.*?)\n\};", table, re.DOTALL).group(1)
    rows = ROW.findall(COMMENT.sub("", body))
    keys = [key for key, _, _ in rows]
    named = re.findall(r"^\t(\w+):", body, re.MULTILINE)

    for key in sorted(set(named) - set(keys)):
        yield f"{key}: not one text for each language"
    for key in sorted({key for key in named if named.count(key) > 1}):
        yield f"{key}: twice"
    for key, english, chinese in rows:
        if english == '""' or CHINESE.search(english):
            yield f"{key}: the first is not English"
        if chinese == '""' or (key not in SAME and not CHINESE.search(chinese)):
            yield f"{key}: the second is not Chinese"
        if sorted(re.findall(r"\{\w+\}", english)) != sorted(re.findall(r"\{\w+\}", chinese)):
            yield f"{key}: other places to fill in"
    code = "\n".join(COMMENT.sub("", text) for text in everything.values())
    used = set(re.findall(r'\bt\("(\w+)"', code)) | set(re.findall(r'data-(?:text|label)="(\w+)"', code))
    for key in sorted(used - set(keys)):
        yield f"{key}: there is no such text"
    for key in keys:
        if f'"{key}"' not in code:
            yield f"{key}: used nowhere"


def unsafe(folder):
    anywhere = []

    for name, text in pages(folder):
        code = COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment.group()), text)
        for pattern in FORBIDDEN.get(os.path.splitext(name)[1], [""]):
            for found in re.finditer(pattern, code, re.IGNORECASE):
                line = code.count("\n", 0, found.start()) + 1
                yield f"{name}:{line}: {found.group()}"
        anywhere += [(name, call) for call in re.findall(r"postMessage\([^;]*;", code) if re.search(r"""["'`]\*["'`]""", call)]
    # To any page goes only that the popup is ready.
    if [name for name, call in anywhere] != ["popup.js"] or 'JSON.stringify({ func: own("ready") })' not in anywhere[0][1]:
        yield f"messages to any origin: {anywhere}"


def main():
    findings = list({"texts": texts, "unsafe": unsafe}[sys.argv[1]](sys.argv[2]))
    for finding in findings:
        print(finding)
    sys.exit(bool(findings))


main()
