#!/usr/bin/env python3
"""leahpm beside uv, bun, pnpm and the least program that does the work, on the same packages, in one run.

    benches/peers/run.py                    everything, with 50 packages: half an hour
    benches/peers/run.py --scenarios cold --tools leahpm,bun -n 5

README.md beside this file says what is measured and how to read it.
"""

import argparse
import json
import os
import sys
import tarfile

import forms
import measure
import packages
import programs
import report
import server
import tools

ALL_TOOLS = "leahpm,uv,bun,pnpm,floor-none,floor-syncfs,floor-fsync,floor-content"


class World:
    """What all tools share: the set and how it is reached."""

    def __init__(self, folder, count, port):
        self.set, self.work = f"{folder}/set-{count}-{port}", f"{folder}/work"
        self.port = port
        self.certificate = None
        self.names = self.roots = None


def main():
    options = parse_options()
    programs.check_system()
    folder = os.path.abspath(options.folder)
    found = {**programs.ours(), **programs.peers(folder)}
    if options.leahpm:
        found["leahpm"] = os.path.abspath(options.leahpm)
    world = World(folder, options.count, options.port)
    make_set(world, options.count, found)
    base, *_ = names = options.tools.split(",")
    results = {}
    with server.serve(world.set, f"{folder}/nginx", options.port) as world.certificate:
        chosen = [tools.make(name, found, world) for name in names]
        for scenario in measure.parse_scenarios(options.scenarios):
            results[scenario] = measure.rounds(chosen, scenario, options.rounds)
            report.table(scenario, results[scenario], base)
    missed = report.goals(results, base)
    save(options.json, results)
    return 1 if options.check and missed else 0


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    default = f"{programs.PROJECT}/target/peers"
    parser.add_argument("--count", type=int, default=50, help="packages in the set [50]")
    parser.add_argument("--tools", default=ALL_TOOLS, help="the first one is compared with the others")
    parser.add_argument("--scenarios", default="cold,locked,warm,noop,resolve")
    parser.add_argument("-n", "--rounds", type=int, default=21, help="how often each program runs [21]")
    parser.add_argument("--leahpm", help="another leahpm than the one that is built here")
    parser.add_argument("--folder", default=default, help="on a disk as users have it, not in memory [target/peers]")
    parser.add_argument("--port", type=int, default=8765, help="the first of six on 127.0.0.1 [8765]")
    parser.add_argument("--json", help="file for every single figure")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    return parser.parse_args()


def make_set(world, count, found):
    """Makes the packages in all forms, unless they are there. Heads live for 30 days."""
    done = f"{world.set}/set.json"
    if not os.path.exists(done):
        print(f"making {count} packages in {world.set}", file=sys.stderr, flush=True)
        manifest, component = real_plugin()
        content = packages.make(count, component)
        forms.npm(world.set, content, server.urls(world.port))
        forms.python(world.set, content)
        forms.leah(world.set, content, manifest, component, found)
        facts = {
            "names": [package.name for package in content],
            "roots": packages.roots(content),
            "bytes": sum(package.size for package in content),
            "files": sum(len(package.files) + 1 for package in content),
        }
        with open(done, "w", encoding="ascii") as file:
            json.dump(facts, file)
    with open(done, encoding="ascii") as file:
        facts = json.load(file)
    world.names, world.roots = facts["names"], facts["roots"]


def real_plugin():
    """What the manifest of a bundled plugin says beside its name and version, and its component."""
    archive = f"{programs.PROJECT}/bundled/packages/hello-world/hello-world-1.1.0.tar.gz"
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("plugin.yaml").read().decode()
        component = tar.extractfile("plugin.wasm").read()
    lines = manifest.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("name:", "version:"))), component


def save(path, results):
    if path:
        plain = {
            scenario: {name: [vars(run) for run in runs] for name, runs in measured.items()}
            for scenario, measured in results.items()
        }
        with open(path, "w", encoding="ascii") as file:
            json.dump(plain, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
