"""With a registry far away, with TLS and without: how long an install waits, and how many round trips that is.

The slope between two delays is counted: what a millisecond of delay more costs, in milliseconds. Everything that does
not wait for the network falls out of it, the program between included, since it stands there at both delays."""

import statistics

import measure
import report
import server
import tools

ROUNDS = 3
TOOLS = ["leahpm", "uv", "bun", "pnpm"]
SCENARIOS = ["cold", "resolve"]
#: Where requests are counted. The server sees a connection through a delay as one of its own.
COUNTED = ["direct", "tls", "delay-50", "tls-delay-50"]


def run(bench, rounds):
    world = bench.world(bench.options.count)
    chosen = {way: [tools.make(name, bench.programs, world, way) for name in TOOLS] for way in server.WAYS}
    figures, goals = {}, []
    for scenario in SCENARIOS:
        runs = measure.rounds([tool for way in chosen.values() for tool in way], scenario, rounds)
        walls = {way: {tool.name: [run.wall for run in runs[tool]] for tool in chosen[way]} for way in chosen}
        trips = {scheme: round_trips(walls, scheme) for scheme in ("", "tls-")}
        report.heading(f"{scenario} over a network, {world.count} packages: medians of {rounds} rounds")
        print_walls(walls, trips)
        counts = {way: {tool.name: count(tool, scenario) for tool in chosen[way]} for way in COUNTED}
        print_counts(counts)
        figures[scenario] = {"walls": walls, "round_trips": trips, "requests": counts}
        for scheme, found in trips.items():
            name = f"{scenario}, round trips{' with TLS' if scheme else ''}, to those of bun"
            # Round trips are whole; what is between comes of measuring.
            goals.append(report.Goal(name, round(found["leahpm"]), round(found["bun"]), ""))
    return figures, goals


def round_trips(walls, scheme):
    """tool -> median of what each round says."""
    near, far = f"{scheme}delay-50", f"{scheme}delay-250"
    apart = (server.WAYS[far][2] - server.WAYS[near][2]) / 1000
    slopes = {
        name: [(there - here) / apart for here, there in zip(walls[near][name], walls[far][name])] for name in TOOLS
    }
    return {name: statistics.median(found) for name, found in slopes.items()}


def count(tool, scenario):
    """What one run asks the server for."""
    tool.prepare(scenario)
    asked = tool.world.requests(lambda: measure.timed(tool, scenario))
    return {
        "requests": len(asked),
        "paths": len({request.path for request in asked}),
        "connections": len({request.connection for request in asked}),
        "protocols": sorted({request.protocol for request in asked}),
    }


def print_walls(walls, trips):
    ways = list(walls)
    rows = [
        [
            name,
            *(f"{statistics.median(walls[way][name]) * 1000:.0f}" for way in ways),
            *(f"{found[name]:.1f}" for found in trips.values()),
        ]
        for name in TOOLS
    ]
    report.table(["wall ms", *ways, "round trips", "with TLS"], rows)


def print_counts(counts):
    rows = []
    for name in TOOLS:
        cells = [counts[way][name] for way in COUNTED]
        rows.append([name, *(f"{cell['requests']} ({cell['paths']}), {cell['connections']}" for cell in cells)])
        rows[-1].append(", ".join(sorted({protocol for cell in cells for protocol in cell["protocols"]})))
    report.table(["requests (paths), connections", *COUNTED, "protocols"], rows)
