"""Checkpoints: states by name, to and from safetensors files."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad import dtype as dt, semantics
from lazygrad.errors import CheckpointError, MissingExtraError
from lazygrad.tensor import Tensor

LENGTH_BYTES = 8  # the file starts with the length of its JSON header
ALIGNMENT = 8
# safetensors' names of dtypes
CODES = {
    "BOOL": dt.bool_, "U8": dt.uint8, "U16": dt.uint16, "U32": dt.uint32, "U64": dt.uint64,
    "I8": dt.int8, "I16": dt.int16, "I32": dt.int32, "I64": dt.int64, "F16": dt.float16,
    "BF16": dt.bfloat16, "F32": dt.float32, "F64": dt.float64,
}  # fmt: skip


def save_state(
    path: str | os.PathLike[str],
    state: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write Tensors by name (``model.state_dict()``) to a safetensors file.

    The file is written beside ``path`` and put in its place at the end: whatever happens,
    ``path`` holds either the old state or the new one.

    Args:
        metadata: more text to keep in the file, such as the epoch.

    Raises:
        MissingExtraError: if safetensors is not installed.
        CheckpointError: if ``metadata`` holds anything but text.
    """
    numpy_format = _safetensors().numpy
    notes = dict(metadata or {})
    for key, value in notes.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise CheckpointError(
                f"[save_state] metadata must map str to str, got {key!r}: {value!r}; use str()"
            )
    Tensor.realize(*state.values())
    arrays = {name: _to_array(tensor) for name, tensor in state.items()}
    payload = numpy_format.save(arrays, metadata=notes or None)
    brains = [name for name, tensor in state.items() if tensor.dtype is dt.bfloat16]
    if brains:
        payload = _declare_bfloat16(payload, brains)
    _write_atomically(Path(path), payload)


def load_state(
    path: str | os.PathLike[str], device: str | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what ``save_state`` (or any safetensors writer) wrote: Tensors and metadata.

    Raises:
        MissingExtraError: if safetensors is not installed.
        CheckpointError: a file that is truncated or not a safetensors file.
        FileNotFoundError: no such file.
    """
    library = _safetensors()
    payload = Path(path).read_bytes()
    try:
        entries = library.deserialize(payload)
    except library.SafetensorError as error:
        raise CheckpointError(
            f"[load_state] {os.fspath(path)} ({len(payload)} bytes) is not a complete safetensors "
            f"file: {error}; it was truncated or damaged, use another copy"
        ) from None
    tensors = {name: _to_tensor(path, name, entry, device) for name, entry in entries}
    return tensors, _header(payload).get("__metadata__", {})


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError(
            "[checkpoint] reading and writing checkpoints needs the library safetensors: "
            "pip install lazygrad[safetensors]"
        ) from None
    return safetensors


def _to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """A contiguous array of the stored elements; of bfloat16 its bits."""
    values = tensor.detach().numpy()
    if tensor.dtype is dt.bfloat16:
        values = semantics.to_bfloat16_bits(values)
    return np.ascontiguousarray(values).reshape(tensor.shape)


def _to_tensor(
    path: str | os.PathLike[str], name: str, entry: dict[str, Any], device: str | None
) -> Tensor:
    dtype = CODES.get(entry["dtype"])
    if dtype is None:
        raise CheckpointError(
            f"[load_state] {os.fspath(path)}: {name} has dtype {entry['dtype']}, which lazygrad "
            f"does not have; known: {', '.join(CODES)}"
        )
    stored = np.frombuffer(entry["data"], dtype.numpy.newbyteorder("<")).reshape(entry["shape"])
    values = semantics.from_bfloat16_bits(stored) if dtype is dt.bfloat16 else stored
    return Tensor(values, dtype=dtype, device=device)


def _header(payload: bytes) -> dict[str, Any]:
    length = int.from_bytes(payload[:LENGTH_BYTES], "little")
    header: dict[str, Any] = json.loads(payload[LENGTH_BYTES : LENGTH_BYTES + length])
    return header


def _declare_bfloat16(payload: bytes, names: list[str]) -> bytes:
    """NumPy has no bfloat16: its bits were written as U16, and only the header differs."""
    header = _header(payload)
    for name in names:
        header[name]["dtype"] = "BF16"
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    data = LENGTH_BYTES + int.from_bytes(payload[:LENGTH_BYTES], "little")
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + payload[data:]


def _write_atomically(path: Path, payload: bytes) -> None:
    target = Path(os.path.realpath(path))  # a link keeps pointing where it did
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
