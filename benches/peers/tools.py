"""How each tool is set up and driven, and how the state is made that a scenario starts from.

| scenario | starts with | measured |
| --- | --- | --- |
| cold | no cache, no lock, nothing installed | resolve, download, verify, install |
| locked | the lock alone | download, verify, install |
| warm | cache and lock, nothing installed | install |
| noop | everything in place | finding out that there is nothing to do |
| resolve | nothing | writing the lock, installing nothing |
| reresolve | cache | the same |
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import server
from forms import ORIGIN
from programs import python_of_uv

SCENARIOS = ["cold", "locked", "warm", "noop", "resolve", "reresolve"]
INSTALLING = ["cold", "locked", "warm", "noop"]
#: Those for which nothing has to be there.
FROM_NOTHING = ["cold", "resolve"]


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        subprocess.run(["chmod", "-R", "u+w", path], check=True)
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


class Tool:
    """A package manager with a project, a home and a cache of its own.

    `commands` has the arguments for each scenario, `lock` and `target` are paths."""

    lock = target = None

    def __init__(self, name, program, world, way="direct"):
        self.name, self.program, self.world = name, program, world
        self.folder = f"{world.work}/{name}-{way}"
        self.project, self.cache, self.home = (f"{self.folder}/{part}" for part in ("project", "cache", "home"))
        self.url = server.url(world.port, way)
        self.port = self.url.rpartition(":")[2]
        remove(self.folder)
        for folder in (self.project, self.cache, self.home):
            os.makedirs(folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.home,
            "LC_ALL": "C",
            "CI": "1",
            "NO_COLOR": "1",
        }
        self.set_up()

    def command(self, scenario):
        return [self.program, *self.commands[scenario]]

    def write(self, name, text):
        with open(f"{self.project}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def quietly(self, *arguments):
        """Runs the tool outside of any measurement."""
        done = subprocess.run(
            [self.program, *arguments],
            **{"cwd": self.project, "env": self.environment, "stdin": subprocess.DEVNULL},
            **{"capture_output": True, "text": True, "check": False},
        )
        if done.returncode:
            raise SystemExit(f"{self.name} {' '.join(arguments)}:\n{done.stdout}{done.stderr}")

    def set_aside(self, path):
        """Takes something away without freeing it: for some seconds ext4 gives no inode out again that was freed, and who
        makes files meanwhile searches for others, which would be part of what is measured."""
        if os.path.lexists(path):
            os.makedirs(self.world.trash, exist_ok=True)
            os.rename(path, tempfile.mkdtemp(dir=self.world.trash) + "/it")

    def prepare(self, scenario):
        """Brings about what `scenario` starts from; what came before was a whole install."""
        if scenario in FROM_NOTHING:
            self.remove_cache()
            self.set_aside(self.lock)
            self.remove_installed()
        elif scenario == "locked":
            self.remove_cache()
            self.remove_installed()
        elif scenario == "warm":
            self.remove_installed()
        elif scenario == "reresolve":
            self.set_aside(self.lock)
            self.remove_installed()

    def remove_cache(self):
        self.set_aside(self.cache)
        os.makedirs(self.cache)

    def remove_installed(self):
        self.set_aside(self.target)

    def installed(self):
        """The sizes of the plugins that are in place, found without the tool's help."""
        found = set()
        for folder, _, files in os.walk(self.target, followlinks=True):
            if "plugin.wasm" in files:
                found.add(os.path.realpath(f"{folder}/plugin.wasm"))
        return sorted(os.path.getsize(path) for path in found)


class Leahpm(Tool):
    """Its store is the cache of unpacked packages. Nothing installed is an empty set, after everything was removed."""

    def set_up(self):
        self.lock, self.target = f"{self.project}/leah.lock", f"{self.home}/plugins"
        self.environment.update(LEAH_HOME=self.home, LEAH_CACHE=self.cache)
        if self.url.startswith("https"):
            self.environment["LEAHPM_CA_CERT"] = self.world.certificate
        wishes = "".join(f"  {name}: ^1.0.0\n" for name in self.world.roots)
        self.write("plugins.yaml", f"format: 1\nplugins:\n{wishes}")
        self.registries = self.known_registries()
        self.commands = {
            "cold": ["sync", "--grant", "all"],
            "locked": ["sync", "--locked"],
            "warm": ["sync", "--locked"],
            "noop": ["sync"],
            "resolve": ["lock", "--grant", "all"],
            "reresolve": ["lock", "--grant", "all"],
        }

    def known_registries(self):
        """What `registry add` writes down, and nothing of what it has seen: the configuration that any tool has."""
        with open(f"{self.world.set}/leah/root.pub", encoding="ascii") as file:
            key = file.read().splitlines()[1]
        self.quietly("registry", "add", ORIGIN, f"{self.url}/leah/", "--key", key, "--default")
        with open(f"{self.home}/registries.yaml", "rb") as file:
            return file.read()

    def remove_cache(self):
        super().remove_cache()
        self.empty_home()

    def empty_home(self):
        self.set_aside(self.home)
        os.makedirs(self.home, mode=0o700)
        with open(f"{self.home}/registries.yaml", "wb") as file:
            file.write(self.registries)

    def remove_installed(self):
        if self.installed():
            self.quietly("uninstall", *self.world.names)


