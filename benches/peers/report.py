"""Medians of paired ratios, the table of them, and whether the goals are met."""

import statistics

#: (scenario, figure, tool, goal as a ratio of ours to that tool)
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


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


def ratio(ours, theirs, figure):
    """The median of the ratios of runs of one round, with the quartiles."""
    pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(ours, theirs)]
    # The kernel counts user time in ticks of some milliseconds. Of what is that short only the wall time says anything.
    if any(b <= 0 for _, b in pairs):
        return None
    low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    return middle, low, high


def table(scenario, results, base):
    """One line a tool, with the ratio of `base` to it."""
    print(f"\n{scenario}: medians of {len(results[base])} rounds; the ratio is {base} to the tool, with its quartiles\n")
    print("| tool | wall ms | user ms | system ms | wall ratio | user ratio |")
    print("| --- | ---: | ---: | ---: | --- | --- |")
    for name, runs in results.items():
        wall, user, system = (median(runs, figure) * 1000 for figure in ("wall", "user", "system"))
        cells = [shown(ratio(results[base], runs, figure)) if name != base else "" for figure in ("wall", "user")]
        print(f"| {name} | {wall:.1f} | {user:.1f} | {system:.1f} | {cells[0]} | {cells[1]} |", flush=True)


def shown(ratios):
    if ratios is None:
        return "too short"
    middle, low, high = ratios
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def goals(results, base):
    """Prints what became of each goal that was measured; the missed ones are returned."""
    missed = []
    print("\n| goal | measured | at most | |\n| --- | ---: | ---: | --- |")
    for scenario, figure, tool, most in GOALS:
        measured = results.get(scenario, {})
        if base not in measured or tool not in measured:
            continue
        found = ratio(measured[base], measured[tool], figure)
        found = found[0] if found else float("nan")
        name = f"{scenario}, {figure}, to {tool}"
        verdict(missed, name, f"{found:.2f} x", f"{most} x", found <= most)
    return missed


def verdict(missed, name, found, most, met):
    print(f"| {name} | {found} | {most} | {'met' if met else '**missed**'} |")
    if not met:
        missed.append(name)
