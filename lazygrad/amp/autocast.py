"""autocast: which precision a function computes in, inside of a block."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from lazygrad import element_types as dt
from lazygrad.casting import HALF, Now, casting
from lazygrad.element_types import DType
from lazygrad.errors import ArgumentError
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = {"cpu": dt.bfloat16}  # by device type; of all others float16
CAST = (dt.float16, dt.bfloat16, dt.float32)  # what is cast; float64 stays


class autocast:
    """Inside of a ``with`` block, or of a decorated function, matrix products and convolutions
    compute in ``dtype`` and what needs more in float32; all else in the dtypes that it is given.
    Parameters stay float32, and so do their gradients. Under ``jit`` it belongs inside of the
    jitted function, or around all calls of it.

    Args:
        device_type: PyTorch's, ``"cuda"`` or ``"cpu"``; it decides on the default dtype only.
        dtype: float16 or bfloat16; default: float16, for ``"cpu"`` bfloat16.
        enabled: with False nothing is cast, also within an outer block.
        cache_enabled: accepted as PyTorch's; a parameter is cast once anyway.

    Raises:
        ArgumentError: for another dtype.

    >>> x, w = lazygrad.ones(2, 2), lazygrad.ones(2, 2)
    >>> with lazygrad.autocast("cuda"):
    ...     y = x @ w
    >>> y.dtype, (x @ w).dtype
    (lazygrad.float16, lazygrad.float32)
    """

    @public
    def __init__(
        self,
        device_type: str = "cuda",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device_type, self.enabled = device_type, enabled
        chosen = DEFAULTS.get(device_type.lower(), dt.float16) if dtype is None else dt.of(dtype)
        if chosen not in CAST:
            raise ArgumentError(
                f"[autocast] dtype must be float16 or bfloat16, got {chosen.name}; compute in it "
                "with model.to(dtype)"
            )
        self.dtype = chosen
        self._before: list[Now | None] = []

    def __enter__(self) -> autocast:
        self._before.append(casting.now)
        casting.now = Now(self.dtype.name, self._cast) if self.enabled else None
        return self

    def __exit__(self, *exception: object) -> None:
        casting.now = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with autocast(self.device_type, self.dtype, self.enabled):
                return function(*args, **kwargs)

        return cast(F, inside)

    def _cast(
        self, role: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        wanted = self.dtype if role == HALF else dt.float32
        given = tuple(_brought(value, wanted) for value in args)
        return given, {name: _brought(value, wanted) for name, value in kwargs.items()}


def _brought(value: Any, wanted: DType) -> Any:
    """A Tensor in the wanted dtype, or several; anything else as it is."""
    if isinstance(value, Tensor):
        return value.cast(wanted) if value.dtype in CAST and value.dtype is not wanted else value
    if isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        return type(value)(_brought(item, wanted) for item in value)
    return value


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether the code runs inside of an ``autocast`` that is enabled.

    >>> with lazygrad.autocast("cpu"):
    ...     print(lazygrad.is_autocast_enabled())
    True
    """
    return casting.now is not None


def get_autocast_dtype(device_type: str | None = None) -> DType:
    """The dtype of the ``autocast`` around the code, or else that which one would have.

    >>> lazygrad.get_autocast_dtype("cpu")
    lazygrad.bfloat16
    """
    if casting.now is not None:
        return dt.BY_NAME[casting.now.key]
    return DEFAULTS.get((device_type or "").lower(), dt.float16)
