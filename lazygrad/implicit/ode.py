"""Ordinary differential equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lazygrad.arguments import is_tensor, require_range, shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, JitError, ShapeError, ValueRangeError
from lazygrad.handle import Handle
from lazygrad.implicit.closed import closed, have_values
from lazygrad.implicit.flows import Flow, found_by, seen
from lazygrad.implicit.integrating import Accuracy, fixed, replayed
from lazygrad.implicit.runge_kutta import METHODS
from lazygrad.implicit.vectors import vector_of
from lazygrad.lang.elementwise import surrogate
from lazygrad.modes import ambient
from lazygrad.public import public

ALIKE = 8  # so many steps more or less are one plan for derivatives
OPTIONS = ("first_step", "max_num_steps", "step_size", "steps")


@public
def odeint(
    func: Callable[..., Any], y0: Any, t: Any, *, rtol: float | None = None,
    atol: float | None = None, method: str = "dopri5", options: Mapping[str, Any] | None = None,
    adjoint: bool = False,
) -> Any:  # fmt: skip
    """The states at times ``t`` of what begins at ``t[0]`` as ``y0`` and follows
    ``dy/dt = func(t, y)``; as torchdiffeq.odeint.

    ``func`` runs once a call, on tensors without values: ``where`` chooses by time. Gradients reach
    ``y0``, ``t``, and all that ``func`` reads from outside, parameters of modules among it, in both
    modes and to any order. They are those of the steps that were done, or, with ``adjoint``, those
    of the solution, by equations that run back (or along): with memory that does not grow with the
    steps, and as exact as the tolerances are.

    Args:
        func: ``func(t, y)`` takes a scalar and a container like ``y0``, and returns one.
        y0: a tensor, or a container of tensors of one float dtype.
        t: rising or falling times, at least two.
        rtol, atol: of "dopri5": the error of a step is at most ``atol + rtol * abs(y)``, in the
            mean; by default 1e-6 and 1e-8 in float32, 1e-7 and 1e-9 in float64.
        method: "dopri5", Dormand's and Prince's of order 5(4), which chooses its steps and
            interpolates; "rk4" or "euler", with steps that end at each of ``t``.
        options: "max_num_steps" that "dopri5" tries (1000), and the "first_step" of it; for other
            methods the number of "steps" from each of ``t`` to the next (1), or the largest
            "step_size", for which the values of ``t`` are needed.
        adjoint: how derivatives are computed, as above.

    Returns:
        A container like ``y0``, of tensors with a new dim 0 that counts the times.

    Raises:
        ConvergenceError: if the last time is not reached. Under jit and vmap, where no value can be
            looked at, all is NaN then. Gradients of the steps of a jitted function go back through
            "max_num_steps" of them: let these be few, or take ``adjoint``.
        ArgumentError, ShapeError, DtypeError: if ``func`` returns what is not like ``y0``.
        ValueRangeError: for another method or option.
        JitError: for "step_size" where no value can be looked at.

    >>> from lazygrad import Tensor
    >>> from lazygrad.implicit import odeint
    >>> decay = odeint(lambda t, y: -y, Tensor(1.0), Tensor([0.0, 1.0, 2.0]))
    >>> [round(y, 4) for y in decay.tolist()]
    [1.0, 0.3679, 0.1353]
    """
    start = vector_of("odeint", "y0", y0)
    begin = start.joined
    times = _times(t, wrap(begin))
    how = _accuracy(begin.dtype.itemsize, rtol, atol, method, options or {}, times)

    def of_vector(time: Handle, vector: Handle) -> Handle:
        return wrap(start.like(func(time, start.apart(vector))))

    field, outer = closed("odeint", of_vector, [read(times[0]), begin])
    flow = Flow(how, field, begin.size)
    operands = flow.given(begin, read(times), None, outer)

    def tracked(time: Handle, vector: Handle) -> Handle:
        return wrap(field.at([read(time), read(vector), *outer]))

    first = wrap(begin)
    if not adjoint and not how.controlled:
        return start.apart(fixed(how, tracked, first, times, begin.size, None).states)
    found = found_by(flow, operands)
    if not ambient.grad_enabled:
        return start.apart(found.states)
    if adjoint:
        states = wrap(seen(flow, operands, found)).reshape(found.states.shape)
        return start.apart(states)
    done = found.grid.shape[0] - 1
    if ambient.has_values and found.count is not None:
        done = min(done, math.ceil(max(found.count.item(), 1) / ALIKE) * ALIKE)
    again = replayed(how, tracked, first, times, found.grid[: done + 1])
    return start.apart(wrap(surrogate(read(found.states), read(again))))


def _times(t: Any, like: Any) -> Any:
    if not is_tensor(t):
        raise ArgumentError(f"[odeint] t must be a Tensor, got {shown(t)}")
    if t.ndim != 1 or t.shape[0] < 2:
        raise ShapeError(f"[odeint] t must be (times,), at least two of them; got {t.shape}")
    return t.cast(like.dtype).to(like.device)


def _accuracy(
    itemsize: int, rtol: float | None, atol: float | None, method: str,
    options: Mapping[str, Any], times: Any,
) -> Accuracy:  # fmt: skip
    if method not in METHODS:
        raise ValueRangeError(
            f"[odeint] method must be one of {', '.join(METHODS)}, got {shown(method)}"
        )
    for name in options:
        if name not in OPTIONS:
            raise ValueRangeError(
                f"[odeint] options are {', '.join(OPTIONS)}; {shown(name)} is none of them"
            )
    rtol = {8: 1e-7}.get(itemsize, 1e-6) if rtol is None else rtol
    atol = {8: 1e-9}.get(itemsize, 1e-8) if atol is None else atol
    require_range("odeint", 0.0, rtol=rtol, atol=atol)
    most, size = options.get("max_num_steps", 1000), options.get("step_size")
    require_range("odeint", 1, max_num_steps=most)
    inside = options.get("steps", 1)
    require_range("odeint", 1, steps=inside)
    if size is not None:
        if not have_values([read(times)]):
            raise JitError(
                '[odeint] "step_size" needs the values of t, which cannot be looked at here; give '
                'options={"steps": ...}, the number of steps from each of t to the next'
            )
        widest = (times[1:] - times[:-1]).abs().max().item()
        inside = max(math.ceil(widest / size - 1e-6), 1)
    return Accuracy("odeint", method, rtol, atol, most, options.get("first_step"), inside)
