"""The largest resident set of one process."""

import measure
import report
import tools

ROUNDS = 3
TOOLS = ["leahpm", "uv", "bun", "pnpm"]


def run(bench, rounds):
    few, many = bench.options.count, bench.options.many
    #: (scenario, packages, MiB at most)
    wanted = [("noop", few, 6), ("cold", few, 24), ("cold", many, 32)]
    found = {name: [] for name in TOOLS}
    for scenario, count, _ in wanted:
        for name in TOOLS:
            tool = tools.make(name, bench.programs, bench.world(count))
            found[name].append(measure.peak(tool, scenario, rounds))
    titles = [f"{scenario}, {count} packages" for scenario, count, _ in wanted]
    report.heading(f"Memory: the largest resident set of {rounds} runs, in MiB")
    report.table(["tool", *titles], [[name, *(f"{peak:.1f}" for peak in peaks)] for name, peaks in found.items()])
    limits = zip(titles, found["leahpm"], wanted)
    goals = [report.Goal(f"memory, {title}", peak, most, "MiB") for title, peak, (_, _, most) in limits]
    return {name: dict(zip(titles, peaks)) for name, peaks in found.items()}, goals
