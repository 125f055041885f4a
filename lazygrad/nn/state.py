"""Checkpoints: states by name, to and from safetensors files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad import element_types as dt, semantics, tensorfile
from lazygrad.errors import CheckpointError, DtypeError
from lazygrad.files import replaced
from lazygrad.nn.objects import get_parameters, get_state_dict, load_state_dict
from lazygrad.tensor_class import Tensor
from lazygrad.tensorfile import METADATA, Stored

__all__ = [
    "get_parameters", "get_state_dict", "load_state", "load_state_dict", "safe_load", "safe_save",
    "save_state",
]  # fmt: skip


def save_state(
    path: str | os.PathLike[str],
    state: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write Tensors by name (``model.state_dict()``) to a safetensors file.

    The file is written beside ``path`` and put in its place at the end: whatever happens,
    ``path`` holds either the old state or the new one. A device or pipe is written to as it is.

    Args:
        metadata: more text to keep in the file, such as the epoch.

    Raises:
        CheckpointError: if ``metadata`` holds anything but text, a name cannot be kept, or
            ``path`` is a folder.
        MissingExtraError: without the safetensors library.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     lazygrad.save_state(path, nn.Linear(2, 1).state_dict(), {"epoch": "3"})
    ...     state, notes = lazygrad.load_state(path)
    >>> list(state), notes
    (['bias', 'weight'], {'epoch': '3'})
    """
    notes = dict(metadata or {})
    for key, value in notes.items():
        if not (isinstance(key, str) and isinstance(value, str) and _is_unicode(key + value)):
            raise CheckpointError(
                f"[save_state] metadata must map str to str, got {key!r}: {value!r}; use str()"
            )
    for name, tensor in state.items():
        _check_entry(name, tensor)
    if Path(path).is_dir():
        raise CheckpointError(f"[save_state] {os.fspath(path)} is a folder; name a file in it")
    if state:
        Tensor.realize(*state.values())
    with replaced(Path(path)) as file:
        tensorfile.write(file, {name: stored(tensor) for name, tensor in state.items()}, notes)


def load_state(
    path: str | os.PathLike[str], device: str | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what ``save_state`` (or any safetensors writer) wrote: Tensors and metadata.

    Raises:
        CheckpointError: a file that is truncated or not a safetensors file, or a folder.
        FileNotFoundError: no such file.
        MissingExtraError: without the safetensors library.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     lazygrad.save_state(path, {"w": lazygrad.ones(2)})
    ...     state, notes = lazygrad.load_state(path, device="cpu")
    >>> state["w"].tolist(), notes
    ([1.0, 1.0], {})
    """
    if Path(path).is_dir():
        raise CheckpointError(f"[load_state] {os.fspath(path)} is a folder, not a safetensors file")
    try:
        arrays, notes = tensorfile.read_file(Path(path))
    except CheckpointError as error:
        size = os.stat(path).st_size
        raise CheckpointError(
            f"[load_state] {os.fspath(path)} ({size} bytes) is not a complete safetensors file: "
            f"{error}; it was truncated or damaged, use another copy"
        ) from None
    except DtypeError as error:
        raise CheckpointError(f"[load_state] {os.fspath(path)}: {error}") from None
    return {name: tensor_of(entry, device) for name, entry in arrays.items()}, notes


def safe_save(
    tensors: Mapping[str, Tensor], fn: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """As ``save_state``, in tinygrad's order.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     nn.state.safe_save({"w": lazygrad.ones(2)}, path)
    ...     print(os.path.getsize(path) > 8)
    True
    """
    save_state(fn, tensors, metadata)


def safe_load(fn: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     nn.state.safe_save({"w": lazygrad.ones(2)}, path)
    ...     print(nn.state.safe_load(path)["w"].tolist())
    [1.0, 1.0]
    """
    return load_state(fn)[0]


def _check_entry(name: Any, tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise CheckpointError(
            f"[save_state] {name} is a {type(tensor).__name__}; state maps names to Tensors"
        )
    if not isinstance(name, str) or name == METADATA or not _is_unicode(name):
        raise CheckpointError(
            f"[save_state] no Tensor can be kept under the name {name!r}: names are Unicode text, "
            f"and {METADATA} is that of the file's own notes; choose another one"
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def stored(tensor: Tensor) -> Stored:
    """The elements of a Tensor as a file holds them."""
    values = tensor.detach().numpy()
    if tensor.dtype is dt.bfloat16:
        values = semantics.to_bfloat16_bits(values)
    return Stored(tensor.dtype, np.ascontiguousarray(values).reshape(tensor.shape))


def tensor_of(entry: Stored, device: str | None) -> Tensor:
    """A Tensor of what a file holds."""
    return Tensor(entry.values(), dtype=entry.dtype, device=device)
