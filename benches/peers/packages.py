"""The content of the packages: the same files and the same dependencies, whatever form they are published in.

Deterministic for a count and a seed, on every machine with the same `leahpm`."""

import math
import random

#: Listed for each package. Every range's newest match is PICK; `2.0.0` and the beta are traps.
VERSIONS = ["1.0.0", "1.1.0", "1.2.0", "1.3.0-beta.1", "2.0.0"]
PICK = "1.2.0"

#: The same range as npm and leahpm write it, and as Python does.
RANGES = [
    ("^1.0.0", ">=1.0.0,<2"),
    ("^1.1.0", ">=1.1.0,<2"),
    ("~1.2.0", ">=1.2.0,<1.3.0.dev0"),
    (">=1.0.0, <2.0.0", ">=1.0.0,<2"),
]

SMALLEST_PLUGIN, LARGEST_PLUGIN = 200_000, 2_000_000
#: Gives 46 MB to 50 packages and 243 MB to 300, 5.2 times as much. The goals are meant for such sets.
SEED = 3539
LAYERS = 6
WORDS = (
    "answer budget channel command context event filter grant history language message model "
    "module network plugin prompt reader request response schema session setting tool value"
).split()


class Package:
    """Name, dependencies (name -> range pair) and files (path -> bytes, `plugin.wasm` first)."""

    def __init__(self, name, needs, files):
        self.name, self.needs, self.files = name, needs, files

    @property
    def size(self):
        return sum(len(content) for content in self.files.values())


def name_of(number):
    return f"plugin-{number:03}"


def graph(count, rng):
    """For each package what it needs: deeper layers alone, so that there is no ring; several parents make diamonds."""
    layer = [number * LAYERS // count for number in range(count)]
    needs = [{} for _ in range(count)]
    for number in range(1, count):
        if layer[number] == 0:
            continue
        above = [other for other in range(count) if layer[other] == layer[number] - 1]
        higher = [other for other in range(count) if layer[other] < layer[number]]
        parents = {rng.choice(above), *rng.sample(higher, k=rng.choice([0, 0, 1, 2]))}
        for parent in sorted(parents):
            needs[parent][name_of(number)] = rng.choice(RANGES)
    return needs


def roots(packages):
    """What a user asks for: everything that no other package needs."""
    needed = {name for package in packages for name in package.needs}
    return [package.name for package in packages if package.name not in needed]


def make(count, component, seed=SEED):
    """All packages of a set. `component` is a real plugin; each package's is that one with a section of its own."""
    rng = random.Random(seed)
    sizes = draw_sizes(count, rng)
    # Compiled code repeats itself: phrases of one vocabulary, the frequent ones far more often, and noise between.
    phrases = [rng.randbytes(rng.randint(2, 12)) for _ in range(1500)]
    weights = [1 / (rank + 2) ** 1.02 for rank in range(len(phrases))]
    packages = []
    for number, needs in enumerate(graph(count, rng)):
        content = code(rng, sizes[number] - len(component), phrases, weights)
        files = {"plugin.wasm": with_section(component, content)}
        files["README.md"] = text(rng, rng.randint(1500, 8000))
        files["LICENSE"] = text(rng, 1100)
        for page in range(rng.randint(3, 17)):
            path = f"docs/page{page}.md" if page % 2 else f"schema/part{page}.json"
            files[path] = text(rng, rng.randint(300, 6000))
        packages.append(Package(name_of(number), needs, files))
    return packages


def draw_sizes(count, rng):
    smallest, largest = math.log(SMALLEST_PLUGIN), math.log(LARGEST_PLUGIN)
    return [int(math.exp(rng.uniform(smallest, largest))) for _ in range(count)]


def code(rng, size, phrases, weights):
    parts, length = [], 0
    while length < size:
        chosen = rng.choices(phrases, weights, k=4096)
        noise = rng.randbytes(3 * 1024)
        for at, phrase in enumerate(chosen):
            parts.append(phrase if at % 4 else phrase + noise[3 * (at // 4) : 3 * (at // 4) + 1])
            length += len(parts[-1])
    return b"".join(parts)[:size]


def text(rng, size):
    lines, length = [], 0
    while length < size:
        line = " ".join(rng.choices(WORDS, k=rng.randint(6, 12))).capitalize() + f" {rng.randint(0, 9999)}.\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()[:size]


def with_section(component, content):
    """The component with one more custom section (WebAssembly core specification, 5.5.3), which changes nothing."""
    name = b"peers"
    body = leb128(len(name)) + name + content
    return component + b"\0" + leb128(len(body)) + body


def leb128(number):
    encoded = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)
