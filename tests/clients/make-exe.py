#!/usr/bin/env python3
"""make-exe.py FILE: the smallest thing that is a Windows program, to be signed."""
import struct
import sys

TEXT = b"a program".ljust(512, b"\0")
DOS = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
FILE_HEADER = struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x102)
OPTIONAL_HEADER = struct.pack(
    "<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII", 0x10B, 0, 0, 512, 0, 0, 0x1000, 0x1000, 0x2000, 0x400000,
    0x1000, 512, 4, 0, 0, 0, 4, 0, 0, 0x2000, 512, 0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0,
    16) + bytes(16 * 8)
SECTION = b".text".ljust(8, b"\0") + struct.pack("<IIIIIIHHI", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)

head = DOS + b"PE\0\0" + FILE_HEADER + OPTIONAL_HEADER + SECTION
with open(sys.argv[1], "wb") as out:
    out.write(head.ljust(512, b"\0") + TEXT)
