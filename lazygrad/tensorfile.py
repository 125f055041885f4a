"""Files of arrays by name, and text notes: the format of safetensors, by its library.

Not by the library's functions for NumPy, which know no bfloat16, but by those below them, which
take and give elements as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lazygrad import element_types as dt, semantics
from lazygrad.element_types import DType
from lazygrad.errors import CheckpointError, DtypeError, MissingExtraError

LENGTH_BYTES = 8  # at the start of a file: how long its header is
METADATA = "__metadata__"  # an entry of the header that is no array
CODES = {
    "BOOL": dt.bool_, "U8": dt.uint8, "U16": dt.uint16, "U32": dt.uint32, "U64": dt.uint64,
    "I8": dt.int8, "I16": dt.int16, "I32": dt.int32, "I64": dt.int64, "F16": dt.float16,
    "BF16": dt.bfloat16, "F32": dt.float32, "F64": dt.float64,
}  # fmt: skip


class Stored(NamedTuple):
    """An array in a file: elements in the form in which they are stored (bfloat16: its bits)."""

    dtype: DType
    elements: np.ndarray[Any, Any]

    def values(self) -> np.ndarray[Any, Any]:
        """The numbers; of bfloat16 as float32."""
        if self.dtype is dt.bool_:
            return self.elements.view(np.uint8) != 0  # foreign files may hold other bytes than 0, 1
        if self.dtype is dt.bfloat16:
            return semantics.from_bfloat16_bits(self.elements)
        return self.elements


def write(file: BinaryIO, arrays: Mapping[str, Stored], notes: Mapping[str, str]) -> None:
    """Writes arrays by name.

    Raises:
        MissingExtraError: without the safetensors library.
    """
    library = _library()
    kept = {name: _little(elements) for name, (_, elements) in arrays.items()}
    specs = {
        name: library.TensorSpec(
            dtype=arrays[name].dtype.name,
            shape=elements.shape,
            data_ptr=elements.ctypes.data,
            data_len=elements.nbytes,
        )
        for name, elements in kept.items()
    }
    file.write(library.serialize(specs, dict(notes) or None))


def read(payload: bytes) -> tuple[dict[str, Stored], dict[str, str]]:
    """Arrays by name, in the order in which they lie in the file, and notes of a whole file.

    Raises:
        CheckpointError: with what is wrong with it.
        DtypeError: for a dtype that lazygrad does not have.
        MissingExtraError: without the safetensors library.
    """
    library = _library()
    try:
        entries = dict(library.deserialize(payload))  # in an order that differs from run to run
    except library.SafetensorError as error:
        raise CheckpointError(str(error)) from None
    # The library's reader of bytes keeps the notes to itself; it has checked the header.
    header = json.loads(payload[LENGTH_BYTES:][: int.from_bytes(payload[:LENGTH_BYTES], "little")])
    notes = header.pop(METADATA, None) or {}
    names = sorted(header, key=lambda name: (header[name]["data_offsets"], name))
    return {name: _stored(name, entries[name]) for name in names}, notes


def read_file(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """As ``read``; of what is no such file, or longer than it says, no more than the header."""
    library = _library()
    if path.exists() and not path.is_file():
        raise CheckpointError("it is a device or a pipe")
    try:
        with library.safe_open(path, "numpy"):
            pass
    except library.SafetensorError as error:
        raise CheckpointError(str(error)) from None
    return read(path.read_bytes())


def _library() -> Any:
    try:
        import safetensors
    except ImportError as error:
        raise MissingExtraError(
            "[save] files of tensors need safetensors: pip install 'lazygrad[safetensors]'"
        ) from error
    return safetensors


def _little(elements: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(elements, elements.dtype.newbyteorder("<"), order="C")


def _stored(name: str, entry: Mapping[str, Any]) -> Stored:
    dtype = CODES.get(entry["dtype"])
    if dtype is None:
        raise DtypeError(
            f"{name} has dtype {entry['dtype']}, which lazygrad does not have; known: "
            f"{', '.join(CODES)}"
        )
    kind = np.dtype(np.uint8) if dtype is dt.bool_ else dtype.numpy.newbyteorder("<")
    return Stored(dtype, np.frombuffer(entry["data"], kind).reshape(entry["shape"]))
