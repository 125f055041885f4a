"""Saving nested states, and loading them, from files of any kind that is known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lazygrad import tensorfile
from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, CheckpointError, DtypeError
from lazygrad.files import replaced
from lazygrad.nn.state import tensor_of
from lazygrad.public import public
from lazygrad.runtime.registry import check_device
from lazygrad.serialization.tree import Taken, together

TREE = "lazygrad.tree"  # the note that says how Tensors are put together


@public
def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write a state to a file: Tensors, arrays, numbers, text and None in lists, tuples, sets and
    dicts, as deep as they are. An object that comes twice is written once.

    The file is one of safetensors, with Tensors under their keys (``"model.conv1.weight"``), so
    that other programs can read them. A path is replaced in one go: it holds the old state or the
    new one, whatever happens.

    Args:
        f: a path, or an open binary file.
        pickle_module, pickle_protocol: accepted as PyTorch's; nothing is pickled.

    Raises:
        CheckpointError: for what cannot be saved, with the keys on the way to it.
        MissingExtraError: without the safetensors library.

    >>> import io
    >>> file = io.BytesIO()
    >>> lazygrad.save({"step": 3, "weights": [lazygrad.ones(2)]}, file)
    >>> _ = file.seek(0)
    >>> lazygrad.load(file)["step"]
    3
    """
    taken = Taken()
    tree = json.dumps(taken.apart(obj))
    notes = {TREE: tree}
    if hasattr(f, "write"):
        tensorfile.write(f, taken.arrays, notes)
        return
    path = _path("save", f)
    if path.is_dir():
        raise CheckpointError(f"[save] {path} is a folder; name a file in it")
    with replaced(path) as file:
        tensorfile.write(file, taken.arrays, notes)


@public
def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what ``save`` wrote; or a safetensors file of another program, a dict of Tensors; or a
    file of PyTorch's ``torch.save`` (``.pt``, ``.pth``), of which weights, containers and numbers
    are read and nothing is executed.

    Args:
        f: a path, or an open binary file.
        map_location: where Tensors are: a device, a dict from devices to devices, or a function of
            a Tensor and the device that it was saved on, which returns a Tensor; default: the
            default device.
        weights_only: always so; with False, too, no code of a file runs.
        pickle_module, mmap, pickle_load_args: accepted as PyTorch's.

    Raises:
        CheckpointError: for a file that is damaged, of no kind that is known, or that holds
            objects of other classes.
        FileNotFoundError: no such file.
        MissingExtraError: without the safetensors library, for a file of its format.

    >>> import io
    >>> file = io.BytesIO()
    >>> lazygrad.save({"w": lazygrad.ones(2, dtype="float64")}, file)
    >>> _ = file.seek(0)
    >>> lazygrad.load(file, map_location="cpu")["w"].dtype
    lazygrad.float64
    """
    from lazygrad.serialization import legacy, pytorch  # zipfile and pickle take long to import

    payload, name = _payload(f)
    device, move = _location(map_location)
    try:
        if pytorch.is_one(payload):
            return pytorch.read(payload, device, move)
        if legacy.is_one(payload):
            return legacy.read(payload, device, move)
        return _read(payload, device)
    except (CheckpointError, DtypeError) as error:
        raise CheckpointError(f"[load] {name} ({len(payload)} bytes): {error}") from None


def _read(payload: bytes, device: str | None) -> Any:
    try:
        arrays, notes = tensorfile.read(payload)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; it is no complete file of lazygrad.save, safetensors or PyTorch"
        ) from None
    if TREE not in notes:
        return {name: tensor_of(entry, device) for name, entry in arrays.items()}
    try:
        tree = json.loads(notes[TREE])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"its notes on the state are no JSON: {error}") from None
    return together(tree, arrays, device)


def _payload(f: Any) -> tuple[bytes, str]:
    if hasattr(f, "read"):
        found = f.read()
        if not isinstance(found, bytes):
            raise ArgumentError("[load] the file must be open for bytes: open(path, 'rb')")
        return found, str(getattr(f, "name", "the file"))
    path = _path("load", f)
    if path.is_dir():
        raise CheckpointError(f"[load] {path} is a folder, not a file")
    return path.read_bytes(), str(path)


def _path(op: str, f: Any) -> Path:
    if not isinstance(f, str | os.PathLike):
        raise ArgumentError(f"[{op}] f must be a path or an open binary file, got {shown(f)}")
    return Path(f)


def _location(given: Any) -> tuple[str | None, Callable[[Any, str], Any] | None]:
    """The device for all Tensors, and what moves each from where it was saved."""
    if given is None:
        return None, None
    if isinstance(given, Mapping):
        places = {str(key): value for key, value in given.items()}
        return None, lambda tensor, where: tensor.to(places[where]) if where in places else tensor
    if callable(given):
        return None, given
    return check_device(given), None
