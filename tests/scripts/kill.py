#!/usr/bin/env python3
"""Interrupts leahpm at every system call that changes the disk, and looks at what is left.

A first run under strace counts the calls. Then, for each call, a run on a fresh copy of the prepared home
  kill    gets a SIGKILL on entering it: all calls before have happened, and it has not,
  ENOSPC, EIO, EROFS, EACCES   gets this error in its place, once,
  full, read-only              gets ENOSPC or EROFS from here on in every call that such a disk would refuse.
The point behind the last call is that of a run that nothing stops. After each: the live set is the old one or
the new, `verify` and `history` agree, the same command and another one succeed, nothing is left behind.

    cargo build --release --workspace && tests/scripts/kill.py [--all] [--mode kill,EIO] [--only update]

Needs strace and taskset. Root's rights are dropped, so that modes of files count.
"""

import argparse
import collections
import os
import random
import re
import shutil
import sys
import threading
import time

sys.dont_write_bytecode = True  # The project is no place for what Python makes of it.

import stage
from stage import Broken

ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")
# What goes on to fail once a disk is full or read-only. Writes are left out: they would fail on the terminal too.
LASTING = {
    "full": ("ENOSPC", "mkdir symlink rename renameat2".split()),
    "read-only": (
        "EROFS",
        "mkdir symlink rename renameat2 unlink unlinkat rmdir chmod fchmod ftruncate".split(),
    ),
}
MODES = ("kill", *ERRORS, *LASTING)
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


class Point:
    """One call of a run: the `number`-th of `call`, and how often each other call came before it."""

    def __init__(self, call, number, before, text):
        self.call, self.number, self.before, self.text = call, number, before, text
        self.prints = call == "write" and text.startswith(("1<", "2<"))
        self.syncs = call in ("fsync", "fdatasync", "syncfs", "sync")

    def __str__(self):
        return f"{self.call} {self.number} ({self.text[:120]})"

    def injections(self, mode):
        """The arguments of strace that interrupt here."""
        if mode == "kill":
            return [f"--inject={self.call}:signal=KILL:when={self.number}"]
        if mode in ERRORS:
            return [f"--inject={self.call}:error={mode}:when={self.number}"]
        error, calls = LASTING[mode]
        return [f"--inject={call}:error={error}:when={self.before[call] + 1}+" for call in calls]


def main():
    options = parse_options()
    for program in ("strace", "taskset"):
        if not shutil.which(program):
            print(f"not run: {program} is not installed")
            return 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with stage.Folder(dir=memory, prefix="leahpm-kill-") as folder:
        actors = stage.Stage(folder, options.leahpm, options.tool, options.registries)
        if not can_trace(actors):
            print("not run: strace may not trace here")
            return 0
        failures = run_all(actors, options)
    return 1 if failures else 0


def parse_options():
    built = f"{stage.PROJECT}/target/release"
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="every point in every mode")
    parser.add_argument("--points", type=int, default=150, help="so many, half of them kills [150]")
    parser.add_argument("--mode", default=",".join(MODES), help=f"of {', '.join(MODES)} [all]")
    parser.add_argument("--only", default="", help="names of changes [all]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time [one a processor]")
    parser.add_argument("--leahpm", default=f"{built}/leahpm", help="the program")
    parser.add_argument("--tool", default=f"{built}/leah-registry", help="what makes the registries")
    parser.add_argument("--registries", help="folder of registries that were made before")
    parser.add_argument("--verbose", action="store_true", help="show what came out at each point")
    parser.add_argument("--list", action="store_true", help="show the points and stop")
    options = parser.parse_args()
    options.tool = None if options.registries else options.tool
    options.mode = options.mode.split(",")
    return options


def can_trace(actors):
    return actors.run(actors.folder, ["--version"], ["strace", "-qq", "-o", os.devnull]).returncode == 0


def run_all(actors, options):
    """Interrupts everything that was asked for; answers how often something was wrong."""
    start = time.monotonic()
    prepared = actors.prepare(options.only.split(",") if options.only else ())
    cases = []
    for one in prepared:
        points = trace(actors, one)
        if options.list:
            for point in points:
                print(f"{one.change.name:22} {point}")
        print(f"{one.change.name}: {len(points)} calls", file=sys.stderr)
        for mode in options.mode:
            # A closed pipe is another story than a full disk.
            errors = mode == "kill" or not one.change.web
            cases += [(one, point, mode) for point in points if errors and (mode == "kill" or not point.prints)]
    if options.list:
        return 0
    print(f"{len(cases)} cases in all", file=sys.stderr)
    if not options.all:
        cases = sample(cases, options.points)
    counts, failures = Counts(options.verbose), []

    def do(number, case):
        interrupt(actors, f"{actors.folder}/job-{number}", case, counts, failures)

    work(cases, options.jobs, do)
    counts.show()
    for text in failures:
        print(text)
    print(f"{len(cases)} interruptions in {time.monotonic() - start:.0f} s, {len(failures)} wrong")
    return len(failures)


