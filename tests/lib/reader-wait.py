#!/usr/bin/env python3
"""reader-wait.py - waits until the daemon has seen a card come or go. Sends nothing to the card.

    reader-wait.py NUMBER yes|no    the reader, from 0; status 1 after a minute

When a reset fails because the card has just been pulled, the daemon says at once that there is
none; but its poll, every 400 ms, has not noticed yet. A card that is put in before it has is the
old one to it, which was never away, and is not seen until it is pulled again. What tells is the
reader's counter: the poll alone counts, once for a card that comes and once for one that goes.
A reader that was empty at first is empty, also to the poll, when the number is even.
"""

import ctypes
import sys
import time

LIMIT_S, PAUSE_S = 60, 0.05
NOT_COUNTED_S = 30  # a daemon that counts otherwise is believed when it says nothing else for so long
PRESENT = 0x20

pcsc = ctypes.CDLL("libpcsclite.so.1")
ulong = ctypes.c_ulong


class ReaderState(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("user", ctypes.c_void_p), ("current", ulong),
                ("event", ulong), ("length", ulong), ("atr", ctypes.c_ubyte * 33)]


def ask():
    """The states of all readers and their counters; none while the daemon does not answer."""
    context, names, length = ctypes.c_long(), ctypes.create_string_buffer(4096), ulong(4096)
    found = []
    if pcsc.SCardEstablishContext(ulong(2), None, None, ctypes.byref(context)):
        return found
    if not pcsc.SCardListReaders(context, None, names, ctypes.byref(length)):
        for name in names.raw[:length.value].split(b"\0"):
            state = ReaderState(name)
            if name and not pcsc.SCardGetStatusChange(context, ulong(0), ctypes.byref(state), ulong(1)):
                found.append((bool(state.event & PRESENT), state.event >> 16 & 0xFFFF))
    pcsc.SCardReleaseContext(context)
    return found


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("yes", "no"):
        sys.exit(__doc__)
    number, wanted = int(sys.argv[1]), sys.argv[2] == "yes"
    begun = since = time.monotonic()
    while time.monotonic() - begun < LIMIT_S:
        readers = ask()
        present, count = readers[number] if number < len(readers) else (not wanted, 0)
        if present != wanted:
            since = time.monotonic()
        elif wanted or count % 2 == 0 or time.monotonic() - since > NOT_COUNTED_S:
            return 0
        time.sleep(PAUSE_S)
    print(f"reader {number}: not {sys.argv[2]} within {LIMIT_S} s: {readers}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
