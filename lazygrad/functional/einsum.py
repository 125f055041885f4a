"""Sums of products over named dims."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import TYPE_CHECKING, Any

from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError
from lazygrad.functional.joining import listed
from lazygrad.handle import Handle
from lazygrad.lang import einsum as sums_of_products
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def einsum(*args: Any) -> Tensor:
    """The sum of products that an equation says: ``einsum("bij,bjk->bik", x, y)``.

    Every dim of every operand has a letter; ``...`` stands for dims that broadcast, a letter twice
    for the diagonal. Without an arrow the letters that occur once are kept in alphabetical order.
    Numbers do as well, after each operand: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.

    Raises:
        ArgumentError: for anything but operands after the equation.
        ValueRangeError: for an equation that is none, or does not fit the operands.
        ShapeError: for sizes that differ under one letter.

    >>> x = Tensor([[1, 2], [3, 4]])
    >>> lazygrad.einsum("ii", x).item(), lazygrad.einsum("ij->j", x).tolist()
    (5, [4, 6])
    >>> lazygrad.einsum("...ij,...jk->...ik", lazygrad.ones(5, 2, 3), lazygrad.ones(3, 4)).shape
    (5, 2, 4)
    """
    if args and isinstance(args[0], Handle):
        equation, operands = _spelled(args)
    elif args and isinstance(args[0], str):
        equation, operands = args[0], args[1:]
    else:
        got = shown(args[0]) if args else "nothing"
        raise ArgumentError(f"[einsum] an equation or a Tensor comes first, got {got}")
    given = listed("einsum", operands)
    return wrap(sums_of_products.einsum(equation, [read(x) for x in given]))


def _spelled(args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The equation that lists of numbers after each operand say."""
    pairs = len(args) // 2
    words = [_word(numbers) for numbers in args[1 : 2 * pairs : 2]]
    result = f"->{_word(args[-1])}" if len(args) % 2 else ""
    return ",".join(words) + result, args[: 2 * pairs : 2]


def _word(numbers: Any) -> str:
    try:
        return "".join("..." if n is Ellipsis else ascii_letters[n] for n in numbers)
    except (TypeError, IndexError):
        raise ArgumentError(
            f"[einsum] dims are lists of numbers from 0 to 51, and ..., got {shown(numbers)}"
        ) from None
