"""What is measured, one module a part, in the order in which it is done.

Each has `ROUNDS`, how often it measures by default, and `run(bench, rounds)`, which prints its tables and returns its
figures and its goals."""

from parts import dirty, memory, network, scale, side_by_side, start, verification

PARTS = {
    "tools": side_by_side,
    "network": network,
    "memory": memory,
    "scale": scale,
    "dirty": dirty,
    "start": start,
    "verification": verification,
}
