"""Imports point downwards only: check it for `lazygrad/` and `backends/`.

    python tools/check_layers.py [ROOT]

Every violation is printed as `file:line: what`, and the exit status is 1 if there is one.
The rules:

- a module imports from lower layers and from its own room (`ROOMS` below is the one table);
- no import cycle between modules, nor between the parts of a room;
- the core names no backend and no device library;
- a backend imports `lazygrad.plugin`, itself, the standard library and what `BACKEND_MAY_IMPORT`
  grants it, and nothing else.

Imports inside functions count. Imports under `if TYPE_CHECKING:` are exempt from the order of
layers and from the search for cycles, because they never run.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from import_graph import Import, modules_below, read_imports

CORE = "lazygrad"
PLUGIN = "lazygrad.plugin"


@dataclass(frozen=True)
class Room:
    """Parts of the core (modules or packages) that stand on one layer and may know each other."""

    layer: int
    parts: tuple[str, ...]


# The one table. Two rooms on the same layer are independent of each other.
ROOMS = (
    Room(
        0,
        (
            "errors",
            "interrupts",
            "config",
            "folders",
            "files",
            "locks",
            "interned",
            "walks",
            "element_types",
            "shape",
            "symbolic",
            "pytree",
            "arguments",
            "casting",
            "public",
            "names",
            "limits",
            "routines",
            "units",
        ),
    ),
    Room(1, ("ops",)),
    Room(2, ("graph", "body", "origins", "rewrite", "verify", "show")),
    Room(2, ("semantics",)),  # what each op means, in NumPy
    Room(3, ("lang",)),
    Room(3, ("kernel",)),  # kernels as plain data: shared by schedule, codegen and backends
    Room(4, ("autodiff",)),
    Room(5, ("schedule",)),
    Room(6, ("codegen",)),
    Room(7, ("runtime",)),
    Room(
        8,
        (
            "handle",
            "generator",
            "modes",
            "waiting",
            "host",
            "printing",
            "bridge",
            "layout",
            "writes",
            "aliases",
            "state",
            "functional",
            "inplace",
            "written",
            "turns",
            "backward",
            "owners",
            "values",
            "namespace",
            "array_api",
            "tensor_class",
            "exchange",
            "amp",
            "tensorfile",
            "tracing",
            "replay",
            "jit",
        ),
    ),
    Room(8, ("plugin",)),  # what a backend sees of all that is below
    Room(
        9,
        (
            "func",
            "autograd",
            "implicit",
            "distributions",
            "nn",
            "optim",
            "data",
            "inspect",
            "distributed",
            "onnx",
            "serialization",
            "utils",
        ),
    ),
    Room(
        9,
        (  # under PyTorch's paths
            "accelerator",
            "backends",
            "constants",
            "cuda",
            "defaults",
            "linalg",
            "fft",
            "random",
            "special",
            "tinygrad",
        ),
    ),
    Room(10, ("",)),  # lazygrad/__init__.py
    Room(11, ("examples",)),  # written like a user's program, against the public names
    Room(11, ("testing",)),
)
LAYER_OF = {part: room.layer for room in ROOMS for part in room.parts}
ROOM_OF = {part: room for room in ROOMS for part in room.parts}

# What the core never imports, besides the backend packages themselves.
DEVICE_LIBRARIES = ("pyopencl", "pocl_binary_distribution", "cupy", "torch", "jax", "tinygrad")

BACKEND_MAY_IMPORT = {
    "lazygrad_numpy": ("numpy", "threadpoolctl"),
    "lazygrad_opencl": ("numpy", "pyopencl"),
}


@dataclass(frozen=True)
class Violation:
    path: Path
    line: int
    what: str


def check(root: Path) -> list[Violation]:
    """All violations below `root`, in the order of files and lines."""
    modules = modules_below(root / CORE)
    core = read_imports(modules, known=modules)
    backends = [path.parent for path in sorted((root / "backends").glob("*/__init__.py"))]
    names = [folder.name for folder in backends]
    found = [*unlisted(modules), *upward(core), *cycles(core, modules)]
    found += list(device_imports(core, names))
    for folder in backends:
        own = modules_below(folder)
        imports = read_imports(own, known={**modules, **own})
        found += [*foreign_imports(imports, folder.name), *cycles(imports, own)]
    return sorted(set(found), key=lambda v: (v.path, v.line, v.what))


def part_of(module: str) -> str:
    """The part of the core that a module belongs to: `lazygrad.nn.conv` -> `nn`."""
    return module.removeprefix(CORE).lstrip(".").partition(".")[0]


def is_core(module: str) -> bool:
    return module.partition(".")[0] == CORE


def unlisted(modules: dict[str, Path]) -> Iterator[Violation]:
    for module, path in modules.items():
        if part_of(module) not in LAYER_OF:
            yield Violation(
                path,
                1,
                f"{module} is on no layer: add {part_of(module)!r} to ROOMS in "
                "tools/check_layers.py",
            )


def upward(imports: Iterable[Import]) -> Iterator[Violation]:
    """Imports of a higher layer, or of another room on the same layer."""
    for item in imports:
        source, target = part_of(item.module), part_of(item.target)
        if item.typing_only or not is_core(item.target) or source == target:
            continue
        if source not in ROOM_OF or target not in ROOM_OF:
            continue  # the module itself is reported as unlisted, or does not exist
        here, there = ROOM_OF[source], ROOM_OF[target]
        if here != there and there.layer >= here.layer:
            yield Violation(
                item.path,
                item.line,
                f"{item.module} (layer {here.layer}) imports {item.target} "
                f"(layer {there.layer}): imports point downwards only",
            )


def cycles(imports: list[Import], modules: Container[str]) -> Iterator[Violation]:
    """One violation for each cycle between modules, then between the parts of a room."""
    executed = [item for item in imports if not item.typing_only]
    edges = {
        (item.module, item.target): item
        for item in executed
        if item.target in modules and item.target != item.module
    }
    yield from _cycles_in(edges, "import cycle")
    parts = {
        (part_of(item.module), part_of(item.target)): item
        for item in edges.values()
        if is_core(item.module) and part_of(item.module) != part_of(item.target)
    }
    yield from _cycles_in(parts, "cycle between parts")


def _cycles_in(edges: dict[tuple[str, str], Import], kind: str) -> Iterator[Violation]:
    remaining = dict(edges)
    while True:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for source, target in remaining:
            sorter.add(source, target)
        try:
            sorter.prepare()
            return
        except CycleError as error:
            # graphlib lists predecessors first; an import points the other way.
            around = list(reversed(error.args[1]))
        item = remaining.pop((around[0], around[1]))  # cut here, to find the next one
        yield Violation(item.path, item.line, f"{kind}: {' -> '.join(around)}")


def device_imports(imports: Iterable[Import], backends: list[str]) -> Iterator[Violation]:
    forbidden = {*DEVICE_LIBRARIES, *backends}
    for item in imports:
        if item.target.partition(".")[0] in forbidden:
            yield Violation(
                item.path,
                item.line,
                f"{item.module} imports {item.target}: the core names no "
                "device and no backend; reach it through lazygrad.runtime's registry",
            )


def foreign_imports(imports: Iterable[Import], backend: str) -> Iterator[Violation]:
    granted = {backend, *BACKEND_MAY_IMPORT.get(backend, ("numpy",)), *sys.stdlib_module_names}
    for item in imports:
        if item.target == PLUGIN or item.target.partition(".")[0] in granted:
            continue
        yield Violation(
            item.path,
            item.line,
            f"{item.module} imports {item.target}: a backend imports "
            f"{PLUGIN}, the standard library and what BACKEND_MAY_IMPORT grants it",
        )


def main(arguments: list[str]) -> int:
    root = Path(arguments[0] if arguments else Path(__file__).parents[1]).resolve()
    violations = check(root)
    for violation in violations:
        print(f"{violation.path.relative_to(root)}:{violation.line}: {violation.what}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
