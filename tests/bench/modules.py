#!/usr/bin/env python3
"""modules.py - measures PKCS#11 modules with virtual cards; modules.sh starts it.

    modules.py --bench PROGRAM --virtual PROGRAM --control SOCKET --image IMAGE --pin-file FILE
               --card NAME --cache FOLDER --out FILE [--steps] [--growth NUMBER] [--parallel]
               [--instructions] MODULE...

Adds what it measured to the JSON file FILE. Every module does the same through
its function list, in a process of its own (bench_module). Commands, bytes, private operations
and card time are the card's own counters; processor time and peak memory are the process's;
instructions are callgrind's, in a second run: without the card, which is another process.
"""

import argparse
import glob
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from card_image import PRIVATE_OP, Image

SIGNATURES = 100
PROCESSES, PROCESS_SIGNATURES = (1, 2, 4, 8), 4
THREADS, THREAD_SIGNATURES = (1, 4, 16, 64), 2  # of bench_module: ROUNDS
COUNTERS = ("commands", "bytes", "private_ops", "card_time_us")
ANSWER_LIMIT = int(os.environ.get("TWCARD_BENCH_LIMIT", "300"))  # seconds; a module that hangs is ended

# name, cache to begin with (a warm one is what a program leaves that read everything), what the process does, whose costs
# count, floor (of an image), operations in it, limit of the ratio, limit of the commands
SIGNED = ("start", "information", "login", "sign 1")
STEPS = (
    ("token information", "warm", ("start", "information", "end"), ("start", "information"),
     Image.floor_information, 1, None, None),
    ("cold listing", "cold", ("start", "list", "end"), ("start", "list"), Image.floor_list, 1, 1.25, None),
    ("warm listing", "warm", ("start", "list", "end"), ("start", "list"), Image.floor_list, 1, None, 12),
    ("everything, cold", "cold", ("start", "read", "end"), ("start", "read"), Image.floor_everything, 1, None, None),
    ("everything, warm", "warm", ("start", "read", "end"), ("start", "read"), Image.floor_everything, 1, None, None),
    ("login", "warm", ("start", "information", "login", "end"), ("login",), Image.floor_login, 1, None, None),
    ("first signature, cold", "cold", (*SIGNED, "check", "end"), SIGNED, Image.floor_first_signature, 1, 1.3, None),
    ("first signature, warm", "warm", (*SIGNED, "check", "end"), SIGNED, Image.floor_first_signature, 1, 1.3, None),
    ("100 signatures", "warm", (*SIGNED, f"sign {SIGNATURES}", "check", "end"), (f"sign {SIGNATURES}",),
     lambda image: SIGNATURES * PRIVATE_OP, SIGNATURES, 1.34, None),
    ("decryption", "warm", (*SIGNED, "prepare", "decrypt", "check", "decrypt 1", "end"), ("decrypt 1",),
     lambda image: PRIVATE_OP, 1, 1.34, None),
    ("TLS handshake", "warm", (*SIGNED, "tls", "check", "end"), ("tls",), lambda image: PRIVATE_OP, 1, 1.34, None),
)


