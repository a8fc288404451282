"""The programs that are compared: ours are built, the peers are fetched once, at pinned versions."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
TARGET = "x86_64-unknown-linux-gnu" if os.uname().machine == "x86_64" else f"{os.uname().machine}-unknown-linux-gnu"

#: Package registry -> packages. Their versions stand in docs/performance.md beside the figures.
NPM = ["bun@1.4.5", "pnpm@12.21.0"]
PYTHON = ["uv==0.13.9"]

#: What the system has to have beside Rust, with the Debian package that brings it.
NEEDED = {"nginx": "nginx-light", "openssl": "openssl", "npm": "npm", "time": "time", "cc": "gcc"}


def check_system():
    lacking = [package for command, package in NEEDED.items() if not shutil.which(command)]
    if not importlib.util.find_spec("ensurepip"):
        lacking.append("python3-venv")
    if lacking:
        raise SystemExit(f"missing: {' '.join(lacking)}; on Debian `apt-get install {' '.join(lacking)}` brings them")
    if not shutil.which("cargo"):
        raise SystemExit("missing: cargo and rustc, as CONTRIBUTING.md says")


def versions(found):
    """Program -> what it says of itself."""
    spoken = {name: said(found[name], "--version") for name in ("leahpm", "uv", "bun", "pnpm")}
    return {**spoken, "nginx": said("nginx", "-v"), "rustc": said("rustc", "--version")}


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return (done.stdout or done.stderr).strip()


def machine(folder):
    """What the figures depend on and do not say."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "kernel": os.uname().release,
        "processors": f"{os.cpu_count()}, {models[0] if models else os.uname().machine}",
        "file system": said("df", "--output=fstype", folder).splitlines()[-1],
    }


def run(command, **options):
    print("$", " ".join(command), file=sys.stderr, flush=True)
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options)


def ours(folder):
    """Builds what is shipped, the tools for registries, and the floor. They are copied as an installation copies them: the
    page cache holds what a linker wrote bit by bit in smaller pieces, from which a program starts half as fast."""
    shipped = ship(PROJECT, f"{PROJECT}/target")
    run(["cargo", "build", "--quiet", "--locked", "--release", "-p", "leahpm", "-p", "leah-registry"], cwd=PROJECT)
    run(["cargo", "build", "--quiet", "--locked", "--release"], cwd=f"{HERE}/floor")
    release = f"{PROJECT}/target/release"
    built = {
        "leahpm": shipped,
        "leahpm-plain": f"{release}/leahpm",
        "leah-registry": f"{release}/leah-registry",
        "floor": f"{HERE}/floor/target/release/floor",
    }
    return {name: install(path, f"{folder}/bin/{name}") for name, path in built.items()}


def install(program, place):
    os.makedirs(os.path.dirname(place), exist_ok=True)
    shutil.copy(program, f"{place}.new")
    os.rename(f"{place}.new", place)
    return place


def unverified(folder):
    """Builds what is shipped once more, from a copy of what is committed that verifies nothing."""
    copy = f"{folder}/unverified"
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(copy)
    archive = subprocess.Popen(["git", "archive", "HEAD"], cwd=PROJECT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", copy], stdin=archive.stdout, check=True)
    if archive.wait():
        raise SystemExit("`git archive` failed; `verification` needs a clone")
    # Not as a part of the repository in which the folder may lie.
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": folder}
    run(["git", "apply", f"{HERE}/unverified.patch"], cwd=copy, env=alone)
    # Beside its sources, so that it is never taken for the real one.
    return install(ship(copy, f"{folder}/unverified-target"), f"{folder}/bin/leahpm-unverified")


def ship(sources, target):
    """Builds the binary that is shipped, as CONTRIBUTING.md says."""
    environment = {**os.environ, "RUSTFLAGS": "-C target-feature=+crt-static", "CARGO_TARGET_DIR": target}
    command = ["cargo", "build", "--quiet", "--locked", "--profile", "dist", "--target", TARGET, "-p", "leahpm"]
    run(command, cwd=sources, env=environment)
    return f"{target}/{TARGET}/dist/leahpm"


def peers(folder):
    """uv, bun and pnpm, by name."""
    npm, python = f"{folder}/npm", f"{folder}/python"
    if missing(npm, NPM):
        run(["npm", "install", "--prefix", npm, "--no-audit", "--no-fund", *NPM])
        note(npm, NPM)
    if missing(python, PYTHON):
        run([sys.executable, "-m", "venv", python])
        run([f"{python}/bin/pip", "install", "--quiet", *PYTHON])
        note(python, PYTHON)
    return {
        "uv": f"{python}/bin/uv",
        "bun": real(f"{npm}/node_modules/.bin/bun"),
        "pnpm": real(f"{npm}/node_modules/.bin/pnpm"),
    }


def missing(folder, packages):
    """True unless `packages` were put there, at these versions."""
    try:
        with open(f"{folder}/installed", encoding="utf-8") as file:
            return file.read().split() != packages
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return True


def note(folder, packages):
    with open(f"{folder}/installed", "w", encoding="utf-8") as file:
        file.write("\n".join(packages))


def real(path):
    # A script of the package manager that fetched it would be measured as well.
    return os.path.realpath(path)


def empty(folder):
    """An empty Rust program that is linked as `rustc` does it: libc as a shared library."""
    source, program = f"{folder}/empty.rs", f"{folder}/empty"
    os.makedirs(folder, exist_ok=True)
    with open(source, "w", encoding="ascii") as file:
        file.write("fn main() {}\n")
    run(["rustc", "--edition", "2024", "-C", "opt-level=3", source, "-o", f"{program}.built"])
    return install(f"{program}.built", program)


def python_of_uv():
    return os.path.realpath(sysconfig.get_config_var("BINDIR") + "/python3")
