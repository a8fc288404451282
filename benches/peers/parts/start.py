"""A sync that changes nothing, beside an empty program: what is left is the start of a process."""

import measure
import programs
import report
import tools

ROUNDS = 300
TOOLS = ["leahpm", "leahpm-plain"]
#: To an empty Rust program that is linked dynamically.
MOST = 1.5


class Empty(tools.Tool):
    def set_up(self):
        self.commands = {"noop": []}


def run(bench, rounds):
    world = bench.world(bench.options.count)
    chosen = [tools.make(name, bench.programs, world) for name in TOOLS]
    for tool in chosen:
        measure.once(tool, "cold")
    empty = Empty("empty", programs.empty(f"{bench.folder}/empty"), world)
    turns = [empty, *chosen]
    runs = {tool.name: [] for tool in turns}
    for _ in range(5):
        for tool in turns:
            measure.timed(tool, "noop")
    for turn in range(rounds):
        for tool in measure.in_turn(turns, turn):
            runs[tool.name].append(measure.timed(tool, "noop"))
    report.heading(f"Start: a sync that changes nothing beside an empty program, {rounds} rounds")
    ratios = {name: report.Ratio(runs[name], runs["empty"], "wall") for name in TOOLS}
    rows = [
        [name, *(report.milliseconds(report.median(taken, figure)) for figure in ("wall", "cpu")), ratios.get(name, "")]
        for name, taken in runs.items()
    ]
    report.table(["program", "wall ms", "processor ms", "wall to empty"], rows)
    return report.plain(runs), [report.Goal(f"start, wall, {name}", ratios[name].middle, MOST) for name in TOOLS]
