#!/usr/bin/env python3
"""How long `leahpm list` and an install that changes nothing take, against an empty Rust program.

All programs run in turn within one round (A B C D, A B C D, …), so that whatever else the machine does
hits them alike; what counts is the median of the ratios within a round. The goal is at most 1.5 times the
empty program that is linked dynamically with libc, as `rustc -C opt-level=3` makes it.

    cargo build --release && benches/startup/run.py [--rounds 500] [--leahpm PATH] [--check]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GOAL = 1.5
PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        programs = prepare(folder, options.leahpm)
        samples = measure(programs, options.rounds)
    base = "empty, libc"
    print(f"{options.rounds} rounds, {os.cpu_count()} CPUs; medians, and the quartiles of the ratios\n")
    print(f"{'program':26} {'wall ms':>8} {'cpu ms':>8}   {'wall ratio':22} cpu ratio")
    slow = []
    for name, taken in samples.items():
        wall, cpu = ratios(taken, samples[base], 0), ratios(taken, samples[base], 1)
        print(
            f"{name:26} {median(taken, 0):8.3f} {median(taken, 1):8.3f}   "
            f"{spread(wall):22} {spread(cpu)}"
        )
        if name.startswith("leahpm") and max(statistics.median(wall), statistics.median(cpu)) > GOAL:
            slow.append(name)
    if slow:
        print(f"\nslower than {GOAL} times `{base}`: {', '.join(slow)}")
    return 1 if slow and options.check else 0


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=500, help="how often each program runs [500]")
    parser.add_argument("--leahpm", default=f"{PROJECT}/target/release/leahpm", help="the program to measure")
    parser.add_argument("--check", action="store_true", help=f"exit with 1 above {GOAL} times")
    return parser.parse_args()


def prepare(folder, leahpm):
    """The programs by name, each as (arguments, environment)."""
    if not os.path.exists(leahpm):
        sys.exit(f"`{leahpm}` is missing; `cargo build --release` makes it")
    source = f"{folder}/empty.rs"
    with open(source, "w", encoding="ascii") as file:
        file.write("fn main() {}\n")
    rustc = ["rustc", "--edition", "2024", "-C", "opt-level=3", source]
    subprocess.run([*rustc, "-o", f"{folder}/empty"], check=True)
    subprocess.run([*rustc, "-C", "prefer-dynamic", "-o", f"{folder}/empty-std"], check=True)
    libraries = subprocess.run(["rustc", "--print", "target-libdir"], check=True, capture_output=True, text=True)
    plain = {"PATH": os.defpath, "HOME": folder, "LC_ALL": "C"}
    home = {**plain, "LEAH_HOME": f"{folder}/home"}
    program = shutil.copy(leahpm, f"{folder}/leahpm")
    install = [program, "install", "translator"]
    subprocess.run([*install, "--grant", "all"], env=home, check=True, capture_output=True)
    return {
        "empty, libc": ([f"{folder}/empty"], plain),
        "empty, libc and libstd": (
            [f"{folder}/empty-std"],
            {**plain, "LD_LIBRARY_PATH": libraries.stdout.strip()},
        ),
        "leahpm list": ([program, "list"], home),
        "leahpm install, no change": (install, home),
    }


def measure(programs, rounds):
    """For each program its (wall, CPU) milliseconds, one pair a round."""
    samples = {name: [] for name in programs}
    null = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    for turn in range(rounds + 5):
        for name, (arguments, environment) in programs.items():
            start = time.perf_counter_ns()
            child = os.posix_spawn(arguments[0], arguments, environment, file_actions=streams)
            _, status, usage = os.wait4(child, 0)
            wall = (time.perf_counter_ns() - start) / 1e6
            if status != 0:
                sys.exit(f"{' '.join(arguments)} ended with status {status}")
            # The first rounds fill the page cache.
            if turn >= 5:
                samples[name].append((wall, (usage.ru_utime + usage.ru_stime) * 1e3))
    return samples


def median(samples, column):
    return statistics.median(sample[column] for sample in samples)


def ratios(samples, base, column):
    return [ours[column] / empty[column] for ours, empty in zip(samples, base)]


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
