"""card_image.py - the image of a virtual card: its files, and the floor that follows from them.

The floor of a step is the number of commands that no module can do without: each file is
selected once, by the shortest way that the card allows, and read once, in blocks of what one
T=1 block carries (the ATR's IFSC less the two bytes of the status word). What is counted:

- the token's information: the card's number and text, and TokenInfo;
- a listing: the number, and the three public directories: they have what a program shows of objects;
- everything: a listing, and each certificate, public key and data object;
- a login: the way to the keys' directory and VERIFY; of the second generation also the four
  commands that tell which key set, and the two that open the channel;
- a private operation: its three commands;
- the first signature of a program: the token's information, the directory of private keys, a login,
  a private operation, and the public key that the result is compared with.

A module may skip what it already knows (a cache), and be below. Knowing the card again costs more
than the floor has: a card that somebody else used meanwhile may be another.
"""

import json

NUMBER_LENGTH, TEXT_LENGTH = 16, 24
HALVES = 2  # of a modulus
BLOCKS = {1: 0xFA - 2, 2: 0xFE - 2}  # the generation's IFSC
PRIVATE_OP = 3


def element(data, at=0):
    """The DER element there: tag, where its content begins, where it ends."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[start:start + count], "big"), start + count
    return data[at], start, start + length


def children(data, start, end):
    """The elements one after the other: (tag, from its first byte, content, end)."""
    while start < end:
        tag, content, stop = element(data, start)
        yield tag, start, content, stop
        start = stop


class Image:
    """A card image, to read and to change."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as stream:
            self.json = json.load(stream)
        self.generation = self.json["generation"]
        self.block = BLOCKS[self.generation]
        self.root = self.json["files"][0]["path"]

    def save(self, path):
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(self.json, stream, ensure_ascii=False)

    def entry(self, name):
        path = f"{self.root}/{name}"
        return next((f for f in self.json["files"] if f["path"] == path), None)

    def content(self, name):
        return bytes.fromhex(self.entry(name)["content"])

    def put(self, name, content):
        entry = self.entry(name)
        if entry is None:
            entry = {"path": f"{self.root}/{name}", "kind": "transparent"}
            self.json["files"].append(entry)
        entry["content"] = content.hex().upper()

    def directory(self, name):
        """The records of a directory file: its last two bytes say how long they are."""
        content = self.content(name)
        length = int.from_bytes(content[-2:], "little")
        return [content[start:end] for _, start, _, end in children(content, 0, length)]

    def put_directory(self, name, records, pad=b"\xFF"):
        content = b"".join(records)
        size = max(len(self.content(name)), len(content) + 2)
        self.put(name, content + pad * (size - 2 - len(content)) + len(content).to_bytes(2, "little"))

    def extents(self, name):
        """(file, length) of what each record points to: the last path in it with a length."""
        found = []
        for record in self.directory(name):
            _, start, end = element(record)
            *_, (_, _, start, end) = children(record, start, end)
            tag, start, end = element(record, start)  # the type's attributes
            path = next(children(record, start, end)) if record[start] == 0x30 else (tag, 0, start, end)
            parts = list(children(record, path[2], path[3]))
            name_of = record[parts[0][2]:parts[0][3]].hex().upper()
            length = int.from_bytes(record[parts[2][2]:parts[2][3]], "big")
            found.append((name_of[-4:], length))
        return found

    # ---- the floor, in commands ----

    def reads(self, length):
        return -(-length // self.block)

    def whole(self, length):
        return 1 + self.reads(length)  # and the SELECT

    def floor_number(self):
        """Root and 0900."""
        return 2 + self.whole(NUMBER_LENGTH)

    def floor_information(self):
        """Root and 5030 again for TokenInfo."""
        _, _, token = element(self.content("5030/5032"))
        return self.floor_number() + self.whole(TEXT_LENGTH) + 2 + self.whole(token)

    def floor_directory(self, name):
        return self.whole(sum(len(r) for r in self.directory(name)))

    def floor_key(self):
        """Records of one public key: the first generation has the exponent in one of its own."""
        return HALVES + (1 if self.generation == 1 else 0)

    def floor_extents(self, name):
        found = self.extents(name)
        return len({file for file, _ in found}) + sum(self.reads(length) for _, length in found)

    def floor_list(self):
        return self.floor_number() + 2 + sum(self.floor_directory(f"5030/{d}") for d in ("4101", "4104", "4107"))

    def floor_everything(self):
        keys = len(self.directory("5030/4101"))
        return (self.floor_list() + self.floor_extents("5030/4104") + self.floor_extents("5030/4107") +
                2 + keys * self.floor_key())

    def floor_login(self):
        """Root, 5030, 0810 and VERIFY; in the channel the root is the applet's."""
        return 4 if self.generation == 1 else 4 + 1 + 2 + 2 + 1

    def floor_first_signature(self):
        """The login's root and 5030 are TokenInfo's; a channel ends them."""
        again = 2 if self.generation == 1 else 0
        return (self.floor_information() + self.floor_directory("5030/4100") + self.floor_login() - again +
                PRIVATE_OP + 1 + self.floor_key() + (0 if self.generation == 1 else 1))
