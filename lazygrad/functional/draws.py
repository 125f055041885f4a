"""Random numbers in the shape of a tensor, or whose distribution one says, and choices by weight;
``randint``, ``normal`` and ``randint_like`` with PyTorch's order of arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.arguments import require_range, shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, DtypeError, ValueRangeError
from lazygrad.functional import random as streams
from lazygrad.functional.creation import leaf_of
from lazygrad.functional.random import random_key
from lazygrad.generator import Generator
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import draws, elementwise, movement
from lazygrad.lang.operands import full_like
from lazygrad.lang.random import normal as standard_normal, randint as integers
from lazygrad.public import public
from lazygrad.shape import broadcast

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

SMALLEST = 2.0**-126  # rate or probability
MOST_TRIALS = 2**53  # integers that every float64 up to here stands for


# -- with other arguments than Tensor's ------------------------------------------------------------


@public
def randint(
    low: int | None = None,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers in [low, high), int64 by default: ``randint(low, high, size)``, or
    ``randint(high, size)`` from 0.

    >>> lazygrad.randint(3, 5, (2, 4)).shape
    (2, 4)
    >>> lazygrad.randint(1, (3,)).tolist()
    [0, 0, 0]
    """
    if size is None:
        low, high, size = None, low, high
    elif high is None:
        low, high = None, low
    if isinstance(size, int) or size is None or not isinstance(high, int):
        raise ArgumentError("[randint] takes (high, size) or (low, high, size)")
    options: Any = {"generator": generator, "dtype": dtype, "device": device}
    made = streams.randint(tuple(size), low=low or 0, high=high, **options)
    return made.requires_grad_() if requires_grad else made


@public
def randint_like(input: Tensor, low: int, high: int | None = None, **options: Any) -> Tensor:
    """``randint(low, high, ...)``, or ``randint(low, ...)`` from 0, in this shape, dtype and
    device.

    >>> lazygrad.randint_like(lazygrad.zeros(2, 3), 10).dtype
    lazygrad.float32
    """
    first, last = (0, low) if high is None else (low, high)
    return streams.randint_like(input, first, last, **options)


