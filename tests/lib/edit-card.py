#!/usr/bin/env python3
"""edit-card.py - changes a file inside the image of a virtual card.

    edit-card.py IMAGE get PATH              prints the content in hex
    edit-card.py IMAGE set PATH HEX          replaces the content
    edit-card.py IMAGE cut PATH LENGTH       keeps the first LENGTH bytes
    edit-card.py IMAGE poke PATH OFFSET HEX  overwrites bytes
    edit-card.py IMAGE sub PATH HEX HEX      replaces the one place of a byte string
    edit-card.py IMAGE delete PATH           removes the file, or the directory with all in it

PATH is such as 3F00/5030/4104. Used to make the damaged cards that real life
has and `twcard-virtual create` does not make.
"""

import json
import sys


def find(image, path):
    for entry in image["files"]:
        if entry["path"] == path:
            return entry
    sys.exit(f"edit-card.py: no file {path} in this image")


def substitute(content, old, new):
    if content.count(old) != 1:
        sys.exit(f"edit-card.py: {content.count(old)} places of {old.hex()}, wanted one")
    return content.replace(old, new)


def poke(content, offset, data):
    if offset < 0 or offset + len(data) > len(content):
        sys.exit("edit-card.py: offset outside the file")
    return content[:offset] + data + content[offset + len(data):]


def changed(content, verb, args):
    if verb == "set":
        return bytes.fromhex(args[0])
    if verb == "cut":
        return content[:int(args[0])]
    if verb == "poke":
        return poke(content, int(args[0], 0), bytes.fromhex(args[1]))
    if verb == "sub":
        return substitute(content, bytes.fromhex(args[0]), bytes.fromhex(args[1]))
    sys.exit(f"edit-card.py: unknown verb {verb}")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    name, verb, path, *args = sys.argv[1:]
    with open(name, encoding="utf-8") as stream:
        image = json.load(stream)
    entry = find(image, path)
    content = bytes.fromhex(entry.get("content", ""))
    if verb == "get":
        print(content.hex().upper())
        return 0
    if verb == "delete":
        image["files"] = [f for f in image["files"] if not (f["path"] + "/").startswith(path + "/")]
    else:
        entry["content"] = changed(content, verb, args).hex().upper()
    with open(name, "w", encoding="utf-8") as stream:
        json.dump(image, stream, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
