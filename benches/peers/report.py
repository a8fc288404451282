"""Ratios of runs, the tables of them, and what became of the goals."""

import statistics
from typing import NamedTuple


#: Behind the point, for each unit.
DIGITS = {"x": 2, "MiB": 1, "": 0}


class Goal(NamedTuple):
    """A figure of leahpm that should be `most` at most, both in `unit`."""

    name: str
    found: float
    most: float
    unit: str = "x"

    @property
    def met(self):
        return self.found <= self.most


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


def total(runs, figure):
    return sum(getattr(run, figure) for run in runs)


class Ratio:
    """The median of the ratios of runs of one round, with the quartiles; not a number where a run was too short.

    Of what takes less than a tick of the kernel only the wall time says anything."""

    def __init__(self, ours, theirs, figure):
        pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(ours, theirs)]
        self.low = self.middle = self.high = float("nan")
        if all(b > 0 for _, b in pairs):
            ratios = [a / b for a, b in pairs]
            # Of a single round there are no quartiles.
            self.low, self.middle, self.high = statistics.quantiles(ratios if len(ratios) > 1 else ratios * 2, n=4)

    def __str__(self):
        if self.middle != self.middle:
            return "too short"
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def heading(text):
    print(f"\n## {text}\n", flush=True)


def table(columns, rows):
    """As Markdown; what is not in the first column is a number and stands at the right."""
    print(f"| {' | '.join(columns)} |")
    print(f"| --- |{' ---: |' * (len(columns) - 1)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


def about(facts):
    """What the figures are of."""
    heading("Programs and machine")
    table(["", ""], [*facts["programs"].items(), *facts["machine"].items()])


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}"


def beside(results, base):
    """One line a tool, with the ratio of `base` to it."""
    rows = []
    for name, runs in results.items():
        times = [milliseconds(median(runs, figure)) for figure in ("wall", "user", "system")]
        ratios = [Ratio(results[base], runs, figure) if name != base else "" for figure in ("wall", "user")]
        rows.append([name, *times, *ratios])
    table(["tool", "wall ms", "user ms", "system ms", f"wall of {base} to it", f"user of {base} to it"], rows)


def goals(found):
    heading("Goals")
    rows = [[*shown(goal), "met" if goal.met else "**missed**"] for goal in found]
    table(["goal", "measured", "at most", ""], rows)


def shown(goal):
    return goal.name, f"{goal.found:.{DIGITS[goal.unit]}f} {goal.unit}".strip(), f"{goal.most:g} {goal.unit}".strip()


def plain(results):
    """Every figure, as JSON has it."""
    return {name: [vars(run) for run in runs] for name, runs in results.items()}
