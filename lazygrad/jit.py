"""jit: a function of tensors, traced once and then replayed as a flat list of launches.

What ``trace`` makes of it is a pure graph, which is planned and compiled like any other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from html import escape
from threading import RLock
from typing import Any, Generic, ParamSpec, TypeVar

from lazygrad import pytree
from lazygrad.arguments import shown
from lazygrad.casting import casting
from lazygrad.config import settings
from lazygrad.errors import ArgumentError, InternalError, JitError
from lazygrad.graph import Node
from lazygrad.handle import Handle, value_node
from lazygrad.modes import ambient
from lazygrad.replay import Called, Capture, guard
from lazygrad.runtime import buffer, cache, overrides, registry
from lazygrad.runtime.program import CompiledPlan
from lazygrad.state import realize
from lazygrad.tracing import CONSTANT, Source, Traced, trace

P = ParamSpec("P")
R = TypeVar("R")
MAX_CAPTURES = 64  # different argument signatures of one function


def jit(function: Callable[P, R]) -> Jit[P, R]:
    """Compile a function of tensors; use as ``@jit`` or ``fast = jit(f)``.

    The first call with new shapes, dtypes, devices or Python arguments traces the function: its
    Python code runs once, on tensors without values. Later calls replay the kernels.

    - Tensors that the function reads from outside (parameters, running statistics, optimiser
      state) are found by themselves and read anew on every call, so a loaded checkpoint or a
      changed learning rate is seen. What it rebinds, ``.grad`` included, is rebound on every call;
      so are arguments that it writes to.
    - Random numbers are fresh on every call, the same ones that the plain function would draw.
    - Python values (arguments that are not tensors, globals, ``model.training``) are fixed when
      traced; arguments are part of the signature, so another value traces anew.
    - Returned tensors have memory of their own and no derivative history.

    Raises:
        JitError: where the function needs a value while it is traced (``.item()``, ``if tensor``),
            or reads a tensor that hangs on a derivative history from outside.

    >>> @lazygrad.jit
    ... def norm(x):
    ...     return (x * x).sum().sqrt()
    >>> norm(Tensor([3.0, 4.0])).item(), norm(Tensor([6.0, 8.0])).item(), norm.captures
    (5.0, 10.0, 1)
    """
    if not callable(function):
        raise ArgumentError(f"[jit] takes a function of tensors, got {shown(function)}")
    return Jit(function)


class Jit(Generic[P, R]):
    """A jitted function; ``captures`` counts how often it was traced."""

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._calling = RLock()  # one call at a time: a function is traced once
        self._captures: dict[Hashable, list[Capture]] = {}

    @property
    def captures(self) -> int:
        return sum(map(len, self._captures.values()))

    def _repr_html_(self) -> str:
        """What notebooks show: what was traced, and the kernels of the latest plan."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        caption = f"<b>jit</b> {escape(name)} <small>traced {self.captures} ×"
        plan = self.latest_plan()
        if plan is None:
            return f"<div>{caption}: not called yet</small></div>"
        names = [step.kernel.name for step in plan.plan.steps]
        rows = "".join(f"<li value={i}><code>{n}</code></li>" for i, n in enumerate(names))
        return (
            f"<div>{caption}; {len(names)} kernels in {len(plan.programs)} launches on "
            f"{plan.device}, ran {plan.runs} ×</small>"
            f"<details><summary>kernels</summary><ol>{rows}</ol></details></div>"
        )

    def latest(self) -> Capture | None:
        """The latest capture, for ``lazygrad.inspect``."""
        captured = [capture for captures in self._captures.values() for capture in captures]
        return captured[-1] if captured else None

    def latest_plan(self) -> CompiledPlan | None:
        """Its compiled plan."""
        capture = self.latest()
        return capture.plan if capture is not None else None

    def captured(self, *args: P.args, **kwargs: P.kwargs) -> Capture:
        """What such a call replays, traced if need be; no kernel of it runs."""
        leaves, spec = pytree.flatten((args, kwargs), whole=True)
        _realise_arguments([leaf for leaf in leaves if isinstance(leaf, Handle)])
        with self._calling:
            captures = self._captures.setdefault(self._signature(leaves, spec), [])
            found = next((capture for capture in captures if capture.fits()), None)
            if found is None:
                found = self._capture(leaves, spec)
                captures.append(found)
            return found

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Methods can be jitted: ``self`` is part of the signature, by identity."""
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if ambient.inline:  # part of what a function around it is turned into
            return self.function(*args, **kwargs)
        leaves, spec = pytree.flatten((args, kwargs), whole=True)
        tensors = [leaf for leaf in leaves if isinstance(leaf, Handle)]
        _realise_arguments(tensors)
        with self._calling:
            captures = self._captures.setdefault(self._signature(leaves, spec), [])
            for capture in captures:
                replayed = capture.call(tensors)
                if replayed is not None:
                    return replayed[0]
            if self.captures >= MAX_CAPTURES:
                self._captures.clear()
                captures = self._captures.setdefault(self._signature(leaves, spec), [])
            capture = self._capture(leaves, spec)
            captures.append(capture)
            replayed = capture.call(tensors)
            if replayed is None:
                raise InternalError("[jit] a capture does not fit the call that it was made from")
            return replayed[0]

    def _capture(self, leaves: Sequence[Any], spec: pytree.Spec) -> Capture:
        tensors = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Handle)]
        called = Called(self.function, spec, len(leaves), tensors)
        return _capture(trace(self.function, leaves, spec), called)

    def _signature(self, leaves: Sequence[Any], spec: pytree.Spec) -> Hashable:
        cast = None if casting.now is None else casting.now.key
        changed = settings.override and overrides.stamp()
        modes_now = (ambient.grad_enabled, settings.fuse, changed, cast)
        return spec, tuple(_leaf_signature(leaf) for leaf in leaves), modes_now


def _leaf_signature(leaf: Any) -> Hashable:
    if isinstance(leaf, Handle):
        held = leaf._node
        return held.shape, held.dtype, held.device, held.tracked
    try:
        hash(leaf)
    except TypeError:
        raise JitError(
            f"[jit] argument {leaf!r} of type {type(leaf).__name__} is neither a tensor nor "
            "hashable; pass arrays as Tensor(array)"
        ) from None
    return type(leaf), leaf


def _realise_arguments(tensors: Sequence[Handle]) -> None:
    todo = [t for t in tensors if not buffer.is_realised(value_node(t._node))]
    if todo:
        realize(todo)


def _capture(traced: Traced, called: Called) -> Capture:
    """The traced graph as a compiled plan with named inputs and outputs."""
    returned = [leaf for leaf in traced.outputs if isinstance(leaf, Node)]
    changed = [value for _, value in (*traced.rebound, *traced.grads)]
    requested = [*returned, *changed]
    device = requested[0].device if requested else registry.default_device()
    if any(r.device != device for r in requested):
        devices = sorted({r.device for r in requested})
        raise JitError(f"[jit] results on several devices {devices}; a jitted function runs on one")
    plan, leaves = cache.compiled(requested, device)
    return Capture(
        plan=plan,
        sources=[traced.inputs.get(leaf) or _constant(leaf) for leaf in leaves],
        kinds=[(r.shape, r.dtype) for r in requested],
        written=traced.written,
        rebound=[tensor for tensor, _ in traced.rebound],
        grads=[tensor for tensor, _ in traced.grads],
        cleared=traced.cleared,
        states=[seen.tensor for seen in traced.seen],
        guards=[guard(seen.before) for seen in traced.seen],
        grad_guards=[(g.tensor, g.before is None) for g in traced.seen_grads if g.read],
        keys=traced.keys,
        out_spec=traced.spec,
        out_leaves=[None if isinstance(leaf, Node) else leaf for leaf in traced.outputs],
        out_is_tensor=[isinstance(leaf, Node) for leaf in traced.outputs],
        called=called,
    )


def _constant(leaf: Node) -> Source:
    return Source(CONSTANT, buffer.value_of(leaf))
