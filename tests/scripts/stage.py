"""What the crash tests play on: registries, prepared homes, the changes that are interrupted, and what must
hold of a home afterwards. `kill.py` and `power-cut.py` interrupt; this module judges.
"""

import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field

import registries

PROJECT = registries.PROJECT

# All calls that change what is on a disk, or order those who do. Of `openat` only those with O_CREAT count.
CALLS = (
    "openat mkdir mkdirat symlink symlinkat link linkat rename renameat renameat2 unlink unlinkat rmdir "
    "chmod fchmod fchmodat ftruncate truncate fallocate write pwrite64 writev copy_file_range "
    "fsync fdatasync sync syncfs flock"
).split()

# A success is never announced in these words unless it happened.
ANNOUNCED = re.compile(r"^(Generation \d+ is live\.|Rolled back|Removed|Added registry|Repaired)", re.M)


class Broken(Exception):
    """Something that must hold does not; the text says what."""


class Web(http.server.ThreadingHTTPServer):
    """A web server over a folder, on any port of this machine that is free; it ends with the script."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Silent(http.server.SimpleHTTPRequestHandler):
    """Answers and writes nothing down."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass


class Folder(tempfile.TemporaryDirectory):
    """A temporary folder that is gone afterwards, although there are read-only folders in it."""

    def __exit__(self, *error):
        remove(self.name)
        os.makedirs(self.name)
        super().__exit__(*error)


@dataclass
class Change:
    """One command that changes a home, and how the home is before."""

    name: str
    arguments: list
    before: list = field(default_factory=list)
    base: bool = True
    damage: str = None
    # What the command may answer when it is given a second time after it was done.
    again: tuple = (0,)
    # Whether the same command writes once more when the set is new; only who writes removes leftovers.
    rewrites: bool = True
    # Whether it asks a web server: several threads work then, and what they do first is chance.
    web: bool = False


@dataclass
class Prepared:
    """A change with its home before it and what the home shows before and after."""

    change: Change
    home: str
    old: dict = None
    new: dict = None


def changes(keys, folders, locks):
    """Every way to change a home. `locks` are those of other homes, and a bundle."""
    grant = ["--grant", "all"]
    from_folder, from_web = (["--registry", folders[it], "--key", keys["other"]] for it in ("other", "web"))
    return [
        Change("first-install", ["install", "translator", "hello-world", *grant], base=False),
        Change("install", ["install", "hub/delta", *grant]),
        Change("install-from-folder", ["install", "zeta", *from_folder, *grant]),
        Change("install-from-web", ["install", "zeta", *from_web, *grant], web=True),
        Change("update-without-news", ["update", "beta", *grant]),
        Change("update", ["update", *grant]),
        Change("sync", ["sync", locks["hub"], "--locked"]),
        Change("sync-of-a-bundle", ["sync", locks["bundle"], "--locked", "--keep-extra"]),
        Change("sync-with-a-new-registry", ["sync", locks["web"], "--locked", "--keep-extra"], web=True),
        Change("uninstall", ["uninstall", "gamma"], again=(5,)),
        Change("disable", ["disable", "gamma"]),
        Change("enable", ["enable", "gamma"], before=[["disable", "gamma"]]),
        Change("rollback", ["rollback", "1"]),
        Change("gc", ["gc", "--keep", "0"], before=[["uninstall", "gamma"], ["update", *grant]]),
        Change("repair", ["verify", "--repair"], damage="alpha-1.0.0-*/plugin.yaml", rewrites=False),
        Change("registry-add", ["registry", "add", "other", folders["other"], "--key", keys["other"]]),
        Change(
            "registry-remove",
            ["registry", "remove", "other"],
            before=[["registry", "add", "other", folders["other"], "--key", keys["other"]]],
            again=(5,),
        ),
    ]