@public
def normal(
    mean: float | Tensor = 0.0,
    std: float | Tensor = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers: ``normal(mean, std, size)``; or with a mean and a deviation for each element,
    of which one is a tensor, in the shape that they broadcast to.

    Raises:
        ArgumentError: for two numbers without a size.
        ValueRangeError: for a negative deviation.

    >>> lazygrad.normal(Tensor([0.0, 100.0]), 0.0).tolist()
    [0.0, 100.0]
    >>> lazygrad.normal(0.0, 1.0, (2, 3)).shape
    (2, 3)
    """
    options: Any = {"generator": generator, "dtype": dtype, "device": device}
    if size is not None:
        if isinstance(mean, Handle) or isinstance(std, Handle):
            raise ArgumentError("[normal] with a size, mean and std must be numbers")
        moments: Any = {"mean": mean, "std": std, "requires_grad": requires_grad}
        return streams.normal(tuple(size), **moments, **options)
    like = next((x for x in (mean, std) if isinstance(x, Handle)), None)
    if like is None:
        raise ArgumentError("[normal] two numbers need a size")
    if not isinstance(std, Handle):
        require_range("normal", 0, std=std)
    centre, spread = (_of_numbers(x, like) for x in (mean, std))
    shape = broadcast("normal", centre.shape, spread.shape)
    kind = centre.dtype if isinstance(mean, Handle) else spread.dtype
    drawn = standard_normal(random_key(like.device, generator), shape, kind)
    return wrap(elementwise.add(elementwise.mul(drawn, spread), centre))


def _of_numbers(given: Any, like: Tensor) -> Node:
    if isinstance(given, Handle):
        return read(given)
    return leaf_of(float(given), like.dtype, like.device)


# -- by a tensor -----------------------------------------------------------------------------------


@public
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None
) -> Tensor:
    """1 with the probability that each element (or ``p``) is, else 0; in this dtype.

    >>> Tensor([0.0, 1.0]).bernoulli().tolist()
    [0.0, 1.0]
    """
    odds = read(input) if p is None else _constant("bernoulli", input, p)
    return wrap(draws.bernoulli(random_key(input.device, generator), odds, input.dtype))


def _constant(op: str, like: Tensor, p: float) -> Node:
    require_range(op, 0, 1, p=p)
    kind = like.dtype if like.dtype.is_floating_point else dt.default_float
    return full_like(read(like), p, kind)


def _bernoulli_of(
    input: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """1 with probability ``p``, a number or one for each element, else 0.

    >>> lazygrad.empty(2).bernoulli_(Tensor([1.0, 0.0])).tolist()
    [1.0, 0.0]
    """
    odds = read(p) if isinstance(p, Handle) else _constant("bernoulli_", input, p)
    spread = movement.expand(odds, input.shape)
    return wrap(draws.bernoulli(random_key(input.device, generator), spread, input.dtype))


bernoulli_of = public(_bernoulli_of, "bernoulli")


@public
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """int64 (.., num_samples): places along the last dim, each as likely as its share of these
    weights, which are not negative, finite, and not all 0: this is not looked up.

    Raises:
        DtypeError: for integers.
        ShapeError: for anything but 1 or 2 dims.
        ValueRangeError: for more than there are, without replacement.

    >>> lazygrad.multinomial(Tensor([0.0, 1.0, 0.0]), 3, replacement=True).tolist()
    [1, 1, 1]
    >>> lazygrad.multinomial(lazygrad.ones(4), 4).sort().values.tolist()
    [0, 1, 2, 3]
    """
    key = random_key(input.device, generator)
    return wrap(draws.multinomial(key, read(input), num_samples, replacement))


@public
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson distributed with the rates that the elements are, drawn on the host, at once.

    Raises:
        ValueRangeError: for a negative rate, or NaN.

    >>> lazygrad.poisson(Tensor([0.0, 0.0])).tolist()
    [0.0, 0.0]
    """
    rates = _finite("poisson", input)
    return _drawn(input, _host_stream(input, generator).poisson(rates))


@public
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """The number of successes of so many trials with this probability, drawn on the host, at once;
    both broadcast, and it has the dtype of ``count``.

    Raises:
        ValueRangeError: for negative counts, or probabilities outside of [0, 1].

    >>> lazygrad.binomial(Tensor([5.0, 5.0]), Tensor([1.0, 0.0])).tolist()
    [5.0, 0.0]
    """
    trials, odds = _finite("binomial", count), _finite("binomial", prob)
    broadcast("binomial", trials.shape, odds.shape)
    if odds.max(initial=0.0) > 1:
        raise ValueRangeError("[binomial] probabilities must be in [0, 1]")
    most = np.minimum(trials, MOST_TRIALS).astype("int64")
    drawn = _host_stream(count, generator).binomial(most, odds)
    return _drawn(count, drawn)


def _finite(op: str, given: Tensor) -> np.ndarray[Any, Any]:
    if not given.dtype.is_floating_point:
        raise DtypeError(f"[{op}] needs a float dtype, got {given.dtype.name}")
    values = given.numpy(force=True).astype(np.float64)
    if not (values >= 0).all():
        raise ValueRangeError(f"[{op}] numbers must not be negative, got {shown(values.min())}")
    return values


def _host_stream(like: Tensor, generator: Generator | None) -> np.random.Generator:
    low, high, number = wrap(random_key(like.device, generator)).tolist()
    return np.random.Generator(np.random.Philox(key=[low | high << 32, number]))


def _drawn(like: Tensor, values: Any) -> Tensor:
    return wrap(leaf_of(np.asarray(values, np.float64), like.dtype, like.device))


# -- what a tensor takes in place ------------------------------------------------------------------


@public
def exponential(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Exponentially distributed with this rate, above 0.

    >>> x = lazygrad.empty(1000).exponential_(lambd=4.0)
    >>> 0.2 < x.mean().item() < 0.3
    True
    """
    _require_float("exponential", input)
    require_range("exponential", SMALLEST, lambd=lambd)
    key = random_key(input.device, generator)
    return wrap(draws.exponential(key, input.shape, input.dtype, float(lambd)))


@public
def geometric(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """The number of trials up to the first success, each of which has probability ``p``.

    >>> lazygrad.empty(3).geometric_(1.0).tolist()
    [1.0, 1.0, 1.0]
    """
    require_range("geometric", SMALLEST, 1, p=p)
    key = random_key(input.device, generator)
    return wrap(draws.geometric(key, input.shape, input.dtype, float(p)))


@public
def cauchy(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Cauchy distributed about ``median``.

    >>> lazygrad.empty(2, 3).cauchy_(median=1.0).shape
    (2, 3)
    """
    _require_float("cauchy", input)
    require_range("cauchy", 0, sigma=sigma)
    key = random_key(input.device, generator)
    return wrap(draws.cauchy(key, input.shape, input.dtype, float(median), float(sigma)))


@public
def log_normal(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Numbers whose logarithms are normal with this mean and deviation.

    >>> bool((lazygrad.empty(100).log_normal_() > 0).all())
    True
    """
    _require_float("log_normal", input)
    require_range("log_normal", 0, std=std)
    key = random_key(input.device, generator)
    return wrap(draws.log_normal(key, input.shape, input.dtype, float(mean), float(std)))


# ``random_`` of a float covers the integers that it holds all of.
MOST_WHOLE = {dt.float16: 2**11, dt.bfloat16: 2**8, dt.float32: 2**24, dt.float64: 2**53}


@public
def random(
    input: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Integers in [from_, to), or [0, from_); by default from 0 to what the dtype holds.

    >>> lazygrad.empty(3).random_(4, 5).tolist()
    [4.0, 4.0, 4.0]
    """
    low, high = (from_, to) if to is not None or not from_ else (0, from_)
    if high is None:
        high = (MOST_WHOLE.get(input.dtype) or int(input.dtype.max)) + 1
    key = random_key(input.device, generator)
    return wrap(integers(key, low, high, input.shape, input.dtype))


def _require_float(op: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise DtypeError(f"[{op}] needs a float dtype, got {input.dtype.name}")