def sample(cases, size):
    """A part of the cases, the same in every run; half of it are kills, which are the fewer."""
    random.Random(1).shuffle(cases)
    kills = [case for case in cases if case[2] == "kill"]
    errors = [case for case in cases if case[2] != "kill"]
    half = min(len(kills), size if not errors else size // 2)
    return kills[:half] + errors[: size - half]


def trace(actors, prepared, environment=None):
    """The calls of an undisturbed run that change the disk, in their order."""
    home, output = f"{actors.folder}/traced", f"{actors.folder}/trace"
    stage.copy(prepared.home, home)
    stage.remove(stage.cache_of(home))
    strace = ["strace", "-f", "-y", "-qq", "-o", output, f"--trace={traced_calls()}"]
    done = actors.run(home, prepared.change.arguments, one_processor(0) + strace, environment=environment or {})
    if done.returncode:
        raise SystemExit(f"{prepared.change.name}: {done.stderr}")
    by_process, points, processes = collections.defaultdict(collections.Counter), [], set()
    with open(output, encoding="utf-8", errors="replace") as file:
        for line in file:
            if not (call := LINE.match(line)):
                continue
            process, name, text = call.groups()
            # strace counts by thread.
            counts = by_process[process]
            counts[name] += 1
            if (name != "openat" or "O_CREAT" in text) and "<anon_inode:" not in text:
                processes.add(process)
                points.append(Point(name, counts[name], counts - collections.Counter([name]), text.strip()))
    if len(processes) != 1 and not prepared.change.web:
        raise SystemExit(f"{prepared.change.name}: strace counts by thread, and {len(processes)} change the disk")
    stage.remove(home)
    return points


def interrupt(actors, home, case, counts, failures):
    prepared, point, mode = case
    processor = int(home.rsplit("-", 1)[1])
    stage.copy(prepared.home, home)
    stage.remove(stage.cache_of(home))
    strace = ["strace", "-f", "-qq", "-o", os.devnull, f"--trace={traced_calls()}", *point.injections(mode)]
    done = actors.run(home, prepared.change.arguments, one_processor(processor) + strace)
    ended = done.returncode
    try:
        # On the web the threads may have come to this call less often than before.
        if mode == "kill" and ended not in (137, -9) and not (prepared.change.web and ended == 0):
            raise Broken(f"it was not killed, it ended with {ended}: {done.stderr.strip()}")
        if mode != "kill":
            judge_words(home, point, mode, done)
        # Whoever told of a success and was killed while telling it has succeeded.
        told = 0 if ended == 0 or stage.ANNOUNCED.search(done.stderr) else ended
        outcome = actors.judge(prepared, home, told)
        counts.add(prepared.change.name, point, mode, "success" if ended == 0 else outcome)
    except Broken as broken:
        counts.add(prepared.change.name, point, mode, "wrong")
        failures.append(
            f"WRONG {prepared.change.name}, {mode} at {point}: {broken}"
            f"\n      ended with {ended}: {done.stderr.strip()}"
        )
    stage.remove(home)
    stage.remove(stage.cache_of(home))


def judge_words(home, point, mode, done):
    """What is told of an error: which, where, and never a success behind a sync that failed."""
    if done.returncode == 0:
        if point.syncs and mode in ERRORS:
            raise Broken("success was told, and the disk had refused to sync")
        return
    if done.returncode not in (1, 3) or not done.stderr.startswith("error: "):
        raise Broken(f"ended with {done.returncode}, which is not the answer to an error of the disk")
    if home not in done.stderr:
        raise Broken("the error names no path")
    if stage.ANNOUNCED.search(done.stderr):
        raise Broken("an error, and a success was told as well")


class Counts:
    """How often what came out, by change and mode."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.guard, self.by = threading.Lock(), collections.defaultdict(collections.Counter)

    def add(self, change, point, mode, outcome):
        with self.guard:
            if self.verbose:
                print(f"{outcome:8} {change}, {mode} at {point}")
            self.by[change, "kill" if mode == "kill" else "error"][outcome] += 1

    def show(self):
        print(f"{'change':22} {'':6} {'old':>6} {'new':>6} {'success':>8} {'wrong':>6}")
        total = collections.defaultdict(collections.Counter)
        for (change, mode), seen in self.by.items():
            total["all", mode] += seen
        for (change, mode), seen in [*self.by.items(), *total.items()]:
            print(f"{change:22} {mode:6} {seen['old']:6} {seen['new']:6} {seen['success']:8} {seen['wrong']:6}")


def work(cases, jobs, do):
    """Does all cases, some at a time; each worker has a number of its own."""
    rest, guard, errors = list(reversed(cases)), threading.Lock(), []

    def worker(number):
        while True:
            with guard:
                if not rest or errors:
                    return
                case = rest.pop()
            try:
                do(number, case)
            except BaseException as error:  # A worker that dies must end the run.
                errors.append(error)
                raise

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def one_processor(number):
    """strace counts calls by thread; on one processor leahpm does all in one."""
    processors = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(processors[number % len(processors)])]


def traced_calls():
    # A question mark: not every processor has every call.
    return ",".join(f"?{call}" for call in stage.CALLS)


if __name__ == "__main__":
    sys.exit(main())
