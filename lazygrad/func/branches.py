"""A choice between two functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazygrad import ops, pytree
from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.element_types import bool_
from lazygrad.errors import ArgumentError, DtypeError, ShapeError
from lazygrad.func.steps import Leaves, leaves_of
from lazygrad.graph import Node, const, node
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import surrogate
from lazygrad.lang.movement import broadcast_to, reshape
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import Trace, traced_by
from lazygrad.public import public
from lazygrad.runtime import registry


@public
def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any
) -> Any:
    """``true_fun(*operands)`` where ``pred`` holds, else ``false_fun(*operands)``; as
    jax.lax.cond.

    Of a bool of Python only one is called. Of a tensor both are, wherever they are called from, and
    the values of one are chosen: they should be cheap, and must not depend on each other. Nothing
    of the other one comes into derivatives, not even what is no number.

    Args:
        pred: a bool, or a bool tensor of one element.
        true_fun, false_fun: return tensors, or containers of them, of the same shapes and dtypes.
        operands: what they are given; they can read other tensors too.

    Raises:
        ArgumentError: for another ``pred``; if they return different containers.
        ShapeError, DtypeError: if they return tensors that differ in that.
        WriteError: where, of a tensor ``pred``, they write to a tensor from outside.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import cond, grad
    >>> root = lambda x: cond(x > 0, lambda x: x.sqrt(), lambda x: x * 0, x)
    >>> grad(root)(Tensor(4.0)).item(), grad(root)(Tensor(0.0)).item()
    (0.25, 0.0)
    """
    if isinstance(pred, bool):
        return (true_fun if pred else false_fun)(*operands)
    chosen = condition("cond", pred)
    yes = _results(true_fun, operands, chosen, holds=True)
    no = _results(false_fun, operands, chosen, holds=False)
    _check_alike(yes, no)
    return selected("cond", chosen, yes, no)


def condition(op: str, value: Any, device: str | None = None) -> Node:
    """A condition as a bool of shape (); a Python bool becomes one on ``device``.

    Raises:
        ArgumentError: for anything but a bool, or a bool tensor of one element.
    """
    if isinstance(value, bool):
        return const(value, bool_, (), device or registry.default_device())
    if isinstance(value, Handle) and value.dtype is bool_:
        found = read(value)
        if found.size == 1:
            return reshape(found, ())
    raise ArgumentError(
        f"[{op}] the condition must be a bool or a bool tensor of one element, got {shown(value)}"
    )


def selected(op: str, chosen: Node, first: Leaves, second: Leaves) -> Any:
    """The container of ``first`` where ``chosen``, else that of ``second``."""
    pairs = zip(first.tensors, second.tensors, strict=True)
    return first.put(wrap(_where(chosen, x, y), op) for x, y in pairs)


class Branch(Trace):
    """While one of two functions runs: what it reads has a derivative only where it is chosen."""

    name = "cond"

    def __init__(self, chosen: Node, holds: bool) -> None:
        super().__init__()
        self.chosen, self.holds = chosen, holds

    def read(self, tensor: Handle) -> Node:
        """The node to use for a handle that an operation reads."""
        found = super().read(tensor)
        if tensor._epoch >= self.epoch or not found.dtype.is_floating_point:
            return found
        nothing = zeros_like(found)
        rows = (found, nothing) if self.holds else (nothing, found)
        return surrogate(found, _where(self.chosen, *rows))


def _results(
    function: Callable[..., Any], operands: tuple[Any, ...], chosen: Node, holds: bool
) -> Leaves:
    with traced_by(Branch(chosen, holds)):
        what = f"what {'true' if holds else 'false'}_fun returns"
        return leaves_of("cond", what, function(*operands))


def _where(chosen: Node, x: Node, y: Node) -> Node:
    return node(ops.WHERE, (broadcast_to(chosen, x.shape), x, y))


def _check_alike(yes: Leaves, no: Leaves) -> None:
    if yes.spec != no.spec or [x is None for x in yes.nodes] != [y is None for y in no.nodes]:
        raise ArgumentError(
            f"[cond] true_fun returns {pytree.text(yes.spec)}, false_fun {pytree.text(no.spec)}; "
            "both must return the same container, with None in the same places"
        )
    for x, y in zip(yes.tensors, no.tensors, strict=True):
        if x.shape != y.shape:
            raise ShapeError(
                f"[cond] true_fun returns shape {x.shape} where false_fun returns {y.shape}"
            )
        if x.dtype is not y.dtype:
            raise DtypeError(
                f"[cond] true_fun returns {x.dtype.name} where false_fun returns {y.dtype.name}; "
                "cast one of them"
            )
