"""All tools in all scenarios, in the clear and without a delay: the registry is at hand, the work is what is timed."""

import measure
import report
import tools

ROUNDS = 21

#: (scenario, figure, tool, the most that leahpm's may be as a ratio to that tool's)
GOALS = [
    ("cold", "wall", "bun", 0.85),
    ("cold", "wall", "uv", 0.6),
    ("cold", "wall", "floor-syncfs", 1.25),
    ("cold", "user", "bun", 1.0),
    ("cold", "user", "floor-syncfs", 1.15),
    ("warm", "wall", "bun", 0.4),
    ("warm", "wall", "uv", 0.1),
    ("noop", "wall", "bun", 0.3),
    ("resolve", "wall", "bun", 0.4),
]


def run(bench, rounds):
    world = bench.world(bench.options.count)
    base, *_ = names = bench.options.tools
    chosen = [tools.make(name, bench.programs, world) for name in names]
    results = {}
    for scenario in bench.options.scenarios:
        able = [tool for tool in chosen if scenario in tool.commands]
        runs = measure.rounds(able, scenario, rounds, bench.options.blocks)
        results[scenario] = {tool.name: runs[tool] for tool in able}
        report.heading(f"{scenario}, {world.count} packages: medians of {rounds} rounds")
        report.beside(results[scenario], base)
    figures = {scenario: report.plain(measured) for scenario, measured in results.items()}
    return figures, list(goals(results, base))


def goals(results, base):
    for scenario, figure, tool, most in GOALS:
        measured = results.get(scenario, {})
        if base in measured and tool in measured:
            ratio = report.Ratio(measured[base], measured[tool], figure)
            yield report.Goal(f"{scenario}, {figure}, to {tool}", ratio.middle, most)
