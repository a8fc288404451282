"""How the processor time of a cold install grows with the number of packages.

Sums of many rounds are compared, since the kernel tells user from system time by ticks of some milliseconds."""

import measure
import report
import tools

ROUNDS = 15
TOOLS = ["leahpm", "bun"]
#: Of user time, for 300 packages to 50. Their bytes are 5.2 times as many.
MOST = 5.8


def run(bench, rounds):
    worlds = few, many = [bench.world(count) for count in (bench.options.count, bench.options.many)]
    chosen = {name: [tools.make(name, bench.programs, world) for world in worlds] for name in TOOLS}
    runs = measure.rounds([tool for pair in chosen.values() for tool in pair], "cold", rounds)
    growth = {
        name: report.total(runs[large], "user") / report.total(runs[small], "user")
        for name, (small, large) in chosen.items()
    }
    report.heading(f"Scale: a cold install of {many.count} packages to one of {few.count}, sums of {rounds} rounds")
    more = f"{many.bytes / few.bytes:.2f} times the bytes and {many.files / few.files:.2f} times the files"
    print(f"{many.count} packages have {more} of {few.count}.\n")
    rows = []
    for name, (small, large) in chosen.items():
        medians = [report.milliseconds(report.median(runs[tool], "user")) for tool in (small, large)]
        ratios = [report.total(runs[large], figure) / report.total(runs[small], figure) for figure in ("cpu", "wall")]
        rows.append([name, *medians, f"{growth[name]:.2f}", *(f"{ratio:.2f}" for ratio in ratios)])
    columns = [f"user ms, {few.count}", f"user ms, {many.count}", "ratio of user", "of user and system", "of wall"]
    report.table(["tool", *columns], rows)
    figures = {
        "bytes": many.bytes / few.bytes,
        **{name: report.plain({str(tool.world.count): runs[tool] for tool in pair}) for name, pair in chosen.items()},
    }
    goals = []
    if (few.count, many.count) == (50, 300):
        goals.append(report.Goal("scale, user, 300 packages to 50", growth["leahpm"], MOST))
    return figures, goals
