"""Checkpoints: states by name, to and from safetensors files."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad import dtype as dt, semantics
from lazygrad.errors import CheckpointError, MissingExtraError
from lazygrad.files import replaced
from lazygrad.tensor import Tensor

LENGTH_BYTES = 8  # the file starts with the length of its JSON header
LONGEST_HEADER = 100_000_000  # bytes, of the safetensors library
ALIGNMENT = 8
METADATA = "__metadata__"  # an entry of the header that is no tensor
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
    ``path`` holds either the old state or the new one. A device or pipe is written to as it is.

    Args:
        metadata: more text to keep in the file, such as the epoch.

    Raises:
        MissingExtraError: if safetensors is not installed.
        CheckpointError: if ``metadata`` holds anything but text, a name cannot be kept, or
            ``path`` is a folder.
    """
    numpy_format = _safetensors().numpy
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
    Tensor.realize(*state.values())
    arrays = {name: _to_array(tensor) for name, tensor in state.items()}
    payload = numpy_format.save(arrays, metadata=notes or None)
    brains = [name for name, tensor in state.items() if tensor.dtype is dt.bfloat16]
    if brains:
        payload = _declare_bfloat16(payload, brains)
    with replaced(Path(path)) as file:
        file.write(payload)


def load_state(
    path: str | os.PathLike[str], device: str | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what ``save_state`` (or any safetensors writer) wrote: Tensors and metadata.

    Raises:
        MissingExtraError: if safetensors is not installed.
        CheckpointError: a file that is truncated or not a safetensors file, or a folder.
        FileNotFoundError: no such file.
    """
    library = _safetensors()
    if Path(path).is_dir():
        raise CheckpointError(f"[load_state] {os.fspath(path)} is a folder, not a safetensors file")
    payload = _read(Path(path))
    try:
        entries = library.deserialize(payload)
    except library.SafetensorError as error:
        size = os.stat(path).st_size
        raise CheckpointError(
            f"[load_state] {os.fspath(path)} ({size} bytes) is not a complete safetensors file: "
            f"{error}; it was truncated or damaged, use another copy"
        ) from None
    tensors = {name: _to_tensor(path, name, entry, device) for name, entry in entries}
    return tensors, _header(payload).get(METADATA, {})


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


def _read(path: Path) -> bytes:
    """The file's bytes; no more than one beyond what its header announces."""
    with open(path, "rb") as file:
        start = file.read(LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        if length > LONGEST_HEADER:
            return start  # which is not the start of a safetensors file
        start += file.read(length)
        state = os.fstat(file.fileno())
        left = state.st_size - len(start) if stat.S_ISREG(state.st_mode) else _announced(start)
        return start + file.read(max(0, min(left, _announced(start)) + 1))


def _announced(start: bytes) -> int:
    """Bytes of data after the header."""
    try:
        entries = _header(start).items()
        return max(int(e["data_offsets"][1]) for name, e in entries if name != METADATA)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError):
        return 0  # no header, or one without tensors


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
    if dtype is dt.bool_:
        stored = stored.view(np.uint8) != 0  # a foreign file may hold other bytes than 0 and 1
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
