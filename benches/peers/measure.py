"""One process at a time, measured from outside; all programs of a scenario take turns within a round."""

import os
import shutil
import subprocess
import sys
import time

from tools import FROM_NOTHING, INSTALLING, remove

#: Seconds for which ext4 gives out no inode that was freed, and one more.
INODES_LIE_IDLE = 6


class Run:
    """Wall, user and system seconds of one process."""

    def __init__(self, wall, user, system):
        self.wall, self.user, self.system = wall, user, system

    @property
    def cpu(self):
        return self.user + self.system


def timed(tool, scenario):
    arguments = tool.command(scenario)
    log = f"{tool.folder}/last.log"
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    before = os.getcwd()
    os.chdir(tool.project)
    start = time.perf_counter()
    child = os.posix_spawn(arguments[0], arguments, tool.environment, file_actions=streams)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    os.chdir(before)
    if status:
        with open(log, encoding="utf-8", errors="replace") as file:
            sys.exit(f"{tool.name}: {' '.join(arguments)} ended with {status}:\n{file.read()[-2000:]}")
    return Run(wall, usage.ru_utime, usage.ru_stime)


def once(tool, scenario, before=None):
    """One run from the state that the scenario starts from. What prepares it, and what it leaves behind in the page
    cache, is outside of the measurement. `before` does something more to the machine just before."""
    tool.prepare(scenario)
    subprocess.run(["sync", "-f", tool.folder], check=True)
    if before:
        before()
    run = timed(tool, scenario)
    if scenario in INSTALLING and tool.installed() != tool.world.sizes:
        sys.exit(f"{tool.name} {scenario}: what is installed is not the set; it is in {tool.folder}")
    return run


def rounds(tools, scenario, count, blocks=False):
    """tool -> runs, the same number for each; run i of one was next to run i of another, unless each has a block of its
    own."""
    for world in {tool.world for tool in tools}:
        empty_trash(world)
    for tool in tools:
        if scenario not in FROM_NOTHING:
            once(tool, "cold")
        once(tool, scenario)
    runs = {tool: [] for tool in tools}
    if blocks:
        for tool in tools:
            runs[tool] = [once(tool, scenario) for _ in range(count)]
        return runs
    for turn in range(count):
        for tool in in_turn(tools, turn):
            runs[tool].append(once(tool, scenario))
    return runs


def empty_trash(world):
    """Frees what was set aside, and waits until the inodes of it can be had again."""
    if os.path.exists(world.trash):
        remove(world.trash)
        subprocess.run(["sync", "-f", world.work], check=True)
        time.sleep(INODES_LIE_IDLE)


def in_turn(tools, turn):
    """Whoever comes first in a round does not always come behind the same one."""
    first = turn % len(tools)
    return tools[first:] + tools[:first]


def peak(tool, scenario, count=3):
    """The largest resident set in MiB, of a process whose parent is small: the parent's own counts as well."""
    found = []
    if scenario not in FROM_NOTHING:
        once(tool, "cold")
    for _ in range(count):
        tool.prepare(scenario)
        report = f"{tool.folder}/peak"
        subprocess.run(
            [shutil.which("time"), "--format=%M", f"--output={report}", *tool.command(scenario)],
            **{"cwd": tool.project, "env": tool.environment, "stdin": subprocess.DEVNULL},
            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True},
        )
        with open(report, encoding="ascii") as file:
            found.append(int(file.read().split()[-1]) / 1024)
    return max(found)
