"""What verification costs: a cold install beside the same by a leahpm that was built without it, for this alone.

The product has no switch for that: `unverified.patch` takes hashes and signatures of packages and records out of a copy of
the sources. What remains checked is that archives, manifests and records have the right form."""

import measure
import report
import tools

ROUNDS = 31
TOOLS = ["leahpm", "leahpm-unverified"]
#: Of user and system time.
MOST = 1.15


def run(bench, rounds):
    report.heading(f"Verification: a cold install of {bench.options.count} packages with and without, {rounds} rounds")
    world = bench.world(bench.options.count)
    chosen = [tools.make(name, bench.programs, world) for name in TOOLS]
    runs = measure.rounds(chosen, "cold", rounds)
    results = {tool.name: runs[tool] for tool in chosen}
    rows, ratios = [], {}
    for figure, title in [("cpu", "user and system"), ("user", "user"), ("wall", "wall")]:
        medians = [report.milliseconds(report.median(results[name], figure)) for name in TOOLS]
        ratios[figure] = report.Ratio(*results.values(), figure)
        sums = report.total(results[TOOLS[0]], figure) / report.total(results[TOOLS[1]], figure)
        rows.append([title, *medians, ratios[figure], f"{sums:.2f}"])
    report.table(["ms", "with", "without", "ratio of pairs", "ratio of sums"], rows)
    goal = report.Goal("verification, user and system, to none", ratios["cpu"].middle, MOST)
    return report.plain(results), [goal]
