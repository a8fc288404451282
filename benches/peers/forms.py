"""The same packages as registries of npm, of Python and of leahpm, all of them static files.

    <set>/npm/<name>/-/*.tgz          archives of npm
    <set>/npm-<port>/<name>           metadata of npm, which names the archives by absolute URLs
    <set>/pypi/simple, <set>/pypi/files   simple index (PEP 691) with wheels and their metadata (PEP 658)
    <set>/leah/                       a registry made by `leahpm pack`, `leahpm sign` and `leah-registry publish`
"""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile

from packages import PICK, VERSIONS

#: The form of compression that npm and Python packages have by default.
LEVEL = 6
ORIGIN = "peers"


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def npm(folder, packages, base_urls):
    for package in packages:
        name = package.name
        needs = {other: pair[0].replace(",", "") for other, pair in package.needs.items()}
        manifest = json.dumps({"name": name, "version": PICK, "dependencies": needs}).encode()
        files = {"package.json": manifest, **package.files}
        archive = tgz({f"package/{path}": content for path, content in files.items()})
        write(f"{folder}/npm/{name}/-/{name}-{PICK}.tgz", archive)
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
        for port, url in base_urls.items():
            versions = {
                version: {
                    "name": name,
                    "version": version,
                    "dependencies": needs,
                    "dist": {
                        "tarball": f"{url}/npm/{name}/-/{name}-{version}.tgz",
                        "integrity": integrity,
                        "shasum": hashlib.sha1(archive).hexdigest(),
                        "fileCount": len(files),
                        "unpackedSize": sum(len(content) for content in files.values()),
                    },
                }
                for version in VERSIONS
            }
            then = "2025-01-01T00:00:00.000Z"
            document = {
                "name": name,
                "dist-tags": {"latest": "2.0.0"},
                "modified": then,
                "time": dict.fromkeys(VERSIONS, then),
                "versions": versions,
            }
            write(f"{folder}/npm-{port}/{name}.json", json.dumps(document))


def tgz(files):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, 1_700_000_000
            writer.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), LEVEL, mtime=0)


def python(folder, packages):
    spelled = {version: version.replace("-beta.1", "b1") for version in VERSIONS}
    for package in packages:
        name = package.name
        module = name.replace("-", "_")
        needs = "".join(f"Requires-Dist: {other}{pair[1]}\n" for other, pair in package.needs.items())
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {PICK}\n{needs}".encode()
        wheel = make_wheel(module, package.files, metadata)
        file_name = f"{module}-{PICK}-py3-none-any.whl"
        write(f"{folder}/pypi/files/{file_name}", wheel)
        write(f"{folder}/pypi/files/{file_name}.metadata", metadata)
        files = [
            {
                "filename": f"{module}-{version}-py3-none-any.whl",
                "url": f"../../files/{module}-{version}-py3-none-any.whl",
                "hashes": {"sha256": hashlib.sha256(wheel).hexdigest()},
                "core-metadata": {"sha256": hashlib.sha256(metadata).hexdigest()},
                "requires-python": ">=3.8",
                "size": len(wheel),
                "yanked": False,
                "upload-time": "2025-01-01T00:00:00.000000Z",
            }
            for version in spelled.values()
        ]
        document = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": list(spelled.values()),
            "files": files,
        }
        write(f"{folder}/pypi/simple/{name}/index.json", json.dumps(document))


def make_wheel(module, contents, metadata):
    info = f"{module}-{PICK}.dist-info"
    files = {f"{module}/{path}": content for path, content in contents.items()}
    files[f"{info}/METADATA"] = metadata
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: peers\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{path},sha256={url_base64(content)},{len(content)}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0))
            writer.writestr(entry, content, zipfile.ZIP_DEFLATED, LEVEL)
    return archive.getvalue()


def url_base64(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def leah(folder, packages, manifest, component, programs):
    """With the project's own tools. `manifest` is the rest of the real plugin's; only the picked version has its files,
    the others the component alone, since nobody downloads them."""
    keys, registry, work = f"{folder}/keys", f"{folder}/leah", f"{folder}/pack"
    home = {"PATH": os.defpath, "HOME": work, "LEAH_HOME": f"{work}/home"}
    for path in (keys, registry, work):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs(work)

    def run(*command):
        done = subprocess.run(command, env=home, capture_output=True, text=True, cwd=work, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")

    tool = programs["leah-registry"]
    run(tool, "init", registry, "--origin", ORIGIN, "--keys", keys)
    run(programs["leahpm"], "key", "generate", f"{keys}/publisher.key", "--without-password")
    for package in packages:
        needs = "".join(f"  {name}: \"{pair[0]}\"\n" for name, pair in package.needs.items())
        needs = f"dependencies:\n{needs}" if needs else ""
        for version in VERSIONS:
            plugin = f"{work}/plugin"
            shutil.rmtree(plugin, ignore_errors=True)
            files = package.files if version == PICK else {"plugin.wasm": component}
            for path, content in files.items():
                write(f"{plugin}/{path}", content)
            write(f"{plugin}/plugin.yaml", f"name: {package.name}\nversion: {version}\n{manifest}{needs}")
            archive = f"{work}/{package.name}-{version}.tar.gz"
            run(programs["leahpm"], "pack", plugin, "--output", work)
            run(programs["leahpm"], "sign", archive, "--for", ORIGIN, "--key", f"{keys}/publisher.key")
            run(
                *(tool, "publish", registry, archive, "--index-key", f"{keys}/index.key", "--similar-ok"),
                *("--publisher-key", f"{keys}/publisher.key"),
            )
            os.remove(archive)
    shutil.rmtree(work)


def refresh(folder, programs):
    """Signs the head of the registry anew."""
    command = [programs["leah-registry"], "refresh", f"{folder}/leah", "--index-key", f"{folder}/keys/index.key"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