class Stage:
    """A folder with the program, two registries and one prepared home a change."""

    def __init__(self, folder, leahpm, tool, given=None):
        self.folder = folder
        self.leahpm = shutil.copy(leahpm, f"{folder}/leahpm")
        self.environment = {"PATH": os.defpath, "HOME": folder, "LC_ALL": "C", "NO_COLOR": "1"}
        if given:
            shutil.copytree(given, f"{folder}/registries")
        else:
            registries.make(f"{folder}/registries", folder, self.leahpm, tool, self.environment)
        with open(f"{folder}/registries/keys.json", encoding="ascii") as file:
            self.keys = json.load(file)
        self.hub, self.other = f"{folder}/hub", f"{folder}/registries/other"
        self.web = Web(self.other)

    def run(self, home, arguments, before=(), **options):
        """Runs leahpm to its end, behind another program if `before` names one."""
        return subprocess.run(
            [*without_rights(), *before, self.leahpm, "--home", home, *arguments],
            env={**self.environment, "LEAH_CACHE": cache_of(home), **options.pop("environment", {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            **options,
        )

    def must(self, home, arguments, codes=(0,)):
        """Runs leahpm and demands one of these exit codes."""
        done = self.run(home, arguments)
        if done.returncode not in codes:
            raise Broken(f"`leahpm {' '.join(arguments)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def prepare(self, wanted=()):
        """The prepared homes of all changes, or of those that are wanted, by a clean run of each."""
        states = f"{self.folder}/registries"
        copy(f"{states}/hub-before", self.hub)
        base = f"{self.folder}/base"
        self.must(base, ["registry", "add", "hub", self.hub, "--key", self.keys["hub"]])
        self.must(base, ["install", "hub/beta", "--grant", "all"])
        self.must(base, ["install", "hub/gamma", "--grant", "all"])
        copy(f"{states}/hub-after", self.hub)
        prepared = []
        web = f"http://127.0.0.1:{self.web.server_port}/"
        locks = self.locks(base, web)
        for change in changes(self.keys, {"hub": self.hub, "other": self.other, "web": web}, locks):
            if wanted and change.name not in wanted:
                continue
            home = f"{self.folder}/{change.name}"
            if change.base:
                copy(base, home)
            for arguments in change.before:
                self.must(home, arguments)
            if change.damage:
                damage(home, change.damage)
            done = f"{self.folder}/done"
            copy(home, done)
            remove(cache_of(done))
            self.must(done, change.arguments)
            prepared.append(Prepared(change, home, look(home), look(done)))
            remove(done)
        return prepared

    def locks(self, base, web):
        """The locks of other homes: one that installs, updates and removes, one of a registry that no home knows yet."""
        home = f"{self.folder}/elsewhere"
        copy(base, home)
        for arguments in (["update"], ["uninstall", "gamma"], ["install", "hub/delta"]):
            self.must(home, [*arguments, "--grant", "all"])
        locks = {"hub": f"{self.folder}/hub.lock", "web": f"{self.folder}/web.lock"}
        shutil.copy(f"{home}/plugins/leah.lock", locks["hub"])
        locks["bundle"] = f"{self.folder}/hub.bundle"
        self.must(home, ["bundle", "-o", locks["bundle"]])
        remove(home)
        remove(cache_of(home))
        self.must(home, ["install", "zeta", "--registry", web, "--key", self.keys["other"], "--grant", "all"])
        shutil.copy(f"{home}/plugins/leah.lock", locks["web"])
        remove(home)
        remove(cache_of(home))
        return locks

    def judge(self, prepared, home, ended=None):
        """What must hold of a home in which `prepared.change` was interrupted, or ended with success.

        Answers `old` or `new`. Raises `Broken`.
        """
        change, old, new = prepared.change, prepared.old, prepared.new
        found = look(home)
        outcome = self.judge_state(prepared, found)
        if ended == 0 and outcome != "new" and old != new:
            raise Broken("success was told, and what was done is not there")
        # A set may be damaged before, and still is if nothing happened; damage in the new set is never right.
        if not change.damage or found["set"] == new["set"]:
            self.must(home, ["verify", "--all"])
        listed = json.loads(self.must(home, ["list", "--json"]).stdout)
        if listed["generation"] != found["live"]:
            raise Broken(f"`list` shows generation {listed['generation']} and {found['live']} is live")
        self.judge_history(prepared, home, found)
        applied = outcome == "new" and old != new
        self.must(home, change.arguments, (0, *change.again) if applied else (0,))
        again = look(home)
        if self.judge_state(prepared, again) != "new" and old != new:
            raise Broken("the same command once more did not do what it says")
        if change.rewrites or not applied:
            no_leftovers(home)
        self.must(home, ["install", "hello-world", "--grant", "all"])
        no_leftovers(home)
        self.must(home, ["verify"])
        self.must(home, ["gc", "--keep", "0"])
        only_what_is_needed(home)
        self.must(home, ["verify", "--all"])
        return outcome

    def judge_state(self, prepared, found):
        """`old` or `new`; each of set, list of registries and pins must be one of them, in this order: nothing
        is live whose pin is not written."""
        old, new = prepared.old, prepared.new
        for part in ("set", *sorted((old.keys() | new.keys() | found.keys()) - {"set", "live", "history"})):
            if found.get(part) not in (old.get(part), new.get(part)):
                raise Broken(f"neither old nor new: {part}: {differences(old, new, found, part)}")
        if found["set"] != new["set"]:
            return "old"
        later = [part for part in new if part not in ("live", "history") and found.get(part) != new[part]]
        if later and new["set"] != old["set"]:
            raise Broken(f"the set is new, and not yet {', '.join(later)}")
        # Where the set stays, it is the history that tells: garbage collection.
        return "old" if later or (old["set"] == new["set"] and found["history"] != new["history"]) else "new"

    def judge_history(self, prepared, home, found):
        """History shows what is or was live, and loses nothing that the change does not remove."""
        listed = json.loads(self.must(home, ["history", "--json"]).stdout)["generations"]
        shown = {past["number"] for past in listed}
        old, new = set(prepared.old["history"]), set(prepared.new["history"])
        if found["set"] != prepared.new["set"] or found["live"] == prepared.old["live"]:
            new &= old
        if not (old & new) <= shown <= (old | new) or (found["live"] or 0) not in shown | {0}:
            raise Broken(f"history shows {sorted(shown)}; before {sorted(old)}, live is {found['live']}")


@functools.cache
def without_rights():
    """What to put before a command so that modes of files bind even root."""
    root = os.geteuid() == 0 and shutil.which("setpriv")
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if root else []


def cache_of(home):
    """The cache that goes with a home. It is not judged; who finds half a file in it must not mind."""
    return f"{home}-cache"


def look(home):
    """What a home shows: its live set with the hash of every file, its generations, its registries."""
    plugins = f"{home}/plugins"
    number = int(os.path.basename(os.readlink(plugins))) if os.path.islink(plugins) else None
    found = {"live": number, "set": None, "history": history(home, number)}
    if number is not None:
        found["set"] = {"lock": text_of(f"{plugins}/leah.lock")}
        for name in sorted(os.listdir(plugins)):
            if os.path.islink(f"{plugins}/{name}"):
                found["set"][name] = (os.readlink(f"{plugins}/{name}"), files(f"{plugins}/{name}/"))
    for path in ["registries.yaml", *(f"registries/{name}" for name in names(f"{home}/registries"))]:
        if os.path.exists(f"{home}/{path}") and not os.path.basename(path).startswith("."):
            found[path] = text_of(f"{home}/{path}")
    return found


def history(home, live):
    """The numbers that are or were live, read as the formats say it: the link, and one mark each."""
    numbers = [int(name) for name in names(f"{home}/generations") if name.isdigit()]
    return [n for n in sorted(numbers) if n == live or os.path.exists(f"{home}/generations/{n}/was.live")]


def no_leftovers(home):
    """No unfinished file, folder, link or generation."""
    left = []
    for folder, folders, files_here in os.walk(home):
        left += [f"{folder}/{name}" for name in folders + files_here if name.startswith(".")]
    live = int(os.path.basename(os.readlink(f"{home}/plugins"))) if os.path.islink(f"{home}/plugins") else None
    known = {str(number) for number in history(home, live)}
    left += [f"{home}/generations/{name}" for name in names(f"{home}/generations") if name not in known]
    if left:
        raise Broken(f"left behind: {', '.join(sorted({os.path.relpath(path, home) for path in left}))}")


def only_what_is_needed(home):
    """After `gc --keep 0`: the live generation, its entries, nothing else."""
    live = os.path.basename(os.readlink(f"{home}/plugins"))
    generations, store = names(f"{home}/generations"), set(names(f"{home}/store")) - {"lock"}
    needed = {os.path.basename(entry) for entry in locked_entries(f"{home}/plugins/leah.lock")}
    if generations != [live] or store != needed or names(f"{home}/settings"):
        raise Broken(f"`gc --keep 0` left generations {generations}, entries {sorted(store)}, needed {needed}")


def locked_entries(lock):
    """The entries that a lock names. A lock is YAML of our own making: two spaces a level."""
    entries, name, inside, facts = set(), None, False, {}
    for line in text_of(lock).split("\n"):
        if not line.startswith(" "):
            inside = line == "plugins:"
        elif inside and re.fullmatch(r"  [a-z0-9-]+:", line):
            name = line.strip(" :")
        elif inside and (fact := re.fullmatch(r"    (version|content): (\S+)", line)):
            facts[fact[1]] = fact[2].strip("\"'")
            if len(facts) == 2:
                entries.add(f"{name}-{facts['version']}-{facts['content'][:12]}")
                facts = {}
    return entries


def differences(old, new, found, part):
    """In short: where a part that is neither old nor new differs from both."""
    is_now, was, should = [flat(state.get(part)) for state in (found, old, new)]
    texts = []
    for key in sorted({*is_now, *was, *should}):
        values = [state.get(key) for state in (is_now, was, should)]
        if len(set(values)) > 1:
            texts.append("{} is {}, was {}, should be {}".format(key, *values))
    return "; ".join(texts)


def flat(value, path=""):
    """A value within dictionaries and pairs by its path, each in some sixty characters."""
    if isinstance(value, tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        return {key: one for name in value for key, one in flat(value[name], f"{path}/{name}").items()}
    text = repr(value)
    return {path: text if len(text) < 60 else f"{text[:40]}… ({hash(text) & 0xFFFF:04x})"}


def damage(home, pattern):
    """Changes a byte of an installed file, as a bad disk does."""
    start, end = pattern.split("*", 1)
    entry = next(name for name in names(f"{home}/store") if name.startswith(start))
    path = f"{home}/store/{entry}{end}"
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))
    os.chmod(path, 0o444)


def files(folder):
    """The hash of each file below a folder, by path."""
    found = {}
    for place, _, here in os.walk(folder):
        for name in here:
            with open(f"{place}/{name}", "rb") as file:
                found[os.path.relpath(f"{place}/{name}", folder)] = hashlib.sha256(file.read()).hexdigest()[:12]
    return found


def names(folder):
    """The names in a folder, none if it is not there."""
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def text_of(path):
    """The text of a file; bytes that are no text are shown as such."""
    with open(path, encoding="utf-8", errors="backslashreplace") as file:
        return file.read()


def copy(home, to):
    """Copies a home with its links and modes; one that is not there stays so."""
    remove(to)
    if os.path.isdir(home):
        shutil.copytree(home, to, symlinks=True)


def remove(folder):
    """Removes a home, whose entries are read-only."""
    for place, folders, _ in os.walk(folder):
        os.chmod(place, 0o700)
        for name in folders:
            if not os.path.islink(f"{place}/{name}"):
                os.chmod(f"{place}/{name}", 0o700)
    shutil.rmtree(folder, ignore_errors=not os.path.exists(folder))
