#!/usr/bin/env python3
"""Kills leahpm, or the host that it deploys through, anywhere in a deploy, and looks at what is live and what runs.

Both are the real ones; each case has a fresh copy of a prepared home, with a host that serves it.
  leahpm   gets a SIGKILL on entering each call that changes the disk or talks to the host,
  host     gets it on entering each call that any of its threads makes from the beginning of the deploy on,
  moment   the host gets it at a random moment of the deploy.
After each: whoever was not killed ends, or goes on, within a bounded time; leahpm says 0 and the set is live, or 11 and
nothing has changed; the host, started again where it was killed, runs what is live, answers by all of its plugins, has
no generation left that it was trying, and ends well. Then the home is judged as `kill.py` does it.

    cargo build --release --workspace && tests/scripts/kill-host.py [--all] [--mode leahpm,host,moment] [--only update]

Needs strace and taskset. Root's rights are dropped, so that modes of files count.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # The project is no place for what Python makes of it.

import kill
import stage
from stage import Broken

sys.path.append(f"{stage.PROJECT}/docs")
import leah_client

MODES = ("leahpm", "host", "moment")
CHANGES = "install,install-from-folder,update,uninstall,disable,enable,rollback"
# What leahpm does on the socket, beside the calls that change the disk.
SOCKET = ("connect", "sendto", "sendmsg", "recvfrom", "recvmsg")
# Seconds that anything here may take at most, on a machine that is busy; `--host-wait` stays below it.
PATIENCE = 60
HOST_WAIT = ["--host-wait", "30"]
HELLO = {"protocol": leah_client.PROTOCOL, "client": "kill-host.py"}


class Daemon:
    """A host on a home, until it is killed or told to end."""

    def __init__(self, actors, home):
        self.process = subprocess.Popen(
            [*stage.without_rights(), actors.host, "--home", home, "serve"],
            env={**actors.environment, "LEAH_CACHE": f"{actors.folder}/host-cache"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=actors.folder,
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if line.startswith("Serving "):
                break
        else:
            raise Broken(f"the host does not start: {''.join(said)}")
        # Who does not read what it says would have it wait.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Tells it to end, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        if code := self.process.wait(PATIENCE):
            raise Broken(f"the host ended with {code}")


class Attached:
    """strace on a host that runs: it counts the calls of each thread from now on."""

    def __init__(self, daemon, arguments):
        command = ["strace", "-f", *arguments, "-p", str(daemon.process.pid)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "attached" in line:
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def wait(self):
        """Its process ends with the one that it looks at."""
        self.process.wait(PATIENCE)


def main():
    options = parse_options()
    for program in ("strace", "taskset"):
        if not shutil.which(program):
            print(f"not run: {program} is not installed")
            return 0
    os.environ.pop("XDG_RUNTIME_DIR", None)  # The sockets stand in the homes.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with stage.Folder(dir=memory, prefix="leahpm-kill-") as folder:
        actors = stage.Stage(folder, options.leahpm, options.tool, options.registries)
        actors.host = shutil.copy(options.host, f"{folder}/leah-host")
        if not kill.can_trace(actors):
            print("not run: strace may not trace here")
            return 0
        return 1 if run_all(actors, options) else 0


def parse_options():
    built = f"{stage.PROJECT}/target/release"
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="every point, and --moments moments of each change")
    parser.add_argument("--points", type=int, default=60, help="so many, of all modes alike [60]")
    parser.add_argument("--moments", type=int, default=60, help="random moments of each change [60]")
    parser.add_argument("--mode", default=",".join(MODES), help=f"of {', '.join(MODES)} [all]")
    parser.add_argument("--only", default=CHANGES, help=f"names of changes [{CHANGES}]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time [one a processor]")
    parser.add_argument("--leahpm", default=f"{built}/leahpm", help="the program")
    parser.add_argument("--host", default=f"{built}/leah-host", help="the host")
    parser.add_argument("--tool", default=f"{built}/leah-registry", help="what makes the registries")
    parser.add_argument("--registries", help="folder of registries that were made before")
    parser.add_argument("--verbose", action="store_true", help="show what came out at each point")
    options = parser.parse_args()
    options.tool = None if options.registries else options.tool
    options.mode = options.mode.split(",")
    return options


def run_all(actors, options):
    """Kills at all points that were asked for; answers how often something was wrong."""
    start, cases, chance = time.monotonic(), [], random.Random(1)
    for one in actors.prepare(options.only.split(",")):
        points, duration = trace_leahpm(actors, one)
        calls = trace_host(actors, one)
        moments = [chance.uniform(0, 1.2 * duration) for _ in range(options.moments)]
        print(
            f"{one.change.name}: {duration * 1e3:.0f} ms, {len(points)} calls of leahpm, {len(calls)} of the host",
            file=sys.stderr,
        )
        cases += [(one, point, "leahpm") for point in points]
        cases += [(one, call, "host") for call in calls]
        cases += [(one, moment, "moment") for moment in moments]
    cases = [case for case in cases if case[2] in options.mode]
    chance.shuffle(cases)
    if not options.all:
        part = options.points // len(options.mode)
        cases = [case for mode in options.mode for case in [it for it in cases if it[2] == mode][:part]]
    results, failures = Results(options.verbose), []

    def do(number, case):
        home = f"{actors.folder}/job-{number}"
        one, point, mode = case
        stage.copy(one.home, home)
        stage.remove(stage.cache_of(home))
        try:
            die = leahpm_dies if mode == "leahpm" else host_dies
            results.add(case, *die(actors, home, case))
        except (Broken, subprocess.TimeoutExpired, leah_client.Late, leah_client.NoHost, OSError) as broken:
            failures.append(f"WRONG {one.change.name}, {mode} at {point}: {type(broken).__name__} {broken}")
            results.add(case, "wrong", 0)

    kill.work(cases, options.jobs, do)
    results.show()
    for text in failures:
        print(text)
    print(f"{len(cases)} deaths in {time.monotonic() - start:.0f} s, {len(failures)} wrong")
    return len(failures)


def trace_leahpm(actors, prepared):
    """The calls of an undisturbed deploy that change the disk or talk to the host, and how long it takes without
    anybody who counts."""
    home, output = f"{actors.folder}/traced", f"{actors.folder}/trace"
    stage.copy(prepared.home, home)
    points, counts = [], collections.Counter()
    with Daemon(actors, home):
        done = deploy(actors, home, prepared, strace("-y", "-o", output))
        if done.returncode:
            raise SystemExit(f"{prepared.change.name}: {done.stderr}")
    with open(output, encoding="utf-8", errors="replace") as file:
        for call in filter(None, map(kill.LINE.match, file)):
            _, name, text = call.groups()
            counts[name] += 1
            if name != "openat" or "O_CREAT" in text:
                points.append(kill.Point(name, counts[name], {}, text.strip()))
    stage.copy(prepared.home, home)
    with Daemon(actors, home):
        began = time.monotonic()
        deploy(actors, home, prepared)
        duration = time.monotonic() - began
    stage.remove(home)
    return points, duration


def trace_host(actors, prepared):
    """The calls of a host from the beginning of a deploy to its end: name and number, as its busiest thread makes
    them."""
    home, output = f"{actors.folder}/traced", f"{actors.folder}/trace"
    stage.copy(prepared.home, home)
    with Daemon(actors, home) as daemon:
        strace_ = Attached(daemon, ["-o", output])
        deploy(actors, home, prepared)
        daemon.kill()
        strace_.wait()
    by_thread = collections.defaultdict(collections.Counter)
    with open(output, encoding="utf-8", errors="replace") as file:
        for call in filter(None, map(kill.LINE.match, file)):
            by_thread[call[1]][call[2]] += 1
    most = collections.Counter()
    for counts in by_thread.values():
        most |= counts
    stage.remove(home)
    return [(name, number + 1) for name in sorted(most) for number in range(most[name])]


def leahpm_dies(actors, home, case):
    """leahpm is killed; the host runs what is live, and the next deploy finds nothing in its way."""
    prepared, point, _ = case
    with Daemon(actors, home) as daemon:
        done = deploy(actors, home, prepared, strace("-o", os.devnull, *point.injections("kill")))
        if done.returncode not in (137, -9):
            raise Broken(f"it was not killed, it ended with {done.returncode}: {done.stderr.strip()}")
        took = runs_what_is_live(home)
        actors.must(home, ["host", "reload", *HOST_WAIT])
        runs_what_is_live(home)
        daemon.end()
    told = 0 if stage.ANNOUNCED.search(done.stderr) else done.returncode
    return actors.judge(prepared, home, told), took


def host_dies(actors, home, case):
    """The host is killed; leahpm ends with a right answer, and the next host runs what is live."""
    prepared, point, mode = case
    daemon = Daemon(actors, home)
    if mode == "host":
        name, number = point
        attached = Attached(daemon, ["-o", os.devnull, f"--trace={name}", f"--inject={name}:signal=KILL:when={number}"])
    else:
        timer = threading.Timer(point, daemon.process.kill)
        timer.start()
    began = time.monotonic()
    done = deploy(actors, home, prepared)
    took = time.monotonic() - began
    # Where the point was not reached, it is killed behind the deploy.
    daemon.kill()
    if mode == "host":
        attached.wait()
    else:
        timer.join()
    if done.returncode not in (0, 11):
        raise Broken(f"leahpm ended with {done.returncode}: {done.stderr.strip()}")
    if done.returncode == 11 and (found := stage.look(home)) != prepared.old:
        raise Broken(f"it was refused, and something has changed: {found}, before {prepared.old}")
    with Daemon(actors, home) as daemon:
        runs_what_is_live(home)
        daemon.end()
    return actors.judge(prepared, home, done.returncode), took


def deploy(actors, home, prepared, before=()):
    """The change, through the host that runs."""
    processor = int(home.rsplit("-", 1)[1]) if "-" in os.path.basename(home) else 0
    command = [*prepared.change.arguments, *HOST_WAIT]
    return actors.run(home, command, [*kill.one_processor(processor), *before], timeout=PATIENCE)


def strace(*arguments):
    calls = ",".join(f"?{call}" for call in (*stage.CALLS, *SOCKET))
    return ["strace", "-f", "-qq", f"--trace={calls}", *arguments]


def runs_what_is_live(home):
    """Waits until the host runs the live generation, and demands that all of its plugins answer, in their versions,
    and no other. Answers the seconds that it took."""
    began = time.monotonic()
    number = int(os.path.basename(os.readlink(f"{home}/plugins")))
    with leah_client.Host.connect(home=home) as host:
        host.subscribe()
        while (running := host.call("hello", HELLO)["generation"]) != number:
            if next(host.notices(PATIENCE), None) is None:
                raise Broken(f"generation {number} is live, and the host runs {running}")
        took, text = time.monotonic() - began, "hi"
        names = sorted(name for name in os.listdir(f"{home}/plugins") if os.path.islink(f"{home}/plugins/{name}"))
        for name in names:
            text = f"{name} {version(f'{home}/plugins/{name}/plugin.yaml')}: {text}"
        outcome = host.hook("on_chat_message", {"content": "hi"})
        verdict = {"verdict": "replace", "content": text} if names else {"verdict": "pass"}
        if outcome.get("by", []) != names or {key: outcome.get(key) for key in verdict} != verdict:
            raise Broken(f"{names} are live, and this is the answer: {outcome}")
    return took


def version(manifest):
    with open(manifest, encoding="utf-8") as file:
        return next(line.split()[1].strip("\"'") for line in file if line.startswith("version: "))


class Results:
    """How often what came out, and how long the survivor took."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.guard = threading.Lock()
        self.by, self.longest = collections.defaultdict(collections.Counter), collections.Counter()

    def add(self, case, outcome, took):
        one, point, mode = case
        with self.guard:
            if self.verbose:
                print(f"{outcome:6} {took:6.2f} s {one.change.name}, {mode} at {point}")
            self.by[mode][outcome] += 1
            self.longest[mode] = max(self.longest[mode], took)

    def show(self):
        print(f"{'':8} {'old':>6} {'new':>6} {'wrong':>6}  longest")
        for mode, seen in self.by.items():
            print(f"{mode:8} {seen['old']:6} {seen['new']:6} {seen['wrong']:6} {self.longest[mode]:6.2f} s")


if __name__ == "__main__":
    sys.exit(main())
