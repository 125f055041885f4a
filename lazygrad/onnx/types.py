"""Dtypes and arrays of the standard as ours, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.element_types import DType
from lazygrad.errors import DtypeError, MissingExtraError
from lazygrad.functional import creation
from lazygrad.tensor_class import Tensor

Array = np.ndarray[Any, Any]

# TensorProto.DataType, https://onnx.ai/onnx/api/classes.html#tensorproto
CODES = {
    1: dt.float32, 2: dt.uint8, 3: dt.int8, 4: dt.uint16, 5: dt.int16, 6: dt.int32, 7: dt.int64,
    9: dt.bool_, 10: dt.float16, 11: dt.float64, 12: dt.uint32, 13: dt.uint64, 16: dt.bfloat16,
}  # fmt: skip
CODE_OF = {dtype: code for code, dtype in CODES.items()}


def library() -> Any:
    """The onnx package.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import onnx
        import onnx.numpy_helper
        import onnx.reference
    except ImportError as error:
        raise MissingExtraError(
            "[onnx] ONNX files need the onnx library: pip install 'lazygrad[onnx]'"
        ) from error
    return onnx


def dtype_of(code: int) -> DType:
    """The dtype of a code of the standard.

    Raises:
        DtypeError: for one that lazygrad does not have.
    """
    if code not in CODES:
        name = library().TensorProto.DataType.Name(code)
        known = ", ".join(dtype.name for dtype in CODES.values())
        raise DtypeError(f"[onnx] lazygrad has no dtype {name}; known: {known}")
    return CODES[code]


def tensor_of(array: Array, device: str | None) -> Tensor:
    """A Tensor of an array; one without dims is a constant of the kernels that use it."""
    if array.dtype.name == "bfloat16":  # which NumPy has by a library
        return Tensor(array.astype(np.float32), dtype=dt.bfloat16, device=device)
    if array.ndim == 0 and array.dtype.kind in dt.NUMBER_KINDS:
        return creation.full((), array.item(), dtype=dt.of(array.dtype), device=device)
    return Tensor(np.asarray(array), device=device)
