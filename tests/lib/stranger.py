#!/usr/bin/env python3
"""stranger.py - a program of its own at PC/SC: commands without any module.

    stranger.py idle             connects, says "ready", stays until it gets a line
    stranger.py send HEX...      sends the commands in one transaction, prints the status words

With TWCARD_STRANGER_READER=N it is the reader with this number, from 0. It never resets the card,
neither when it comes nor when it goes.
"""

import ctypes
import os
import sys

SHARED, ANY_PROTOCOL, LEAVE = 2, 3, 0
RESET_CARD, PROTOCOL_MISMATCH = 0x80100068, 0x8010000F

pcsc = ctypes.CDLL("libpcsclite.so.1")
ulong = ctypes.c_ulong


class Pci(ctypes.Structure):
    _fields_ = [("protocol", ulong), ("length", ulong)]


def call(function, *args, accept=()):
    code = getattr(pcsc, function)(*args) & 0xFFFFFFFF
    if code and code not in accept:
        sys.exit(f"stranger.py: {function}: {code:08X}")
    return code


def connect():
    context, card, protocol = ctypes.c_long(), ctypes.c_long(), ulong()
    names, length = ctypes.create_string_buffer(4096), ulong(4096)
    call("SCardEstablishContext", ulong(2), None, None, ctypes.byref(context))
    call("SCardListReaders", context, None, names, ctypes.byref(length))
    name = names.raw.split(b"\0")[int(os.environ.get("TWCARD_STRANGER_READER", "0"))]
    call("SCardConnect", context, name, ulong(SHARED), ulong(ANY_PROTOCOL),
         ctypes.byref(card), ctypes.byref(protocol))
    return card, protocol


def reconnect(card, protocol):
    call("SCardReconnect", card, ulong(SHARED), ulong(ANY_PROTOCOL), ulong(LEAVE),
         ctypes.byref(protocol))


def begin(card, protocol):
    while call("SCardBeginTransaction", card, accept=(RESET_CARD,)):
        reconnect(card, protocol)


def send(card, protocol, command):
    while True:
        pci = Pci(protocol.value, ctypes.sizeof(Pci))
        answer, length = ctypes.create_string_buffer(512), ulong(512)
        # The daemon has no protocol for a moment when it resets a killed program's card.
        if not call("SCardTransmit", card, ctypes.byref(pci), command, ulong(len(command)), None,
                    answer, ctypes.byref(length), accept=(PROTOCOL_MISMATCH,)):
            return answer.raw[length.value - 2:length.value].hex().upper()
        reconnect(card, protocol)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("idle", "send"):
        sys.exit(__doc__)
    card, protocol = connect()
    if sys.argv[1] == "idle":
        print("ready", flush=True)
        sys.stdin.readline()
    else:
        begin(card, protocol)
        print(*(send(card, protocol, bytes.fromhex(c)) for c in sys.argv[2:]))
        call("SCardEndTransaction", card, ulong(LEAVE))
    call("SCardDisconnect", card, ulong(LEAVE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
