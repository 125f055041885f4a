"""Which dim of each input and output of a mapped function counts the samples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from lazygrad import pytree
from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, AxisError, ShapeError, ValueRangeError
from lazygrad.handle import Handle
from lazygrad.pytree import LEAF, Spec

Dim = int | None
Dims = Any  # a Dim, or a container of them, as deep as the arguments' or less


def check_out_dims(out_dims: Dims) -> None:
    """
    Raises:
        ArgumentError: for anything among them but integers and None.
    """
    for dim in pytree.flatten(out_dims)[0]:
        if not _is_dim(dim):
            raise ArgumentError(
                f"[vmap] out_dims must be an integer, None, or a container of them like what the "
                f"function returns; got {shown(dim)}"
            )


def dims_of_inputs(name: str, in_dims: Dims, leaves: Sequence[Any], spec: Spec) -> list[Dim]:
    """The dim of each leaf of the arguments, counted from the front; None where there is none.

    Raises:
        ArgumentError: for dims of another kind or structure, or of what is no Tensor.
        AxisError: for one that the tensor does not have.
    """
    if not isinstance(in_dims, int | tuple) or isinstance(in_dims, bool):
        raise ArgumentError(
            f"[vmap] in_dims must be an integer, or a tuple with one item for each argument of "
            f"{name}, got {shown(in_dims)}"
        )
    if not leaves:
        raise ArgumentError(f"[vmap] {name} was given no arguments to map it over")
    dims = pytree.spread(in_dims, spec)
    if dims is None:
        raise ArgumentError(
            f"[vmap] in_dims={in_dims} does not have the structure of the arguments of {name}, "
            f"{pytree.unflatten(spec, ['*'] * len(leaves))}; a dim may stand for a whole container"
        )
    return [_dim_of(name, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]


def _dim_of(name: str, leaf: Any, dim: Any) -> Dim:
    if dim is None:
        return None
    if not _is_dim(dim):
        raise ArgumentError(f"[vmap] in_dims holds integers and None, got {shown(dim)}")
    if not isinstance(leaf, Handle):
        raise ArgumentError(
            f"[vmap] in_dims says {dim} for an argument of {name} that is no Tensor, "
            f"{shown(leaf)}; say None for it"
        )
    if not -leaf.ndim <= dim < leaf.ndim:
        raise AxisError(
            f"[vmap] in_dims says {dim} for an argument of {name} of shape {leaf.shape}, which has "
            f"{leaf.ndim} dims"
        )
    return int(dim % leaf.ndim)


def samples(name: str, leaves: Sequence[Any], dims: Sequence[Dim]) -> int:
    """How many there are.

    Raises:
        ShapeError: if arguments differ in that.
        ValueRangeError: if none of them is mapped over.
    """
    shapes = [(x.shape, d) for x, d in zip(leaves, dims, strict=True) if d is not None]
    if not shapes:
        raise ValueRangeError(
            f"[vmap] in_dims is None for all arguments of {name}; map over one of them at least, "
            "or call the function itself"
        )
    sizes = [shape[dim] for shape, dim in shapes]
    if len(set(sizes)) > 1:
        listed = ", ".join(f"{shape[dim]} in dim {dim} of {shape}" for shape, dim in shapes)
        raise ShapeError(
            f"[vmap] the arguments of {name} must have as many samples each, got {listed}"
        )
    return int(sizes[0])


def dims_of_outputs(name: str, out_dims: Dims, spec: Spec) -> list[Dim]:
    """The dim of each leaf of what the function returned.

    Raises:
        ArgumentError: for another structure.
    """
    if spec is LEAF and isinstance(out_dims, tuple) and len(out_dims) == 1:
        (out_dims,) = out_dims
    dims = pytree.spread(out_dims, spec)
    if dims is None:
        held = pytree.unflatten(spec, ["*"] * pytree.count(spec))
        raise ArgumentError(
            f"[vmap] out_dims={out_dims} does not have the structure of what {name} returned, "
            f"{held}; a dim may stand for a whole container"
        )
    return dims


def name_of(func: Callable[..., Any]) -> str:
    """What messages call it."""
    if isinstance(func, functools.partial):
        return name_of(func.func)
    return getattr(func, "__name__", None) or type(func).__name__


def _is_dim(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