class Process:
    """One bench_module. What it says of its own accord (a module that cannot be loaded) is kept for `failed`."""

    def __init__(self, bench, module, wrapper=()):
        self.said = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        self.child = subprocess.Popen([*wrapper, bench.args.bench, module], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=self.said, env=bench.environment)
        self.answers = b""
        self.hung = bench.hung
        self.module = module
        if module in self.hung:
            self.child.kill()
        self.tell(bench.pin)

    def tell(self, line):
        try:
            self.child.stdin.write(line.encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: the answer says so

    def line(self):
        """The next one; "" when the process has ended, None when it says nothing for too long."""
        end = time.monotonic() + ANSWER_LIMIT
        while b"\n" not in self.answers:
            if not select.select([self.child.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return None
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                return ""
            self.answers += more
        line, _, self.answers = self.answers.partition(b"\n")
        return line.decode("utf-8", "replace")

    def why(self):
        """Of a process that ended before its time: its last words, or how it ended."""
        status = self.child.wait()
        if status < 0:
            return f"crashed ({signal.Signals(-status).name})"
        self.said.seek(0)
        words = self.said.read().strip().splitlines()
        return words[-1].removeprefix("bench_module: ") if words else f"ended (status {status})"

    def answer(self):
        line = self.line()
        if line:
            return json.loads(line)
        if line is None:  # once is enough: what follows would wait as long
            self.child.kill()
            self.hung.add(self.module)
        hung = self.module in self.hung
        return {"failed": f"no answer for {ANSWER_LIMIT} s" if hung else self.why(), "rv": None, "count": 0}

    def do(self, line):
        self.tell(line)
        return self.answer()

    def end(self):
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.child.wait(ANSWER_LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.said.close()


def failure(answer):
    """What the table says of it; "" if it did what it should."""
    if not answer["failed"] or answer["rv"] is None:
        return answer["failed"]
    return f"{answer['failed']} (0x{answer['rv'] & 0xFFFFFFFF:08X})"


class Bench:
    def __init__(self, args):
        self.args = args
        self.image = Image(args.image)
        with open(args.pin_file, encoding="ascii") as stream:
            self.pin = stream.readline().strip()
        self.environment = dict(os.environ, XDG_CACHE_HOME=args.cache)
        self.hung = set()

    def counters(self):
        """Since the last call."""
        out = subprocess.run([self.args.virtual, "stats", "--reset", "--json", "--control", self.args.control],
                             check=True, capture_output=True, text=True).stdout
        values = json.loads(out)
        values["bytes"] = values["bytes_in"] + values["bytes_out"]
        return {name: values[name] for name in COUNTERS}

    def name(self, module):
        """The file's; of a second one with that name the whole path."""
        name = os.path.basename(module)
        first = next(m for m in self.args.modules if os.path.basename(m) == name)
        return name if first == module else module

    def empty_cache(self):
        subprocess.run(["rm", "-rf", "--", self.args.cache], check=True)

    def prepare(self, module, cache):
        """Both begin without a cache."""
        self.empty_cache()
        if cache == "warm":
            process = Process(self, module)
            for line in ("start", "read", "end"):
                process.do(line)
            process.end()

    def run(self, module, lines, counted):
        """One process: the sums over the steps that count, and the first failure."""
        row = dict.fromkeys(COUNTERS, 0) | {"cpu_us": 0, "peak_kib": 0, "count": 0, "failed": ""}
        process = Process(self, module)
        self.counters()
        for line in lines:
            answer = process.do(line)
            spent = self.counters()
            if answer["failed"]:
                row["failed"] = failure(answer)
                break
            row["peak_kib"] = max(row["peak_kib"], answer["peak_kib"])
            if line in counted:
                row["cpu_us"] += answer["cpu_us"]
                row["count"] = answer["count"]
                for name in COUNTERS:
                    row[name] += spent[name]
        process.end()
        return row

    def instructions(self, module, lines, counted):
        with tempfile.TemporaryDirectory() as folder:
            process = Process(self, module, ("valgrind", "--quiet", "--tool=callgrind",
                                             f"--callgrind-out-file={folder}/out", f"--log-file={folder}/log"))
            for line in lines:
                if process.do(line)["failed"]:
                    break
            process.end()
            total = 0
            for name in glob.glob(f"{folder}/out.*"):
                with open(name, encoding="utf-8", errors="replace") as stream:
                    text = stream.read()
                step = re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.MULTILINE)
                part = re.search(r"^part: (\d+)$", text, re.MULTILINE)
                # The n-th dump is the n-th line's: `sign 1` and `sign 100` have one name.
                if step and part and lines[int(part[1]) - 1] in counted:
                    total += int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)[1])
            return total

    @staticmethod
    def ratio(row):
        return {} if row["failed"] else {"ratio": round(row["commands"] / row["floor"], 3)}

    def steps(self, module):
        for name, cache, lines, counted, floor, operations, limit, most in STEPS:
            self.prepare(module, cache)
            row = {"card": self.args.card, "module": self.name(module), "step": name}
            row |= self.run(module, lines, counted)
            row |= {"operations": operations, "floor": floor(self.image), "limit_ratio": limit, "limit_commands": most}
            if self.args.instructions and not row["failed"]:
                self.prepare(module, cache)
                row["instructions"] = self.instructions(module, lines, counted)
            yield row | self.ratio(row)

    def growth(self, module):
        """By certificates: the caller made the card."""
        for name, cache in (("cold", "cold"), ("warm", "warm")):
            self.prepare(module, cache)
            row = {"card": self.args.card, "module": self.name(module), "growth": "certificates",
                   "number": self.args.growth, "what": f"{name} listing", "floor": self.image.floor_list()}
            row |= self.run(module, ("start", "list", "end"), ("start", "list"))
            if self.args.instructions and not row["failed"]:
                self.prepare(module, cache)
                row["instructions"] = self.instructions(module, ("start", "list", "end"), ("start", "list"))
            yield row | self.ratio(row)

    def processes(self, module):
        self.prepare(module, "warm")
        for number in PROCESSES:
            self.counters()
            began = time.monotonic()
            all_of_them = [Process(self, module) for _ in range(number)]
            lines = ("start", "login", f"sign {PROCESS_SIGNATURES}", "end")
            for process in all_of_them:
                for line in lines:
                    process.tell(line)
            answers = [[process.answer() for _ in lines] for process in all_of_them]
            for process in all_of_them:
                process.end()
            yield self.shared_row(module, "processes", number, number * PROCESS_SIGNATURES, began,
                                  [a for answer in answers for a in answer], number * self.image.floor_login())

    def threads(self, module):
        self.prepare(module, "warm")
        process = Process(self, module)
        first = [process.do(line) for line in ("start", "login", "sign 1")]
        for number in THREADS:
            self.counters()
            began = time.monotonic()
            answers = [*first, process.do(f"threads {number}")]
            yield self.shared_row(module, "threads", number, number * THREAD_SIGNATURES, began, answers, 0)
        process.do("end")
        process.end()

    def shared_row(self, module, growth, number, signatures, began, answers, logins):
        spent = self.counters()
        failed = next((failure(a) for a in answers if a["failed"]), "")
        counted = answers[3:] if growth == "threads" else answers
        row = {"card": self.args.card, "module": self.name(module), "growth": growth, "number": number,
               "what": "signatures", "count": signatures, "failed": failed,
               "floor": logins + signatures * PRIVATE_OP, "wall_us": int((time.monotonic() - began) * 1e6),
               "cpu_us": sum(a.get("cpu_us", 0) for a in counted),
               "peak_kib": max(a.get("peak_kib", 0) for a in answers)} | spent
        return row | self.ratio(row)



def arguments():
    parser = argparse.ArgumentParser()
    for name in ("bench", "virtual", "control", "image", "pin-file", "card", "cache", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--growth", type=int)
    for name in ("steps", "parallel", "instructions"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("modules", nargs="+")
    return parser.parse_args()


def main():
    args = arguments()
    bench, rows = Bench(args), []
    for module in args.modules:
        if args.steps:
            rows += bench.steps(module)
        if args.growth is not None:
            rows += bench.growth(module)
        if args.parallel:
            rows += bench.processes(module)
            rows += bench.threads(module)
    try:
        with open(args.out, encoding="utf-8") as stream:
            whole = json.load(stream)
    except FileNotFoundError:
        whole = {"twcard-bench": 1, "rows": []}
    whole["rows"] += rows
    with open(args.out, "w", encoding="utf-8") as stream:
        json.dump(whole, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
