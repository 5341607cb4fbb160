#!/usr/bin/env python3
"""Runs a program on a terminal of its own and types a PIN when it asks.

type-pin.py PROMPT PIN PROGRAM [ARGUMENT...]

When the output has the regular expression PROMPT, and the terminal echoes no more, the PIN is
typed: what is typed before that, programs throw away. If the program asks once more it gets ^C,
so that a wrong PIN costs one try. Prints what appeared on the terminal. The status is the
program's; 128 and more for a signal; 124 if it did not end within the limit.
"""
import os
import pty
import re
import select
import signal
import sys
import termios
import time

LIMIT_S = 120


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def converse(terminal, prompt, pin):
    """False: the program does not come to an end."""
    seen, answers = b"", [pin.encode() + b"\n"]
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if prompt.search(seen) and not echoes(terminal):
            os.write(terminal, answers.pop() if answers else b"\x03")
            seen = b""
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # nobody has the terminal open any more
            return True
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        seen += data
    return False


def main():
    prompt, pin, program = re.compile(sys.argv[1].encode()), sys.argv[2], sys.argv[3:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(program[0], program)
    ended = converse(terminal, prompt, pin)
    if not ended:
        print("[no end after %d s]" % LIMIT_S)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(124 if not ended else status if status >= 0 else 128 - status)


main()