class Uv(Tool):
    def set_up(self):
        self.lock, self.target = f"{self.project}/uv.lock", f"{self.project}/.venv"
        wishes = ",".join(f'"{name}>=1.0.0,<2"' for name in self.world.roots)
        self.write(
            "pyproject.toml",
            f'[project]\nname = "root"\nversion = "0.1.0"\nrequires-python = ">=3.8"\ndependencies = [{wishes}]\n'
            f'[tool.uv]\npackage = false\n[[tool.uv.index]]\nurl = "{self.url}/pypi/simple/"\ndefault = true\n',
        )
        self.environment.update(UV_CACHE_DIR=self.cache, UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
        self.environment.update(UV_PYTHON=python_of_uv(), SSL_CERT_FILE=self.world.certificate)
        self.commands = {
            "cold": ["sync"],
            "locked": ["sync", "--frozen"],
            "warm": ["sync", "--frozen"],
            "noop": ["sync"],
            "resolve": ["lock"],
            "reresolve": ["lock", "--upgrade"],
        }

    def remove_installed(self):
        # An empty environment and a known interpreter are the start, not the work.
        self.quietly("venv", "--quiet", "--clear", self.target)


class Bun(Tool):
    def set_up(self):
        self.lock, self.target = f"{self.project}/bun.lock", f"{self.project}/node_modules"
        self.write("package.json", self.manifest())
        certificate = f'cafile = "{self.world.certificate}"\n' if self.url.startswith("https") else ""
        self.write("bunfig.toml", f'[install]\nregistry = "{self.registry()}"\n{certificate}')
        self.environment.update(BUN_INSTALL_CACHE_DIR=self.cache, BUN_INSTALL=f"{self.home}/.bun", DO_NOT_TRACK="1")
        install = ["install", "--ignore-scripts"]
        self.commands = {
            "cold": install,
            "locked": [*install, "--frozen-lockfile"],
            "warm": [*install, "--frozen-lockfile"],
            "noop": install,
            "resolve": [*install, "--lockfile-only"],
            "reresolve": [*install, "--lockfile-only"],
        }

    def manifest(self):
        needs = dict.fromkeys(self.world.roots, "^1.0.0")
        return json.dumps({"name": "root", "version": "0.1.0", "dependencies": needs})

    def registry(self):
        return f"{self.url}/npm-{self.port}/"


class Pnpm(Bun):
    def set_up(self):
        self.lock, self.target = f"{self.project}/pnpm-lock.yaml", f"{self.project}/node_modules"
        self.write("package.json", self.manifest())
        self.write(".npmrc", f"registry={self.registry()}\n")
        folders = {"storeDir": "store", "cacheDir": "meta"}
        settings = "".join(f"{key}: {self.cache}/{folder}\n" for key, folder in folders.items())
        self.write("pnpm-workspace.yaml", f"{settings}registry: {self.registry()}\n")
        xdg = {"XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "xdg", "XDG_DATA_HOME": "data"}
        self.environment.update({key: f"{self.cache}/{folder}" for key, folder in xdg.items()})
        self.environment.update(NODE_EXTRA_CA_CERTS=self.world.certificate)
        install = ["install", "--ignore-scripts"]
        self.commands = {
            "cold": [*install, "--no-frozen-lockfile"],
            "locked": [*install, "--frozen-lockfile"],
            "warm": [*install, "--frozen-lockfile"],
            "noop": install,
            "resolve": [*install, "--lockfile-only", "--no-frozen-lockfile"],
            "reresolve": [*install, "--lockfile-only", "--no-frozen-lockfile"],
        }


class Floor(Tool):
    """The least program that does the work. `arguments` chooses how it puts things on disk."""

    def __init__(self, name, program, world, arguments):
        self.arguments = arguments
        super().__init__(name, program, world)

    def set_up(self):
        self.lock, self.target = f"{self.cache}/lock", f"{self.cache}/current"
        with open(f"{self.world.set}/leah/root.pub", encoding="ascii") as file:
            key = file.read().splitlines()[1]
        host = self.url.partition("://")[2]
        common = [host, self.cache, key, *self.arguments]
        self.commands = {
            scenario: [scenario, *common, *(self.world.roots if scenario in ("cold", "resolve") else [])]
            for scenario in (*INSTALLING, "resolve")
        }

    def remove_cache(self):
        # Its lock and what it installs lie in its cache; for `locked` the lock stays.
        lock = None
        if os.path.exists(self.lock):
            with open(self.lock, "rb") as file:
                lock = file.read()
        super().remove_cache()
        if lock is not None:
            with open(self.lock, "wb") as file:
                file.write(lock)

    def remove_installed(self):
        self.set_aside(f"{self.cache}/generations")
        self.set_aside(f"{self.cache}/current")


def make(name, programs, world, way="direct"):
    """The tool of this name. `floor-<sync>` is the floor with that way to put things on disk, `leahpm-<build>` the
    leahpm that was built so."""
    kind, _, variant = name.partition("-")
    if kind == "floor":
        return Floor(name, programs["floor"], world, [variant or "none"])
    kinds = {"leahpm": Leahpm, "uv": Uv, "bun": Bun, "pnpm": Pnpm}
    if name not in programs or kind not in kinds:
        sys.exit(f"there is no tool `{name}`")
    return kinds[kind](name, programs[name], world, way)
