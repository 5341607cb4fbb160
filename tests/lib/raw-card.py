#!/usr/bin/env python3
"""raw-card.py - a scripted card for the virtual reader (vpcd).

    raw-card.py [--port N] [--atr HEX] [--default HEX]
                [--answer PREFIX=HEX]... [--log FILE]

It answers every command with --default (6E00: an unknown card), unless the
command begins with the PREFIX of an --answer; the longest prefix wins. An
answer may be any byte string, also an empty or a one-byte one. --log gets
"> command" and "< answer" lines in hex. Prints "ready" when connected.
"""

import argparse
import socket
import sys

# vpcd's one-byte requests; any other length is a command for the card.
POWER_OFF, POWER_ON, RESET, GET_ATR = 0, 1, 2, 4


def arguments():
    parser = argparse.ArgumentParser(description="a scripted card for vpcd")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=35963)
    # Historical bytes "UNKNOWN", T=1.
    parser.add_argument("--atr", type=bytes.fromhex, default=bytes.fromhex("3B8701554E4B4E4F574ECE"))
    parser.add_argument("--default", type=bytes.fromhex, default=b"\x6e\x00")
    parser.add_argument("--answer", action="append", default=[], metavar="PREFIX=HEX")
    parser.add_argument("--log", type=argparse.FileType("w"))
    return parser.parse_args()


def parse_answers(texts):
    """Pairs (command prefix, answer), longest prefix first."""
    pairs = [text.split("=", 1) for text in texts]
    answers = [(bytes.fromhex(prefix), bytes.fromhex(answer)) for prefix, answer in pairs]
    return sorted(answers, key=lambda pair: -len(pair[0]))


def receive_exactly(link, count):
    data = b""
    while len(data) < count:
        part = link.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(link):
    return receive_exactly(link, int.from_bytes(receive_exactly(link, 2), "big"))


def send(link, data):
    link.sendall(len(data).to_bytes(2, "big") + data)


def serve(link, atr, answers, default, log):
    while True:
        request = receive(link)
        if len(request) == 1:
            if request[0] == GET_ATR:
                send(link, atr)
            continue
        answer = next((a for prefix, a in answers if request.startswith(prefix)), default)
        if log:
            print(">", request.hex().upper(), file=log)
            print("<", answer.hex().upper(), file=log, flush=True)
        send(link, answer)


def main():
    options = arguments()
    answers = parse_answers(options.answer)
    with socket.create_connection((options.host, options.port)) as link:
        print("ready", flush=True)
        try:
            serve(link, options.atr, answers, options.default, options.log)
        except (EOFError, ConnectionError):
            pass  # the reader is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
