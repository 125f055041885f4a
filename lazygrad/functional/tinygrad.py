"""tinygrad's names of functions, where PyTorch has no other meaning for them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lazygrad.arguments import pair, shown
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.functional import loss, random, views
from lazygrad.public import public
from lazygrad.shape import as_shape, numel

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

# -- initial weights -------------------------------------------------------------------------------


@public
def scaled_uniform(*shape: Any, **options: Any) -> Tensor:
    """Even in (-b, b) with b = numel ** -0.5.

    >>> bool((Tensor.scaled_uniform(4, 25).abs() <= 0.1).all())
    True
    """
    sizes = _sizes("scaled_uniform", shape)
    return random.uniform(sizes, low=-1.0, high=1.0, **options) * math.sqrt(1 / numel(sizes))


@public
def glorot_uniform(*shape: Any, **options: Any) -> Tensor:
    """Even in (-b, b) with b = sqrt(6 / (first size + elements of the others)): Glorot & Bengio
    2010.

    >>> bool((Tensor.glorot_uniform(2, 4).abs() <= 1).all())
    True
    """
    sizes = _sizes("glorot_uniform", shape)
    bound = math.sqrt(6 / (sizes[0] + numel(sizes[1:])))
    return random.uniform(sizes, low=-1.0, high=1.0, **options) * bound


@public
def kaiming_uniform(*shape: Any, a: float = 0.01, **options: Any) -> Tensor:
    """Even in (-b, b) with b = sqrt(6 / (1 + a²) / elements of the dims but the first): He et al.
    2015, for leaky ReLU of slope ``a``.

    >>> bool((Tensor.kaiming_uniform(4, 6, a=0.0).abs() <= 1).all())
    True
    """
    sizes = _sizes("kaiming_uniform", shape)
    bound = math.sqrt(6 / (1 + a**2) / numel(sizes[1:]))
    return random.uniform(sizes, low=-bound, high=bound, **options)


@public
def kaiming_normal(*shape: Any, a: float = 0.01, **options: Any) -> Tensor:
    """Normal with standard deviation sqrt(2 / (1 + a²) / elements of the dims but the first).

    >>> Tensor.kaiming_normal(16, 3, 3, 3).shape
    (16, 3, 3, 3)
    """
    sizes = _sizes("kaiming_normal", shape)
    return random.normal(sizes, std=math.sqrt(2 / (1 + a**2) / numel(sizes[1:])), **options)


def _sizes(op: str, shape: Sequence[Any]) -> tuple[int, ...]:
    sizes = as_shape(op, shape)
    if not sizes or min(sizes) < 1:
        raise ShapeError(f"[{op}] needs at least one dim, and elements, got shape {sizes}")
    return sizes


# -- losses ----------------------------------------------------------------------------------------


@public
def sparse_categorical_crossentropy(
    input: Tensor, Y: Tensor, ignore_index: int = -1, label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Cross entropy of logits (.., C) with class indices (..).

    >>> logits, labels = lazygrad.zeros(2, 3, 4), lazygrad.zeros(2, 3, dtype="int64")
    >>> logits.sparse_categorical_crossentropy(labels).realize()
    Tensor(1.3863)
    """
    if not input.ndim:
        raise ShapeError("[sparse_categorical_crossentropy] needs logits (.., C), got a scalar")
    classes = input.shape[-1]
    flat = loss.cross_entropy(
        input.reshape(-1, classes), Y.reshape(-1), ignore_index=ignore_index,
        reduction=reduction, label_smoothing=label_smoothing,
    )  # fmt: skip
    return flat.reshape(Y.shape) if reduction == "none" else flat


@public
def binary_crossentropy(input: Tensor, Y: Tensor, reduction: str = "mean") -> Tensor:
    """Binary cross entropy of probabilities.

    >>> Tensor([0.5]).binary_crossentropy(Tensor([1.0])).realize()
    Tensor(0.6931)
    """
    return loss.binary_cross_entropy(input, Y, reduction=reduction)


@public
def binary_crossentropy_logits(input: Tensor, Y: Tensor, reduction: str = "mean") -> Tensor:
    """Binary cross entropy of logits.

    >>> Tensor([0.0]).binary_crossentropy_logits(Tensor([1.0])).realize()
    Tensor(0.6931)
    """
    return loss.binary_cross_entropy_with_logits(input, Y, reduction=reduction)


