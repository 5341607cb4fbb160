#!/usr/bin/env python3
"""Runs a program on a terminal of its own and types for it.

at-terminal.py PROMPT ANSWER [PROMPT ANSWER]... -- PROGRAM [ARGUMENT...]

Each time the output since the last answer ends with PROMPT (blanks aside), ANSWER and a newline
are typed; ^C, ^D and ^Z are those keys, and "kill" is a SIGTERM. A program that stops is told to
go on. Prints what appeared on the terminal, and at the end "[exit N]" or "[signal N]" and how the
program left the terminal: "[echo on]" or "[echo off]"; that also whenever it stops.
"""
import os
import pty
import re
import select
import signal
import sys
import termios
import time

LIMIT_S = 150
KEYS = {"^C": b"\x03", "^D": b"\x04", "^Z": b"\x1a"}


def say(text):
    os.write(2, text.encode() + b"\n")


def say_echo():
    say("[echo %s]" % ("on" if termios.tcgetattr(0)[3] & termios.ECHO else "off"))


def run_job(program):
    """As a shell's job: the leader of a session cannot be stopped."""
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.write(2, b"[pid %d]\n" % os.getpid())
        os.execvp(program[0], program)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        say("[stopped]")
        say_echo()
        os.kill(job, signal.SIGCONT)
    if os.WIFSIGNALED(status):
        say("[signal %d]" % os.WTERMSIG(status))
    else:
        say("[exit %d]" % os.WEXITSTATUS(status))
    say_echo()
    os._exit(0)


def give(terminal, job, answer):
    if answer == "kill":
        os.kill(job, signal.SIGTERM)
    else:
        os.write(terminal, KEYS.get(answer, answer.encode() + b"\n"))


def converse(terminal, steps):
    """False: the program does not come to an end."""
    seen, job = b"", 0
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # nobody has the terminal open any more
            return True
        sys.stdout.write(data.decode("utf-8", "replace"))
        sys.stdout.flush()
        seen += data
        number = re.search(rb"\[pid (\d+)\]", seen)
        job = int(number.group(1)) if number else job
        if steps and seen.rstrip().endswith(steps[0][0].rstrip().encode()):
            give(terminal, job, steps.pop(0)[1])
            seen = b""
    return False


def main():
    split = sys.argv.index("--")
    words = sys.argv[1:split]
    leader, terminal = pty.fork()
    if leader == 0:
        run_job(sys.argv[split + 1:])
    if not converse(terminal, list(zip(words[::2], words[1::2]))):
        print("[no end]")
        os.kill(leader, signal.SIGKILL)
    os.waitpid(leader, 0)


main()
