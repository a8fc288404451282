"""A cold install while the page cache holds what another program has just written to the same disk.

Who waits for everything to be on disk waits for that as well. Nothing is judged here, only written down."""

import os

import measure
import report
import tools

ROUNDS = 7
TOOLS = ["leahpm", "bun", "floor-syncfs", "floor-fsync"]
GIB = 1 << 30


def run(bench, rounds):
    world = bench.world(bench.options.count)
    chosen = [tools.make(name, bench.programs, world) for name in TOOLS]
    clean, dirty = ({tool.name: [] for tool in chosen} for _ in range(2))
    other = f"{world.work}/written-by-another"
    for tool in chosen:
        measure.once(tool, "cold")
    for turn in range(rounds):
        for tool in measure.in_turn(chosen, turn):
            clean[tool.name].append(measure.once(tool, "cold"))
            try:
                dirty[tool.name].append(measure.once(tool, "cold", lambda: write(other)))
            finally:
                tools.remove(other)
    report.heading(f"Dirty: a cold install of {world.count} packages beside 1 GiB that is not on disk, {rounds} rounds")
    rows = []
    for name in TOOLS:
        walls = [report.milliseconds(report.median(runs[name], "wall")) for runs in (clean, dirty)]
        to_bun = [report.Ratio(runs[name], runs["bun"], "wall") if name != "bun" else "" for runs in (clean, dirty)]
        rows.append([name, *walls, report.Ratio(dirty[name], clean[name], "wall"), *to_bun])
    report.table(["tool", "clean ms", "dirty ms", "dirty to clean", "to bun, clean", "to bun, dirty"], rows)
    return {"clean": report.plain(clean), "dirty": report.plain(dirty)}, []


def write(path):
    """Writes a GiB that a disk cannot make smaller, and leaves it to the kernel when it gets there."""
    piece = os.urandom(1 << 20)
    with open(path, "wb", buffering=0) as file:
        for _ in range(GIB // len(piece)):
            file.write(piece)
