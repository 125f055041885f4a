"""New arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt, exchange
from lazygrad.errors import SharingError
from lazygrad.functional import creation, joining, like, movement
from lazygrad.functional.arguments import Number, Operand, Sizes
from lazygrad.functional.facts import is_tensor
from lazygrad.runtime.registry import check_device

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Device = str | None


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None,
    device: Device = None,
) -> Tensor:  # fmt: skip
    """start, start + step, ... before ``stop``; of one number, from 0 up to it. Nothing where steps
    lead away from ``stop``."""
    first, last = (0, start) if stop is None else (start, stop)
    if (last - first) * step < 0:
        last = first
    return creation.arange(first, last, step, dtype=dtype, device=device)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Device = None, copy: bool | None = None
) -> Tensor:
    """An array of a number, nested sequences, a buffer, or another array, which is given back
    where nothing changes, unless ``copy``.

    Raises:
        SharingError: for ``copy=False`` where there is none without a copy.
    """
    if copy is False and not (is_tensor(obj) and _unchanged(obj, dtype, device)):
        raise SharingError("[asarray] copy=False: this needs a copy; leave it out")
    return creation.asarray(obj, dtype=dtype, device=device, copy=copy)


def _unchanged(x: Tensor, dtype: Any, device: Device) -> bool:
    same_dtype = dtype is None or dt.of(dtype) is x.dtype
    return same_dtype and (device is None or check_device(device) == x.device)


def empty(shape: Sizes, *, dtype: Any = None, device: Device = None) -> Tensor:
    """To be filled; zeros until then."""
    return creation.empty(shape, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: Any = None, device: Device = None) -> Tensor:
    """As ``empty``, in the shape of ``x``."""
    return like.empty_like(x, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None,
    device: Device = None,
) -> Tensor:  # fmt: skip
    """Ones on the ``k``-th diagonal of a matrix (above the main one, or below if negative)."""
    columns = n_rows if n_cols is None else n_cols
    start = max(-n_rows, min(k, columns))  # beyond these there are no ones
    on_diagonal = creation.arange(columns, device=device) - start
    made = creation.arange(n_rows, device=device).unsqueeze(-1) == on_diagonal
    return made.to(dt.default_float if dtype is None else dt.of(dtype))


def from_dlpack(x: Any, /, *, device: Device = None, copy: bool | None = None) -> Tensor:
    """An array of what another library holds in the host's memory, whose values are copied; a
    lazygrad array shares its memory unless ``copy``.

    Raises:
        SharingError: for ``copy=False`` where there is none without a copy.
    """
    if is_tensor(x):
        found = asarray(x, device=device, copy=copy)
        return found.view(found.shape) if found is x else found
    if copy is False:
        raise SharingError("[from_dlpack] copy=False: what others hold is copied; leave it out")
    return exchange.from_dlpack(x, device=device)


def full(shape: Sizes, fill_value: Operand, *, dtype: Any = None, device: Device = None) -> Tensor:
    """``fill_value``, a number or an array of no dims, everywhere; by default in its dtype, of a
    number Python's."""
    if is_tensor(fill_value):
        return asarray(fill_value, dtype=dtype, device=device).broadcast_to(shape).clone()
    return creation.full(shape, fill_value, dtype=dtype, device=device)  # type: ignore[arg-type]


def full_like(
    x: Tensor, /, fill_value: Number, *, dtype: Any = None, device: Device = None
) -> Tensor:
    """As ``full``, in the shape of ``x``."""
    return like.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = None, device: Device = None,
    endpoint: bool = True,
) -> Tensor:  # fmt: skip
    """``num`` values from ``start`` to ``stop``, which is the last one, or would be the next one
    unless ``endpoint``."""
    if endpoint:
        return creation.linspace(start, stop, num, dtype=dtype, device=device)
    return creation.linspace(start, stop, num + 1, dtype=dtype, device=device)[:-1]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Each vector spread over a dim of its own; "xy" exchanges the first two."""
    return list(joining.meshgrid(*arrays, indexing=indexing)) if arrays else []


def ones(shape: Sizes, *, dtype: Any = None, device: Device = None) -> Tensor:
    """Ones."""
    return creation.ones(shape, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Device = None) -> Tensor:
    """As ``ones``, in the shape of ``x``."""
    return like.ones_like(x, dtype=dtype, device=device)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros above the ``k``-th diagonal of the last two dims."""
    return movement.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros below the ``k``-th diagonal of the last two dims."""
    return movement.triu(x, k)


def zeros(shape: Sizes, *, dtype: Any = None, device: Device = None) -> Tensor:
    """Zeros."""
    return creation.zeros(shape, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Device = None) -> Tensor:
    """As ``zeros``, in the shape of ``x``."""
    return like.zeros_like(x, dtype=dtype, device=device)
