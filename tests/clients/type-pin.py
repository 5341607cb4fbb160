#!/usr/bin/env python3
"""Runs a program on a terminal of its own and types a PIN when it asks.

type-pin.py PROMPT PIN PROGRAM [ARGUMENT...]

When the output has the regular expression PROMPT, and the terminal echoes no more, the PIN is
typed: what is typed before that, programs throw away. If the program asks once more it is ended,
so that a wrong PIN costs one try; "[asked again]" says so, and the status is 1. Prints what
appeared on the terminal. Else the status is the program's; 128 and more for a signal; 124
if it did not end within the limit.
"""
import os
import pty
import re
import select
import signal
import sys
import termios
import time

LIMIT_S = 300


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def converse(terminal, child, prompt, pin):
    """How often it asked; or None: the program does not come to an end."""
    seen, asked = b"", 0
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if prompt.search(seen) and not echoes(terminal):
            if asked:  # not by ^C, which is a letter of the PIN to some programs
                os.killpg(child, signal.SIGKILL)
                return asked + 1
            os.write(terminal, pin.encode() + b"\n")
            seen, asked = b"", asked + 1
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # nobody has the terminal open any more
            return asked
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        seen += data
    return None


def main():
    prompt, pin, program = re.compile(sys.argv[1].encode()), sys.argv[2], sys.argv[3:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(program[0], program)
    asked = converse(terminal, child, prompt, pin)
    if asked is None:
        print("[no end after %d s]" % LIMIT_S)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if asked is None:
        sys.exit(124)
    if asked > 1:
        print("\n[asked again]")
        sys.exit(1)
    sys.exit(status if status >= 0 else 128 - status)


main()
