"""A call that reads the same with PyTorch and with lazygrad, and the inputs it is made on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np

Array = np.ndarray[Any, Any]
Make = Callable[[np.random.RandomState], Any]

FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class Input:
    """How an input is drawn; floats are brought to the dtype of the case, and have derivatives.

    Attributes:
        make: draws its values.
        turned: whether it is given as a transposed view of what lies in memory.
        dtype: one that does not follow the case.
    """

    make: Make
    turned: bool = False
    dtype: str | None = None

    def array(self, random: np.random.RandomState, dtype: str) -> Array:
        values = np.asarray(self.make(random))
        if self.dtype is not None:
            return values.astype(self.dtype)
        stored = "float32" if dtype == "bfloat16" else dtype
        return values.astype(stored) if values.dtype.kind == "f" else values


@dataclass(frozen=True)
class Case:
    """A row of a table.

    Attributes:
        name: the function, and after a comma what is special; unique in its table.
        call: takes the module ``torch`` or ``lazygrad``, and the inputs as its tensors; returns a
            tensor, a number, a shape, or a sequence of them, nested or not.
        inputs: how they are drawn.
        order: up to which derivative results are compared, by all floats among the inputs.
        dtypes: of the inputs that are floats; derivatives are taken in the first.
        rtol, atol: error that is allowed besides that of the dtype, where there is a reason.
    """

    name: str
    call: Callable[..., Any]
    inputs: Sequence[Input] = ()
    order: int = 2
    dtypes: Sequence[str] = ("float32",)
    rtol: float = 0.0
    atol: float = 0.0

    def arrays(self, dtype: str) -> list[Array]:
        """The same values in each dtype, on each machine, with each version of NumPy."""
        random = np.random.RandomState(crc32(self.name.encode()))  # whose streams are frozen
        return [given.array(random, dtype) for given in self.inputs]


# -- inputs ----------------------------------------------------------------------------------------


def normal(*shape: int, scale: float = 1.0) -> Input:
    return Input(lambda random: scale * random.standard_normal(shape))


def uniform(low: float, high: float, *shape: int) -> Input:
    return Input(lambda random: random.uniform(low, high, shape))


def distinct(*shape: int) -> Input:
    """Floats of which none is near another: no ties, no order that rounding changes."""
    size = int(np.prod(shape))
    return Input(lambda random: (random.permutation(size) - size / 3).reshape(shape) / 4)


def integers(low: int, high: int, *shape: int, dtype: str = "int64") -> Input:
    """From ``low``, below ``high``."""
    return Input(lambda random: random.randint(low, high, shape), dtype=dtype)


def booleans(*shape: int) -> Input:
    return Input(lambda random: random.random_sample(shape) < 0.5)


def exactly(values: Any, dtype: str | None = None) -> Input:
    return Input(lambda random: np.array(values), dtype=dtype)


def special() -> Input:
    """Floats that are unlike others."""
    tiny = float(np.finfo(np.float32).tiny)
    return exactly([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e30, -1e30, tiny, 0.5, -2.5])


def turned(given: Input) -> Input:
    """As a transposed view of an array that lies the other way round."""
    return replace(given, turned=True)


# -- tables ----------------------------------------------------------------------------------------


def elementwise(
    name: str,
    low: float = -3.0,
    high: float = 3.0,
    *,
    order: int = 2,
    specials: bool = True,
    **tolerance: float,
) -> list[Case]:
    """A function of one float tensor: an ordinary shape with derivatives, 0-d, empty, a transposed
    view in double, half, and special values."""

    def call(T: Any, x: Any) -> Any:
        return getattr(T, name)(x)

    inside = (low, high)
    rows = [
        Case(name, call, [uniform(*inside, 3, 4)], order, FLOATS, **tolerance),
        Case(f"{name}, 0-d", call, [uniform(*inside)], order, **tolerance),
        Case(f"{name}, empty", call, [uniform(*inside, 2, 0)], min(order, 1)),
        Case(f"{name}, turned", call, [turned(uniform(*inside, 5, 2))], 0, **tolerance),
        Case(f"{name}, half", call, [uniform(*inside, 7)], 0, ("float16",), **tolerance),
    ]
    return rows + [Case(f"{name}, special", call, [special()], 0, **tolerance)] * specials


def binary(
    name: str, a: Input | None = None, b: Input | None = None, *, order: int = 2, **tolerance: float
) -> list[Case]:
    """A function of two tensors: broadcast, of two dtypes, with 0-d and special operands."""

    def call(T: Any, x: Any, y: Any) -> Any:
        return getattr(T, name)(x, y)

    a, b = a or normal(3, 1, 4), b or normal(2, 1)
    odd = [exactly([[v] for v in SPECIAL]), exactly(SPECIAL)]
    return [
        Case(name, call, [a, b], order, FLOATS, **tolerance),
        Case(f"{name}, 0-d", call, [uniform(0.5, 2), uniform(0.5, 2, 3)], order, **tolerance),
        Case(f"{name}, special", call, odd, 0, **tolerance),
    ]


SPECIAL = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan]


def with_parameters(T: Any, module: Any, x: Any, *parameters: Any) -> list[Any]:
    """What a module computes with the parameters given, and a loss's derivatives by the input and
    by each of them; call it in a case of order 0 (``x`` may be several inputs in a tuple)."""
    inputs = x if isinstance(x, tuple) else (x,)
    inputs = tuple(i.detach().requires_grad_() if i.is_floating_point() else i for i in inputs)
    own = list(module.parameters())
    if len(own) != len(parameters):
        names = [(name, tuple(p.shape)) for name, p in module.named_parameters()]
        raise ValueError(f"{len(parameters)} given for the parameters {names}")
    with T.no_grad():
        for parameter, given in zip(own, parameters, strict=True):
            parameter.copy_(given)
    results = floats_in(module(*inputs))
    loss = sum((r * ripples(T, r, 1)).sum() for r in results)
    targets = [t for t in (*inputs, *own) if t.requires_grad]
    return [*results, *T.autograd.grad(loss, targets)]


def ripples(T: Any, like: Any, number: int) -> Any:
    """Weights of a tensor's elements in a loss, none of which are alike."""
    size = int(np.prod(tuple(like.shape)))
    values = np.cos(1.3 * np.arange(size) + number).reshape(tuple(like.shape))
    return T.from_numpy(values).to(like.device).to(like.dtype)


def floats_in(result: Any) -> list[Any]:
    """The tensors of floats that a call returned, in order."""
    if hasattr(result, "is_floating_point"):
        return [result] if result.is_floating_point() else []
    if isinstance(result, dict):
        return [found for value in result.values() for found in floats_in(value)]
    if isinstance(result, tuple | list):
        return [found for value in result for found in floats_in(value)]
    return []
