"""Whole Jacobians: a derivative for each direction, all of them in one mapped call.

The function itself runs once; what is mapped over the directions is its derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from lazygrad import pytree
from lazygrad.bridge import read, wrap
from lazygrad.errors import ValueRangeError
from lazygrad.func.leaves import Part, Run, positions, run
from lazygrad.func.one_sample import RANDOMNESS
from lazygrad.func.vmap import vmap
from lazygrad.graph import Node
from lazygrad.lang.creation import eye
from lazygrad.lang.movement import narrow, reshape
from lazygrad.lang.operands import zeros_like
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Transformed = Callable[..., Any]


@public
def jacrev(
    func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False,
    chunk_size: int | None = None,
) -> Transformed:  # fmt: skip
    """The function that computes the Jacobian of ``func`` by reverse mode, a row for each element
    of the output; as torch.func.jacrev. Best where the output is smaller than the input.

    Args:
        func: takes and returns float tensors, or containers of them.
        argnums: the number of the positional argument to differentiate by, or several in a tuple.
        has_aux: whether ``func`` returns a tuple (output, aux), of which aux is not differentiated.
        chunk_size: how many rows are computed at a time; default: all. Less memory, more kernels.

    Returns:
        A function of the same arguments. Its result is in the container of the output and holds,
        for each tensor of it, the container of the argument (a tuple of them for a tuple
        ``argnums``) with Jacobians of shape ``output.shape + input.shape``. With ``has_aux`` a
        tuple (jacobian, aux).

    Raises:
        ArgumentError, GradError: as ``grad``.
        ValueRangeError: for a ``chunk_size`` below 1.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import jacrev
    >>> jacrev(lambda x: x ** 2)(Tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueRangeError(f"[jacrev] chunk_size must be at least 1, got {chunk_size}")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        done = run("jacrev", func, args, kwargs, positions("jacrev", argnums, len(args)))
        part, aux = done.parts(has_aux)
        outputs = done.floats(part)

        def pull(cotangents: list[Tensor]) -> Any:
            return done.handed_out(_listed(done.pull(outputs, [read(c) for c in cotangents])))

        rows = vmap(pull, chunk_size=chunk_size)(_directions(outputs))
        table = zip(*[_split(row, outputs, 0) for row in rows], strict=True)
        found = _arranged(done, part, table, isinstance(argnums, tuple))
        return (found, done.handed_out(aux)) if has_aux else found

    return jacobian


@public
def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Transformed:
    """The function that computes the Jacobian of ``func`` by forward mode, a column for each
    element of the input; as torch.func.jacfwd. Best where the input is smaller than the output.

    Args:
        func, argnums, has_aux: as ``jacrev``.
        randomness: accepted as PyTorch's. ``func`` runs once, whatever it draws is the same for all
            columns.

    Returns:
        As ``jacrev``.

    Raises:
        ArgumentError, GradError: as ``grad``.
        ValueRangeError: for another ``randomness`` than "error", "same" or "different".

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import jacfwd
    >>> jacfwd(lambda x: x ** 2)(Tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if randomness not in RANDOMNESS:
        raise ValueRangeError(
            f"[jacfwd] randomness must be one of {', '.join(RANDOMNESS)}, got {randomness!r}"
        )

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        done = run("jacfwd", func, args, kwargs, positions("jacfwd", argnums, len(args)))
        part, aux = done.parts(has_aux)
        outputs = done.floats(part)

        def push(tangents: list[Tensor]) -> Any:
            found = done.push(outputs, [read(t) for t in tangents])
            pairs = zip(found, outputs, strict=True)
            return done.handed_out(_listed([zeros_like(o) if t is None else t for t, o in pairs]))

        columns = vmap(push, out_dims=-1)(_directions(done.leaves))
        table = [_split(column, done.leaves, -1) for column in columns]
        found = _arranged(done, part, table, isinstance(argnums, tuple))
        return (found, done.handed_out(aux)) if has_aux else found

    return jacobian


@public
def hessian(func: Callable[..., Any], argnums: Any = 0) -> Transformed:
    """The function that computes the Hessian of ``func``, as ``jacfwd(jacrev(func))``; as
    torch.func.hessian.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import hessian
    >>> hessian(lambda x: (x ** 3).sum())(Tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _listed(nodes: Sequence[Node]) -> Part:
    return Part(list(nodes), pytree.flatten([*nodes])[1])


def _directions(likes: Sequence[Node]) -> list[Tensor]:
    """For each of ``likes`` its part of every direction along which one element of all of them
    changes, shape (directions, *shape)."""
    sizes = [like.size for like in likes]
    total = sum(sizes)
    found = []
    for like, start in zip(likes, accumulate(sizes, initial=0), strict=False):
        own = narrow(eye(total, total, like.dtype, like.device), 1, start, like.size)
        found.append(wrap(reshape(own, (total, *like.shape))))
    return found


def _split(all_directions: Tensor, likes: Sequence[Node], dim: int) -> tuple[Tensor, ...]:
    """The derivatives along the directions of each of ``likes``."""
    return all_directions.split([like.size for like in likes], dim)


def _arranged(done: Run, part: Part, table: Iterable[Sequence[Tensor]], several: bool) -> Any:
    """A row of the table for each output, with a Jacobian for each input, in their containers."""
    rows = []
    for output, row in zip(part.leaves, table, strict=True):
        pairs = zip(row, done.leaves, strict=True)
        blocks = iter([block.reshape(*output.shape, *leaf.shape) for block, leaf in pairs])
        found = [None if place is None else next(blocks) for place in done.places]
        inputs = pytree.unflatten(done.spec, found)
        rows.append(inputs if several else inputs[0])
    return pytree.unflatten(part.spec, rows)
