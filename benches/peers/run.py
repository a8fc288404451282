#!/usr/bin/env python3
"""leahpm beside uv, bun, pnpm and the least program that does the work, on the same packages, in one run.

    benches/peers/run.py                    everything: a quarter of an hour, and the time to build
    benches/peers/run.py --parts tools --scenarios cold --tools leahpm,bun -n 5

README.md beside this file says what is measured and how to read it.
"""

import argparse
import contextlib
import json
import os
import sys

import programs
import report
import server
import tools
from parts import PARTS
from world import World

ALL_TOOLS = "leahpm,uv,bun,pnpm,floor-none,floor-syncfs,floor-fsync,floor-content"


class Bench:
    """What every part needs: the options, the programs, and sets that are being served."""

    def __init__(self, options, found, serving):
        self.options, self.programs, self.serving = options, found, serving
        self.folder = options.folder
        self.worlds = {}

    def world(self, count):
        """The set of `count` packages, made and served when it is first asked for."""
        if count not in self.worlds:
            port = self.options.port + (len(server.WAYS) if count == self.options.many else 0)
            world = World(self.folder, count, port)
            world.make(self.programs)
            world.certificate = self.serving.enter_context(world.serve())
            self.worlds[count] = world
        return self.worlds[count]

    def clear(self):
        """Removes what a part has installed. Where it stopped with an error, that is left to be looked at."""
        for world in self.worlds.values():
            tools.remove(world.work)


def main():
    options = parse_options()
    programs.check_system()
    found = {**programs.ours(options.folder), **programs.peers(options.folder)}
    if options.leahpm:
        found["leahpm"] = os.path.abspath(options.leahpm)
    if "verification" in options.parts:
        found["leahpm-unverified"] = programs.unverified(options.folder)
    results = {"programs": programs.versions(found), "machine": programs.machine(options.folder)}
    report.about(results)
    goals = []
    with contextlib.ExitStack() as serving:
        bench = Bench(options, found, serving)
        for name in options.parts:
            results[name], reached = PARTS[name].run(bench, options.rounds or PARTS[name].ROUNDS)
            goals += reached
            bench.clear()
            # After each part, so that a run that is broken off leaves what it has found.
            save(options.json, {**results, "goals": [{**goal._asdict(), "met": goal.met} for goal in goals]})
    report.goals(goals)
    return 1 if options.check and not all(goal.met for goal in goals) else 0


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    folder = f"{programs.PROJECT}/target/peers"
    parser.add_argument("--parts", type=some_of(PARTS), default=list(PARTS), help=f"of {', '.join(PARTS)} [all]")
    parser.add_argument("-n", "--rounds", type=int, help="how often each program runs [each part has its number]")
    parser.add_argument("--count", type=int, default=50, help="packages in the set [50]")
    parser.add_argument("--many", type=int, default=300, help="packages in the large set [300]")
    parser.add_argument("--tools", type=words, default=words(ALL_TOOLS), help="of `tools`; the first is leahpm")
    usual = tools.SCENARIOS[:-1]
    which = f"of `tools`: {', '.join(tools.SCENARIOS)} [all but the last]"
    parser.add_argument("--scenarios", type=some_of(tools.SCENARIOS), default=usual, help=which)
    parser.add_argument("--blocks", action="store_true", help="in `tools`, all runs of one tool and then the next")
    parser.add_argument("--leahpm", help="another leahpm than the one that is built here")
    parser.add_argument("--folder", type=os.path.abspath, default=folder, help="on a disk [target/peers]")
    parser.add_argument("--port", type=int, default=8765, help="the first of twelve on 127.0.0.1 [8765]")
    parser.add_argument("--json", help="file for every single figure [results.json in the folder]")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()
    options.json = options.json or f"{options.folder}/results.json"
    return options


def words(text):
    return text.split(",")


def some_of(known):
    """A parser for a list of words that are `known`."""

    def parse(text):
        if unknown := [word for word in words(text) if word not in known]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return words(text)

    return parse


def save(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
