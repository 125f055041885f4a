"""Loops as functions: one graph for a step, whatever the number of steps. Names and arguments are
those of ``jax.lax``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazygrad import pytree
from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, JitError, ShapeError, ValueRangeError
from lazygrad.func.branches import condition, selected
from lazygrad.func.steps import NOTHING, Leaves, carry_after, leaves_of, traced
from lazygrad.functional.creation import arange
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import detach
from lazygrad.modes import ambient
from lazygrad.public import public
from lazygrad.state import realize


@public
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Carries a state through ``f`` step by step; as jax.lax.scan.

    ``f`` runs once, on tensors without values; its kernels are planned and compiled once and
    launched again for each step. The loop can be differentiated in both modes, to any order, with
    respect to all that it reads, mapped and jitted. For the way back it keeps the carries, and
    sums such as matrix products, of all steps.

    Args:
        f: ``f(carry, x) -> (carry, y)``. The carry keeps its container, shapes and dtypes. Tensors
            from outside can be read; writing to them is an error. Random numbers differ from step
            to step.
        init: the first carry: a tensor, or a container of tensors.
        xs: tensors, or a container of them, whose dim 0 counts the steps; None: there are none.
        length: the number of steps, where ``xs`` does not say it.
        reverse: from the last of ``xs`` to the first; outputs keep the places of their inputs.

    Returns:
        ``(carry, ys)``: the last carry, and the outputs stacked along a new dim 0.

    Raises:
        ArgumentError: for what is no tensor; if the carry comes back in another container.
        ShapeError: if ``xs`` differ in their first dim, or from ``length``; if a carry changes its
            shape.
        DtypeError: if a carry changes its dtype.
        JitError: where ``f`` needs the value of what differs from step to step.
        WriteError: where ``f`` writes to a tensor from outside, or to its ``x``.
        GradError: where a ``backward()`` inside should go on to the steps before, or to what
            requires a gradient outside: ``detach()`` the carry, or ``x``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import scan
    >>> total, sums = scan(lambda s, x: (s + x, s + x), Tensor(0), Tensor([1, 2, 3, 4]))
    >>> total.item(), sums.tolist()
    (10, [1, 3, 6, 10])
    """
    given = leaves_of("scan", "xs", xs)
    steps = _length(given, length)
    first = leaves_of("scan", "init", init, given.tensors)
    found = traced("scan", f, first, given, steps, reverse)
    return found.carry("scan"), found.stacked("scan")


def _length(xs: Leaves, length: Any) -> int:
    if any(not found.shape for found in xs.tensors):
        raise ShapeError("[scan] xs holds a tensor of shape (); its dim 0 must count the steps")
    sizes = {found.shape[0] for found in xs.tensors}
    if length is not None:
        sizes.add(_whole("scan", "length", length))
    if len(sizes) != 1:
        shapes = ", ".join(str(found.shape) for found in xs.tensors)
        raise ShapeError(
            f"[scan] the number of steps is not clear: length={length}, xs of shapes {shapes}; "
            "dim 0 of all xs must be of the same length"
            if sizes
            else "[scan] give xs, or the number of steps as length"
        )
    return sizes.pop()


@public
def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """``body(i, carry)`` for i from ``lower`` up to ``upper``, which it does not reach; as
    jax.lax.fori_loop. A ``scan`` without inputs and outputs, and differentiable as that is.

    Args:
        lower, upper: integers. Their values are needed: not what a jitted function is given.
        body: ``body(i, carry) -> carry``; ``i`` is an int32 scalar.
        init: the first carry: a tensor, or a container of tensors.

    Returns:
        The last carry; ``init`` if there are no steps.

    Raises:
        ArgumentError, ShapeError, DtypeError, JitError, WriteError: as ``scan``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import fori_loop
    >>> fori_loop(1, 5, lambda i, product: product * i.float(), Tensor(1.0)).item()
    24.0
    """
    first, last = (
        _whole("fori_loop", name, bound) for name, bound in (("lower", lower), ("upper", upper))
    )
    carry = leaves_of("fori_loop", "init", init)
    device = carry.tensors[0].device if carry.tensors else None
    count = max(last - first, 0)
    numbers = arange(first, first + count, dtype="int32", device=device)
    given = leaves_of("fori_loop", "i", numbers)
    found = traced("fori_loop", lambda carry, i: (body(i, carry), None), carry, given, count, False)
    return found.carry("fori_loop")


def _whole(op: str, name: str, value: Any) -> int:
    if isinstance(value, Handle):
        value = wrap(read(value)).item()
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentError(f"[{op}] {name} must be an integer, got {shown(value)}")
    if value < 0 and name == "length":
        raise ValueRangeError(f"[{op}] {name} must be at least 0, got {value}")
    return value


@public
def while_loop(
    cond_fun: Callable[[Any], Any],
    body_fun: Callable[[Any], Any],
    init: Any,
    max_steps: Any = None,
) -> Any:
    """``body_fun`` again and again while ``cond_fun`` holds; as jax.lax.while_loop.

    Without ``max_steps`` the condition is looked at after each step, on the host: the number of
    steps is not known before, so that it works where tensors have values, not in a jitted or mapped
    function. Derivatives go back through the steps that were done, one by one.

    With ``max_steps`` it is a ``scan`` of so many steps, of which those after the end change
    nothing: it can be jitted and mapped, and differentiated as a scan is. Steps after the end start
    from ``init``, so that they are as harmless as the first.

    Args:
        cond_fun: ``cond_fun(carry)``: a bool, or a bool tensor of one element.
        body_fun: ``body_fun(carry) -> carry``, of the same container, shapes and dtypes.
        init: the first carry: a tensor, or a container of tensors.
        max_steps: the largest number of steps.

    Returns:
        The last carry: the first for which the condition does not hold, or that after
        ``max_steps``.

    Raises:
        JitError: without ``max_steps`` where tensors have no values.
        ArgumentError, ShapeError, DtypeError, WriteError: as ``scan``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import while_loop
    >>> while_loop(lambda x: x < 100, lambda x: x * 2, Tensor(3)).item()
    192
    """
    carry = leaves_of("while_loop", "init", init)
    if max_steps is not None:
        most = _whole("while_loop", "max_steps", max_steps)
        step = _guarded(cond_fun, body_fun, carry)
        return traced("while_loop", step, carry, NOTHING, most, False).carry("while_loop")
    if not ambient.has_values:
        raise JitError(
            "[while_loop] how many steps there are is not known where tensors have no values "
            "(jit, vmap, the steps of another loop); give max_steps, the most that there can be"
        )
    now = carry.wrapped("while_loop")
    while wrap(condition("while_loop", cond_fun(now))).item():
        now = carry_after("while_loop", carry, body_fun(now)).wrapped("while_loop")
        realize([leaf for leaf in pytree.flatten(now)[0] if leaf is not None])
    return now


def _guarded(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init: Leaves
) -> Callable[[Any, Any], tuple[Any, None]]:
    """A step that changes nothing where the condition does not hold: it starts from ``init`` then,
    so that it has no derivative that is not a number."""

    start = Leaves([None if x is None else detach(x) for x in init.nodes], init.spec)

    def step(carry: Any, nothing: None) -> tuple[Any, None]:
        now = leaves_of("while_loop", "carry", carry)
        going = condition("while_loop", cond_fun(carry))
        after = body_fun(selected("while_loop", going, now, start))
        made = carry_after("while_loop", init, after)
        return selected("while_loop", going, made, now), None

    return step
