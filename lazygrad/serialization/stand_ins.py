"""What stands for the classes and functions that PyTorch's files name: all that such a file can
call, and nothing else. None of it executes anything that the file brings along."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.element_types import DType
from lazygrad.errors import CheckpointError
from lazygrad.shape import numel

EXPANDED = 1 << 26  # most elements of a tensor that shows some of its storage many times
STORAGES: dict[str, DType] = {
    "BoolStorage": dt.bool_, "ByteStorage": dt.uint8, "CharStorage": dt.int8,
    "ShortStorage": dt.int16, "IntStorage": dt.int32, "LongStorage": dt.int64,
    "HalfStorage": dt.float16, "BFloat16Storage": dt.bfloat16, "FloatStorage": dt.float32,
    "DoubleStorage": dt.float64,
}  # fmt: skip
DTYPES = {
    "bool": dt.bool_, "uint8": dt.uint8, "uint16": dt.uint16, "uint32": dt.uint32,
    "uint64": dt.uint64, "int8": dt.int8, "int16": dt.int16, "int32": dt.int32,
    "int64": dt.int64, "float16": dt.float16, "bfloat16": dt.bfloat16, "float32": dt.float32,
    "float64": dt.float64,
}  # fmt: skip


class Name:
    """What a file gets for a name: it can be called if its value can, and not be changed."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, *args: Any) -> Any:
        return self.value(*args)

    def __setstate__(self, state: Any) -> None:
        raise CheckpointError("it would change what other files use")


@dataclass(frozen=True)
class StorageType:
    """The class of a storage; ``dtype`` is None where tensors say it."""

    dtype: DType | None


@dataclass
class Storage:
    """A storage: its elements, as they lie in the file."""

    dtype: DType | None
    data: bytes
    location: str

    def elements(self, dtype: DType) -> np.ndarray[Any, Any]:
        """All elements in their stored form."""
        kind = np.dtype(np.uint8) if dtype is dt.bool_ else dtype.numpy.newbyteorder("<")
        found = np.frombuffer(self.data[: len(self.data) // dtype.itemsize * dtype.itemsize], kind)
        return found != 0 if dtype is dt.bool_ else found


@dataclass
class Weights:
    """A tensor of the file, to be made when all is read."""

    storage: Storage
    dtype: DType
    offset: int
    size: Sequence[int]
    stride: Sequence[int]
    requires_grad: bool
    is_parameter: bool = False

    def __setstate__(self, state: Any) -> None:
        """Attributes that somebody gave a tensor are left out."""

    def elements(self) -> np.ndarray[Any, Any]:
        """Its elements within the storage.

        Raises:
            CheckpointError: if they are not all there.
        """
        size, stride = tuple(self.size), tuple(self.stride)
        numbers = (self.offset, *size, *stride)
        if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
            raise CheckpointError(f"a tensor in it has size {size} and stride {stride}")
        flat, count = self.storage.elements(self.dtype), numel(size)
        last = self.offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if count and (last >= len(flat) or count > max(len(flat), EXPANDED)):
            raise CheckpointError(f"a tensor of size {size} is not all in its storage")
        if not count:
            return np.zeros(size, flat.dtype)
        steps = tuple(step * flat.itemsize for step in stride)
        shown = np.lib.stride_tricks.as_strided(flat[self.offset :], size, steps)
        return np.ascontiguousarray(shown).reshape(size)


@dataclass
class Array:
    """A NumPy array of the file; BUILD gives it its values."""

    values: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(0))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, data = state
        flat = np.frombuffer(data, _plain(kind))
        self.values = flat.reshape(tuple(shape), order="F" if is_fortran else "C").copy()


@dataclass
class Kind:
    """A NumPy dtype of the file; BUILD gives it its byte order."""

    name: str
    order: str = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = str(state[1])


def _plain(kind: Any) -> np.dtype[Any]:
    """The dtype of numbers that a ``Kind`` means."""
    if not isinstance(kind, Kind):
        raise CheckpointError("an array in it has no dtype")
    found = np.dtype(kind.name)
    if found.kind not in dt.NUMBER_KINDS:
        raise CheckpointError(f"an array in it holds {found}, which are no numbers")
    return found.newbyteorder(">") if kind.order == ">" else found


def rebuild_tensor(
    storage: Storage,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    requires_grad: bool = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Weights:
    """torch._utils._rebuild_tensor_v2."""
    dtype = storage.dtype
    if dtype is None:
        raise CheckpointError("a storage in it has no dtype")
    return Weights(storage, dtype, offset, size, stride, requires_grad)


def rebuild_untyped(
    storage: Storage,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    requires_grad: bool,
    hooks: Any,
    dtype: Name,
    metadata: Any = None,
) -> Weights:
    """torch._utils._rebuild_tensor_v3, whose storage is bytes."""
    return Weights(storage, dtype.value, offset, size, stride, requires_grad)


def rebuild_parameter(data: Weights, requires_grad: bool, hooks: Any, state: Any = None) -> Weights:
    """torch._utils._rebuild_parameter, with or without state."""
    data.requires_grad, data.is_parameter = requires_grad, True
    return data


def scalar(kind: Any, data: bytes) -> Any:
    """numpy.core.multiarray.scalar."""
    return np.frombuffer(data, _plain(kind))[0]


def encode(text: str, encoding: str) -> bytes:
    """_codecs.encode, of the bytes of arrays in old protocols."""
    if encoding != "latin1":
        raise CheckpointError(f"it holds text in {encoding}")
    return text.encode("latin1")


def device(kind: str, index: int | None = None) -> str:
    """torch.device."""
    return kind if index is None else f"{kind}:{index}"


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter,
    ("collections", "defaultdict"): lambda factory=None: {},
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "complex"): complex,
    ("_codecs", "encode"): encode,
    ("torch", "Size"): tuple,
    ("torch", "device"): device,
    ("torch.storage", "UntypedStorage"): StorageType(None),
    ("torch", "UntypedStorage"): StorageType(None),
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): rebuild_untyped,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
    ("torch.nn.parameter", "Parameter"): rebuild_parameter,
    **{("torch", name): StorageType(dtype) for name, dtype in STORAGES.items()},
    **{("torch", name): dtype for name, dtype in DTYPES.items()},
    ("numpy", "dtype"): lambda name, *flags: Kind(name),
    ("numpy", "ndarray"): Array,
    **{(f"numpy.{core}.multiarray", "scalar"): scalar for core in ("core", "_core")},
    **{
        (f"numpy.{core}.multiarray", "_reconstruct"): lambda kind, shape, code: Array()
        for core in ("core", "_core")
    },
}


def named(module: str, name: str) -> Name:
    """What stands for ``module.name``.

    Raises:
        CheckpointError: if nothing does.
    """
    module = "builtins" if module == "__builtin__" else module
    if (module, name) not in KNOWN:
        raise CheckpointError(
            f"it holds an object of {module}.{name}, which is not read: a file of weights has "
            "tensors, containers and numbers only. Load it with PyTorch and save the state_dict()"
        )
    return Name(KNOWN[module, name])
