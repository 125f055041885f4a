"""Random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.bridge import wrap
from lazygrad.errors import DtypeError
from lazygrad.functional.creation import as_leaf
from lazygrad.generator import Generator, default_generator
from lazygrad.graph import Node
from lazygrad.lang import random
from lazygrad.modes import ambient
from lazygrad.public import public
from lazygrad.runtime import registry
from lazygrad.shape import as_shape

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def random_key(device: str, generator: Generator | None = None) -> Node:
    """A key of its own for each random operation, taken when it is built."""
    stream = default_generator if generator is None else generator
    trace = ambient.trace
    return stream.key(device) if trace is None else trace.random_key(device, stream)


@public
def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Evenly distributed in [0, 1).

    >>> x = lazygrad.rand(2, 3)
    >>> x.shape, bool(((x >= 0) & (x < 1)).all())
    ((2, 3), True)
    """
    made = _drawn("rand", random.uniform, size, dtype, device, generator)
    return as_leaf(made, requires_grad)


@public
def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Standard normal.

    >>> x = lazygrad.randn(10000)
    >>> abs(x.mean().item()) < 0.1, abs(x.std().item() - 1) < 0.1
    (True, True)
    """
    made = _drawn("randn", random.normal, size, dtype, device, generator)
    return as_leaf(made, requires_grad)


@public
def uniform(
    *size: Any,
    low: float = 0.0,
    high: float = 1.0,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Evenly distributed in [low, high), bounds as ``dtype`` holds them: never ``high``,
    unless the bounds are equal there.

    Raises:
        ValueRangeError: if low > high, or if bounds or their distance exceed the dtype.

    >>> x = Tensor.uniform(100, low=2.0, high=3.0)
    >>> bool(((x >= 2) & (x < 3)).all())
    True
    """
    bounds = float(low), float(high)
    made = _drawn("uniform", random.uniform, size, dtype, device, generator, *bounds)
    return as_leaf(made, requires_grad)


@public
def normal(
    *size: Any,
    mean: float = 0.0,
    std: float = 1.0,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal with this mean and standard deviation.

    Raises:
        ValueRangeError: for a negative deviation.

    >>> Tensor.normal(2, 3, mean=5.0, std=0.0).tolist()
    [[5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]
    """
    moments = float(mean), float(std)
    made = _drawn("normal", random.normal, size, dtype, device, generator, *moments)
    return as_leaf(made, requires_grad)


def _drawn(
    op: str, draw: Callable[..., Node], size: Any, dtype: Any, device: str | None,
    generator: Generator | None, *bounds: float,
) -> Node:  # fmt: skip
    """Random numbers of a float dtype."""
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    if not chosen.is_floating_point:
        raise DtypeError(f"[{op}] needs a float dtype, got {chosen.name}; randint takes others")
    where = registry.check_device(device)
    return draw(random_key(where, generator), as_shape(op, size), chosen, *bounds)


@public
def randint(
    *size: Any, low: int = 0, high: int = 10, generator: Generator | None = None,
    dtype: Any = None, device: str | None = None,
) -> Tensor:  # fmt: skip
    """Integers in [low, high), int64 by default; bool and float dtypes too.

    Raises:
        ValueRangeError: if there are none, or if the dtype does not hold all of them.

    >>> Tensor.randint(2, 3, low=7, high=8).tolist()
    [[7, 7, 7], [7, 7, 7]]
    """
    where = registry.check_device(device)
    chosen = dt.default_int if dtype is None else dt.of(dtype)
    shape = as_shape("randint", size)
    return wrap(random.randint(random_key(where, generator), low, high, shape, chosen))


@public
def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: str | None = None
) -> Tensor:
    """0 ... n - 1 in random order, int64 by default.

    Raises:
        ValueRangeError: for a negative ``n``, or if the dtype does not hold all of them.

    >>> lazygrad.randperm(4).sort().values.tolist()
    [0, 1, 2, 3]
    """
    where = registry.check_device(device)
    chosen = dt.default_int if dtype is None else dt.of(dtype)
    return wrap(random.permutation(random_key(where, generator), n, chosen))


@public
def rand_like(input: Tensor, **options: Any) -> Tensor:
    """``rand`` in this shape, dtype and device.

    >>> lazygrad.rand_like(lazygrad.zeros(2, 3, dtype="float64")).dtype
    lazygrad.float64
    """
    return rand(input.shape, **{"dtype": input.dtype, "device": input.device, **options})


@public
def randn_like(input: Tensor, **options: Any) -> Tensor:
    """``randn`` in this shape, dtype and device.

    >>> lazygrad.randn_like(lazygrad.zeros(2, 3)).shape
    (2, 3)
    """
    return randn(input.shape, **{"dtype": input.dtype, "device": input.device, **options})


@public
def randint_like(input: Tensor, low: int = 0, high: int = 10, **options: Any) -> Tensor:
    """``randint`` in this shape, dtype and device.

    >>> lazygrad.zeros(2).randint_like(5, 6).tolist()
    [5.0, 5.0]
    """
    options = {"dtype": input.dtype, "device": input.device, **options}
    return randint(input.shape, low=low, high=high, **options)
