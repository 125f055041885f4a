"""LAZYGRAD_OVERRIDE: a folder with dumped kernels, some of whose sources somebody has changed.
Those run wherever the same kernel is planned, in the bodies of loops, too."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lazygrad.config import settings
from lazygrad.runtime.backend import Backend, Call, Code
from lazygrad.runtime.bundle import HEAD, Bundle, read_bundle
from lazygrad.runtime.changed import Changed
from lazygrad.runtime.plan_format import kernel_key


def stamp() -> Hashable:
    """What tells the state of the folder from others: plans depend on it."""
    if settings.override is None:
        return None
    folder = Path(settings.override)
    files = [file for head in folder.rglob(HEAD) for file in head.parent.glob("kernel.*")]
    facts = [(str(file), (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files]
    return settings.override, tuple(sorted(facts))


def changed_code(number: int, call: Call, backend: Backend) -> Code | None:
    """Code of a call whose kernel somebody has changed; None for others."""
    if settings.override is None:
        return None
    kernel = call.kernel
    changed = _changed(stamp(), settings.override, backend.name)
    bundle = changed.get(kernel_key(kernel, call.moving))
    if bundle is None:
        return None
    (code,) = backend.generate([replace(call, memory=tuple(range(len(kernel.buffers))))])
    (part,), (text,) = code.parts, bundle.texts
    (dumped,) = bundle.recipe.codes
    data = Changed(
        code=replace(dumped, memory=_slots(bundle, dumped)),
        generated=code,
        text=text,
        path=str(bundle.folder / bundle.head.texts[0]),
        specs=kernel.buffers,
        writes=len(kernel.written),
    )
    shown = replace(part, calls=(number,), source=text)
    return Code((shown,), call.memory, f"{dumped.geometry}, changed", data)


@lru_cache(16)
def _changed(state: Hashable, folder: str, device: str) -> Mapping[str, Bundle]:
    """The kernels in a folder, of such a ``state``, that were changed, by what they compute."""
    bundles = [read_bundle(head.parent) for head in sorted(Path(folder).rglob(HEAD))]
    return {
        bundle.head.key: bundle
        for bundle in bundles
        if bundle.head.key and bundle.head.device == device and bundle.is_changed
    }


def _slots(bundle: Bundle, code: Code) -> tuple[int, ...]:
    """The slots of the kernel whose memory the code of its dump is bound to, in order: there
    inputs come first."""
    inputs, writes = bundle.recipe.inputs, len(bundle.recipe.outputs)
    return tuple(m + writes if m < inputs else m - inputs for m in code.memory)
