#!/usr/bin/env python3
"""Cuts the power under leahpm, and looks at what a disk holds then.

The home lies on a file system in an image file, mounted by a loop device. At each system call that changes the
disk leahpm is stopped, and the image is copied while it is mounted: the copy holds what the file system has
sent to the disk by then and nothing of what only memory holds. That is a power cut. The copy is mounted, which
replays its journal, and judged as after a kill. Two kinds of cut:
  plain    nothing happened on that disk but what leahpm did,
  commit   another program has just synced a file of its own, so that the journal, with all that leahpm renamed,
           is on the disk, but not the bytes of its files.
Whoever was told of a success must find the new set. With `--unsynced` leahpm leaves out every sync, and
the run succeeds if the test then finds damage: a test that cannot fail proves nothing.

    cargo build --release --workspace
    sudo tests/scripts/power-cut.py [--all] [--types ext4,xfs,btrfs] [--unsynced]

Needs root, a loop device, strace and the mkfs of each file system.
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # The project is no place for what Python makes of it.

import kill
import stage
from stage import Broken

# Size of the image in MiB and how to make the file system in it.
TYPES = {
    "ext4": (48, ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0"]),
    "xfs": (320, ["mkfs.xfs", "-q", "-f"]),
    "btrfs": (128, ["mkfs.btrfs", "-q", "-f"]),
}
CUTS = ("plain", "commit")


def main():
    options = parse_options()
    if reason := hindrance():
        print(f"not run: {reason}")
        return 0
    if os.environ.get("LEAHPM_POWER_CUT") != "own mounts":
        # What is mounted here is nobody else's business, and is gone with this process whatever happens.
        os.environ["LEAHPM_POWER_CUT"] = "own mounts"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    total = collections.Counter()
    with stage.Folder(dir=memory, prefix="leahpm-cut-") as folder:
        actors = stage.Stage(folder, options.leahpm, options.tool, options.registries)
        if reason := hindrance_of_mounting(actors):
            print(f"not run: {reason}")
            return 0
        prepared = actors.prepare(options.only.split(",") if options.only else ())
        # A cut is made at a call whose number is known, which it is where one thread works.
        prepared = [one for one in prepared if not one.change.web]
        environment = {"LEAHPM_TEST_UNSYNCED": "true"} if options.unsynced else {}
        points = {one.change.name: [*kill.trace(actors, one, environment), None] for one in prepared}
        for kind in options.types.split(","):
            if not shutil.which(TYPES[kind][1][0]):
                print(f"{kind}: not run, {TYPES[kind][1][0]} is not installed")
                continue
            total += run_all(actors, kind, prepared, points, environment, options)
    if options.unsynced:
        print(f"without any sync: damage in {total['wrong']} of {sum(total.values())} cuts")
        return 0 if total["wrong"] or not total else 1
    return 1 if total["wrong"] else 0


def parse_options():
    built = f"{stage.PROJECT}/target/release"
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="every point, both cuts")
    parser.add_argument("--points", type=int, default=60, help="so many for each file system [60]")
    parser.add_argument("--types", default="ext4", help=f"file systems, of {', '.join(TYPES)} [ext4]")
    parser.add_argument("--only", default="", help="names of changes [all]")
    parser.add_argument("--unsynced", action="store_true", help="leave out every sync and look for damage")
    parser.add_argument("--verbose", action="store_true", help="show what came out at each point")
    parser.add_argument("--leahpm", default=f"{built}/leahpm", help="the program")
    parser.add_argument("--tool", default=f"{built}/leah-registry", help="what makes the registries")
    parser.add_argument("--registries", help="folder of registries that were made before")
    return parser.parse_args()


def hindrance():
    """Why this cannot run here, if it cannot."""
    if os.geteuid() != 0:
        return "mounting an image needs root"
    for program in ("strace", "losetup", "mount", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    return None


def hindrance_of_mounting(actors):
    """Why images cannot be mounted here, if they cannot: many a container lets nobody do it, not even root."""
    os.makedirs(f"{actors.folder}/disk")
    image = f"{actors.folder}/try.img"
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    for command in (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, f"{actors.folder}/disk"]):
        if failed := attempt(command):
            return failed
    call(["umount", f"{actors.folder}/disk"])
    os.remove(image)
    return None


def run_all(actors, kind, prepared, points, environment, options):
    """Cuts the power at the points of one file system; answers how often what came out."""
    start = time.monotonic()
    cases = [(one, point, cut) for one in prepared for point in points[one.change.name] for cut in CUTS]
    if not options.all:
        cases = sample(cases, options.points)
    images = {one.change.name: make_image(actors, kind, one) for one in prepared}
    seen = {cut: collections.Counter() for cut in CUTS}
    for one, point, cut in cases:
        where = f"{kind}, {cut}, {one.change.name} at {point or 'the end'}"
        try:
            outcome = cut_power(actors, kind, images[one.change.name], one, point, cut, environment)
        except Broken as broken:
            outcome = "wrong"
            if not options.unsynced or options.verbose:
                print(f"WRONG {where}: {broken}")
        seen[cut][outcome] += 1
        if options.verbose:
            print(f"{outcome:6} {where}")
    for image in images.values():
        os.remove(image)
    for cut, counts in seen.items():
        outcomes = ", ".join(f"{counts[outcome]:4} {outcome}" for outcome in ("old", "new", "wrong"))
        print(f"{kind:6} {cut:7} {sum(counts.values()):5} cuts: {outcomes}")
    print(f"{kind:6} {time.monotonic() - start:.0f} s", flush=True)
    return sum(seen.values(), collections.Counter())


def sample(cases, size):
    """A part of the cases, the same in every run; a third lies behind the last call, where success was told."""
    random.Random(2).shuffle(cases)
    ends = [case for case in cases if case[1] is None]
    others = [case for case in cases if case[1] is not None]
    return ends[: size // 3] + others[: size - size // 3]


def make_image(actors, kind, prepared):
    """An image that holds a prepared home and nothing unwritten."""
    size, make = TYPES[kind]
    image = f"{actors.folder}/{kind}-{prepared.change.name}.img"
    with open(image, "wb") as file:
        file.truncate(size << 20)
    call([*make, image])
    with Mounted(actors, kind, image) as place:
        stage.copy(prepared.home, f"{place}/home")
    return image


def cut_power(actors, kind, image, prepared, point, cut, environment):
    """Stops leahpm at a point, copies the image as it is at that moment, and judges the copy."""
    before, after = f"{actors.folder}/before.img", f"{actors.folder}/after.img"
    copy_image(image, before)
    with Mounted(actors, kind, before) as place:
        strace = []
        if point:
            strace = ["strace", "-f", "-qq", "-o", os.devnull, f"--trace={kill.traced_calls()}"]
            strace += point.injections("kill")
        before_it = kill.one_processor(0) + strace
        done = actors.run(f"{place}/home", prepared.change.arguments, before_it, environment=environment)
        if done.returncode not in ((137, -9) if point else (0,)):
            raise SystemExit(f"{prepared.change.name} ended with {done.returncode}: {done.stderr}")
        if cut == "commit":
            commit_journal(kind, place)
        copy_image(before, after)
    told = 0 if not point or stage.ANNOUNCED.search(done.stderr) else None
    with Mounted(actors, kind, after) as place:
        return actors.judge(prepared, f"{place}/home", told)


def commit_journal(kind, place):
    """What any other program may cause: what was renamed is on the disk, bytes of files need not be."""
    if kind == "btrfs":
        # There an fsync writes that one file alone, but a snapshot ends the transaction of all.
        call(["btrfs", "-q", "subvolume", "create", f"{place}/other"])
        call(["btrfs", "-q", "subvolume", "snapshot", f"{place}/other", f"{place}/snapshot"])
        return
    with open(f"{place}/other", "wb") as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())


def copy_image(image, to):
    """Copies what the loop device has written to the file; the file system above it is not asked."""
    call(["cp", "--sparse=always", image, to])


class Mounted:
    """An image, mounted at one and the same place, so that paths stay."""

    def __init__(self, actors, kind, image):
        self.place, self.kind, self.image = f"{actors.folder}/disk", kind, image

    def __enter__(self):
        # The copy bears the identity of its original, which is still in the kernel's memory.
        options = {"xfs": "loop,nouuid", "btrfs": "loop"}.get(self.kind, "loop")
        call(["mount", "-t", self.kind, "-o", options, self.image, self.place])
        return self.place

    def __exit__(self, *_):
        call(["umount", self.place])


def call(command):
    """Runs a command that must succeed."""
    if failed := attempt(command):
        raise SystemExit(failed)


def attempt(command):
    """Runs a command; answers what it says if it fails."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    return f"{' '.join(command)}: {done.stderr.strip()}" if done.returncode else None


if __name__ == "__main__":
    sys.exit(main())
