"""Registries for the crash tests, made with the tools of the project from a plugin for tests."""

import json
import os
import shutil
import subprocess

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What each registry offers; the second state of `hub` is the first with new versions.
OFFERED = {
    "hub-before": [("alpha", "1.0.0", {}), ("beta", "1.0.0", {"alpha": "^1"}), ("gamma", "1.0.0", {})],
    "hub-after": [("alpha", "1.1.0", {}), ("gamma", "1.1.0", {}), ("delta", "1.0.0", {"gamma": "^1"})],
    "other": [("zeta", "1.0.0", {})],
}

MANIFEST = """\
name: {name}
version: {version}
author: Tests
description: A plugin for the crash tests
api: "^1.0"
permissions: [read_messages, modify_messages, modify_responses]
hooks: [on_chat_message, on_tool_call, on_before_response, on_after_response]
config:
  word: {{ type: string, default: {name} {version} }}
"""


def make(folder, workshop, leahpm, tool, environment):
    """Makes the registries in a folder, with `keys.json`, which tells their root keys."""
    keys, source = f"{workshop}/keys", f"{workshop}/source"
    for path in (folder, keys, source):
        os.mkdir(path)
    publisher = f"{keys}/publisher.key"
    checked([leahpm, "key", "generate", publisher, "--without-password"], environment)
    roots = {}
    for name, offered in OFFERED.items():
        place, origin = f"{folder}/{name}", name.split("-", 1)[0]
        if name == "hub-after":
            shutil.copytree(f"{folder}/hub-before", place)
        else:
            checked([tool, "init", place, "--origin", origin, "--keys", f"{keys}/{origin}"], environment)
            with open(f"{place}/root.pub", encoding="ascii") as file:
                roots[origin] = file.read().split("\n")[1]
        for plugin, version, needs in offered:
            write_plugin(f"{source}/{plugin}-{version}", plugin, version, needs)
            checked([leahpm, "pack", f"{source}/{plugin}-{version}", "--output", source], environment)
            package = f"{source}/{plugin}-{version}.tar.gz"
            checked([leahpm, "sign", package, "--for", origin, "--key", publisher], environment)
            publish = [tool, "publish", place, package, "--index-key", f"{keys}/{origin}/index.key"]
            checked([*publish, "--publisher-key", publisher, "--similar-ok"], environment)
    with open(f"{folder}/keys.json", "w", encoding="ascii") as file:
        json.dump(roots, file)


def write_plugin(folder, name, version, needs):
    """The folder of a plugin: the one for tests that behaves, which puts name and version before each message, with
    files in folders."""
    os.makedirs(f"{folder}/docs/deep")
    shutil.copy(f"{PROJECT}/tests/plugins/good.wasm", f"{folder}/plugin.wasm")
    manifest = MANIFEST.format(name=name, version=version)
    if needs:
        manifest += "dependencies:\n" + "".join(f'  {need}: "{wanted}"\n' for need, wanted in needs.items())
    texts = {"plugin.yaml": manifest, "docs/guide.md": name, "docs/deep/more.md": version}
    for path, text in texts.items():
        with open(f"{folder}/{path}", "w", encoding="utf-8") as file:
            file.write(text)


def checked(command, environment):
    """Runs a command that must succeed."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
