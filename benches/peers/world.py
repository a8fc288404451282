"""One set of packages and how it is reached: what all tools share."""

import hashlib
import json
import os
import shutil
import sys
import tarfile

import forms
import packages
import programs
import server

HERE = os.path.dirname(os.path.abspath(__file__))


class World:
    """`names` and `roots` are of the packages, `sizes` has the bytes of each `plugin.wasm`, `bytes` and `files` count
    all. `certificate` is there while it is served."""

    def __init__(self, folder, count, port):
        self.set, self.work = f"{folder}/set-{count}-{port}", f"{folder}/work-{count}"
        self.run = f"{folder}/nginx-{port}"
        self.trash = f"{self.work}/trash"
        self.count, self.port = count, port
        self.certificate = None

    def make(self, found):
        """Makes the packages in all forms, unless they are there and the same."""
        facts = self.facts()
        if facts is None:
            print(f"making {self.count} packages in {self.set}", file=sys.stderr, flush=True)
            shutil.rmtree(self.set, ignore_errors=True)
            facts = self.make_anew(found)
        # What is signed there is believed for a month.
        forms.refresh(self.set, found)
        self.names, self.roots, self.sizes = facts["names"], facts["roots"], sorted(facts["sizes"])
        self.bytes, self.files = facts["bytes"], facts["files"]

    def facts(self):
        try:
            with open(f"{self.set}/set.json", encoding="ascii") as file:
                facts = json.load(file)
        except FileNotFoundError:
            return None
        return facts if facts.get("makers") == makers() else None

    def make_anew(self, found):
        manifest, component = real_plugin()
        content = packages.make(self.count, component)
        forms.npm(self.set, content, server.urls(self.port))
        forms.python(self.set, content)
        forms.leah(self.set, content, manifest, component, found)
        facts = {
            "names": [package.name for package in content],
            "roots": packages.roots(content),
            "sizes": [len(package.files["plugin.wasm"]) for package in content],
            "bytes": sum(package.size for package in content),
            "files": sum(len(package.files) + 1 for package in content),
            "makers": makers(),
        }
        # Written last: a set that was broken off is made anew.
        with open(f"{self.set}/set.json", "w", encoding="ascii") as file:
            json.dump(facts, file)
        return facts

    def serve(self):
        return server.serve(self.set, self.run, self.port)

    def requests(self, work):
        """What was asked for during `work`, if nothing else asks."""
        return server.requests(self.run, work)


def makers():
    """Changes when what makes a set does."""
    digest = hashlib.sha256()
    for name in ("packages.py", "forms.py"):
        with open(f"{HERE}/{name}", "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def real_plugin():
    """What the manifest of a bundled plugin says beside its name and version, and its component."""
    archive = f"{programs.PROJECT}/bundled/packages/hello-world/hello-world-1.1.0.tar.gz"
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("plugin.yaml").read().decode()
        component = tar.extractfile("plugin.wasm").read()
    lines = manifest.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("name:", "version:"))), component
