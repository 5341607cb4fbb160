#!/usr/bin/env python3
"""slow-link.py - stands between twcard-virtual and the virtual reader, and takes time.

    slow-link.py [--port N] [--listen N] [--delay MS] [--only INS]

The card connects to --listen instead of vpcd's --port; each command is held
back --delay milliseconds, as a real card and its reader would need them. Power
and resets pass at once. With --only it holds back commands with this
instruction (in hex), and prints "holds INS" while it does. Prints "ready" when
it listens.
"""

import argparse
import socket
import time


def arguments():
    parser = argparse.ArgumentParser(description="a slow link to the virtual reader")
    parser.add_argument("--port", type=int, default=35963)
    parser.add_argument("--listen", type=int, default=35970)
    parser.add_argument("--delay", type=float, default=20)
    parser.add_argument("--only", type=bytes.fromhex)
    return parser.parse_args()


def receive_exactly(link, count):
    data = b""
    while len(data) < count:
        part = link.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(link):
    head = receive_exactly(link, 2)
    return head, receive_exactly(link, int.from_bytes(head, "big"))


def hold_back(request, delay, only):
    if only and request[1:2] == only:
        print("holds", only.hex().upper(), flush=True)
    elif only or len(request) == 1:
        return
    time.sleep(delay)


def pass_on(card, reader, delay, only):
    while True:
        head, request = receive(reader)
        hold_back(request, delay, only)
        card.sendall(head + request)
        # One byte is a request of the reader's; only the one for the ATR is answered.
        if len(request) > 1 or request[0] == 4:
            reader.sendall(b"".join(receive(card)))


def main():
    options = arguments()
    with socket.create_server(("127.0.0.1", options.listen)) as server:
        print("ready", flush=True)
        card, _ = server.accept()
        with card, socket.create_connection(("127.0.0.1", options.port)) as reader:
            for link in (card, reader):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                pass_on(card, reader, options.delay / 1000, options.only)
            except (EOFError, ConnectionError):
                pass  # the reader or the card is gone


if __name__ == "__main__":
    main()
