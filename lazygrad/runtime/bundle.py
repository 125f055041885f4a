"""A plan in a folder, complete: what is compiled as texts that can be read and changed, all else
that running it takes, and a script that runs it.

    bundle.json   device, names of the texts, and the key of the kernel if it is a single one
    plan.bin      the plan and its code, as ``runtime.records`` keeps them
    kernel.cl     the text; of a step or a loop, programs/000.cl and more
    inputs.npz    flat arrays as stored, in order, where real inputs were kept
    run.py        runs it as it lies there, checks and times it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad.errors import DataError
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import Plan
from lazygrad.runtime import registry, steps
from lazygrad.runtime.program import CompiledPlan, Recipe, read_recipe, written
from lazygrad.runtime.records import Malformed

HEAD, DATA, INPUTS, SCRIPT = "bundle.json", "plan.bin", "inputs.npz", "run.py"
PROGRAMS = "programs"
RUN = '''"""Runs what lies here: python {folder}/run.py [--device NAME] [--seed N]"""

import sys
from pathlib import Path

from lazygrad.inspect.rerun import main

sys.exit(main(Path(__file__).parent))
'''


@dataclass(frozen=True)
class Head:
    """What a bundle is of: see the module."""

    name: str
    device: str
    texts: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True)
class Bundle:
    """What was read from a folder; ``texts`` are as they lie there, ``generated`` as they were
    written."""

    folder: Path
    head: Head
    recipe: Recipe
    texts: tuple[str, ...]
    generated: tuple[str, ...]

    @property
    def is_changed(self) -> bool:
        """Not if there are but comments before what was generated."""
        comment = registry.backend(self.head.device).comment
        pairs = zip(self.texts, self.generated, strict=True)
        return any(not _is_commented(text, made, comment) for text, made in pairs)

    def compiled(self) -> CompiledPlan:
        """The texts as they lie there, compiled."""
        return CompiledPlan(self.recipe, self.head.device, texts=self.texts)

    def inputs(self) -> list[np.ndarray[Any, Any]] | None:
        """The real ones, where they were kept."""
        path = self.folder / INPUTS
        if not path.exists():
            return None
        with np.load(path) as kept:
            return [kept[name] for name in sorted(kept.files, key=int)]


def compiled_together(bundles: Sequence[Bundle], device: str) -> list[CompiledPlan]:
    """What ``compiled`` gives for each, of one device, by fewer programs where these take long."""
    several = [(bundle.recipe.codes, bundle.texts) for bundle in bundles]
    return [
        CompiledPlan(bundle.recipe, device, programs=programs)
        for bundle, programs in zip(
            bundles, steps.loaded_apart(several, registry.backend(device)), strict=True
        )
    ]


def _is_commented(text: str, code: str, comment: str) -> bool:
    before = text.removesuffix(code).splitlines()
    return text.endswith(code) and all(not s.strip() or s.startswith(comment) for s in before)


def write_bundle(
    folder: Path,
    name: str,
    plan: Plan,
    device: str,
    recipe: Recipe | None = None,
    key: str = "",
    head: Callable[[str], str] = lambda text: "",
) -> None:
    """Writes a plan, whose code is generated unless its ``recipe`` is given; ``head`` gives the
    comments that stand before the text of a kernel."""
    backend = registry.backend(device)
    recipe = recipe or Recipe.of(plan, backend)
    texts = steps.texts_of(recipe.codes, backend)
    single = isinstance(plan.steps[0].kernel, Kernel) if key else False
    stem = "kernel" if single and len(texts) == 1 else f"{PROGRAMS}/{{:03d}}"
    names = tuple(stem.format(number) + backend.suffix for number in range(len(texts)))
    for place in {folder, *(folder.joinpath(name).parent for name in names)}:
        place.mkdir(parents=True, exist_ok=True)
    for file, text in zip(names, texts, strict=True):
        (folder / file).write_text(head(text) + text)
    with suppress(Malformed):  # a backend without records: its code can be read, and no more
        (folder / DATA).write_bytes(written(recipe, plan, backend))
    (folder / HEAD).write_text(json.dumps(asdict(Head(name, device, names, key)), indent=1) + "\n")
    (folder / SCRIPT).write_text(RUN.format(folder=folder.name))


def keep_inputs(folder: Path, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
    """Writes the real inputs of a bundle."""
    named: dict[str, Any] = {str(number): array for number, array in enumerate(arrays)}
    np.savez(folder / INPUTS, **named)


def read_bundle(folder: Path) -> Bundle:
    """What ``write_bundle`` wrote.

    Raises:
        DataError: there is something else, or it was written by another version.
    """
    try:
        content = json.loads((folder / HEAD).read_text())
        head = Head(content["name"], content["device"], tuple(content["texts"]), content["key"])
        backend = registry.backend(head.device)
        recipe = read_recipe((folder / DATA).read_bytes(), backend)
        texts = tuple((folder / file).read_text() for file in head.texts)
        generated = tuple(steps.texts_of(recipe.codes, backend))
        if len(texts) != len(generated):
            raise ValueError(f"{len(texts)} texts of {len(generated)}")
    except (OSError, ValueError, KeyError, TypeError, Malformed) as error:
        raise DataError(
            f"[inspect] {folder} is no kernel or plan of a dump that this version reads ({error}); "
            "dump it again"
        ) from None
    return Bundle(folder, head, recipe, texts, generated)