# -- composition -----------------------------------------------------------------------------------


@public
def sequential(input: Tensor, ll: Sequence[Callable[..., Any]]) -> Tensor:
    """The functions of a list one after the other.

    >>> Tensor([-1.0, 4.0]).sequential([Tensor.relu, Tensor.sqrt]).tolist()
    [0.0, 2.0]
    """
    found: Any = input
    for function in ll:
        if not callable(function):
            raise ArgumentError(f"[sequential] ll must be functions, got {shown(function)}")
        found = function(found)
    result: Tensor = found
    return result


@public
def shrink(input: Tensor, arg: Sequence[Any]) -> Tensor:
    """The part from ``start`` to before ``stop`` of each dim; None for a whole one.

    >>> lazygrad.arange(6).reshape(2, 3).shrink((None, (1, 3))).tolist()
    [[1, 2], [4, 5]]
    """
    key = tuple(slice(None) if bounds is None else slice(*pair("shrink", "arg", bounds, 0))
                for bounds in arg)  # fmt: skip
    return input[key]


@public
def rearrange(input: Tensor, formula: str, **sizes: int) -> Tensor:
    """Dims split, reordered and merged as a formula says, as einops.rearrange:
    ``x.rearrange("b (h d) n -> b h n d", h=4)``. ``...`` stands for any dims, ``1`` for one of
    size 1.

    Raises:
        ValueRangeError: for a formula whose sides have different names.
        ShapeError: for sizes that do not fit.

    >>> lazygrad.zeros(2, 12, 5).rearrange("b (h d) n -> b h n d", h=4).shape
    (2, 4, 5, 3)
    """
    left, arrow, right = formula.partition("->")
    if not arrow:
        raise ValueRangeError(f'[rearrange] a formula is "before -> after", got {formula!r}')
    before, after = _groups(formula, left), _groups(formula, right)
    kept = input.ndim - sum(group != [REST] for group in before)
    rest = [f"{REST}{i}" for i in range(kept)] if [REST] in before else []
    before, after = _spread(before, rest), _spread(after, rest)
    names = [name for group in before for name in group]
    if sorted(n for n in names if n != ONE) != sorted(n for g in after for n in g if n != ONE):
        raise ValueRangeError(f"[rearrange] the sides of {formula!r} have different names")
    if len(before) != input.ndim:
        raise ShapeError(f"[rearrange] {formula!r} does not fit shape {input.shape}")
    known = {**sizes, ONE: 1}
    for group, size in zip(before, input.shape, strict=True):
        known |= _sizes_of(group, size, known, formula)
    named = [name for name in names if name != ONE]
    result = views.reshape(input, [known[name] for name in named])
    result = views.permute(result, [named.index(n) for g in after for n in g if n != ONE])
    return views.reshape(result, [math.prod(known[n] for n in group) for group in after])


ONE, REST = "1", "..."


def _groups(formula: str, side: str) -> list[list[str]]:
    """The names of each dim of a side: several in parentheses are one dim."""
    found = re.findall(r"\(([^()]*)\)|(\.\.\.|\w+)", side)
    if re.sub(r"\([^()]*\)|\.\.\.|\w+|\s", "", side):
        raise ValueRangeError(f"[rearrange] cannot read {side.strip()!r} in {formula!r}")
    return [[name] if name else inside.split() for inside, name in found]


def _spread(groups: list[list[str]], rest: list[str]) -> list[list[str]]:
    """The dims of ... each by itself."""
    spread: list[list[str]] = []
    for group in groups:
        if group == [REST]:
            spread += [[name] for name in rest]
        else:
            spread.append([n for name in group for n in (rest if name == REST else [name])])
    return spread


def _sizes_of(group: list[str], size: int, known: dict[str, int], formula: str) -> dict[str, int]:
    """The size of the one name of a dim that is not known, from the others."""
    unknown = [name for name in group if name not in known]
    given = math.prod(known[name] for name in group if name in known)
    fits = given == size if not unknown else len(unknown) == 1 and given and size % given == 0
    if not fits:
        raise ShapeError(
            f"[rearrange] a dim of size {size} is not ({' '.join(group)}) in {formula!r} with "
            f"{ {n: known[n] for n in group if n in known} }; give sizes of all names but one"
        )
    return dict.fromkeys(unknown, size // given)
