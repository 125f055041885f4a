"""jit: a function of tensors, traced once and then replayed as a flat list of launches.

What ``trace`` makes of it is a pure graph, which is planned and compiled like any other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
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
NUMBERS = (float, int)  # that may differ from call to call
MAX_CAPTURES = 64  # different argument signatures of one function


def jit(function: Callable[P, R]) -> Jit[P, R]:
    """Compile a function of tensors; use as ``@jit`` or ``fast = jit(f)``.

    The first call with new shapes, dtypes, devices or Python arguments traces the function: its
    Python code runs once, on tensors without values. Later calls replay the kernels.

    - Tensors that the function reads from outside (parameters, running statistics, optimiser
      state) are found by themselves and read anew on every call, so a loaded checkpoint or a
      changed learning rate is seen. What it rebinds, ``.grad`` included, is rebound on every call;
      so are arguments that it writes to, or whose ``.grad`` it sets.
    - Random numbers are fresh on every call, the same ones that the plain function would draw.
    - Python values (arguments that are not tensors, globals, ``model.training``) are fixed when
      traced; arguments are part of the signature, so another value traces anew. A number among
      them that differs, such as a rate, is read from memory from then on, as long as the function
      computes with it and does not look at its value.
    - Returned tensors have memory of their own and no derivative history.

    Raises:
        JitError: where the function needs a value while it is traced (``.item()``, ``if tensor``),
            or reads a tensor that hangs on a derivative history from outside; where ``backward()``
            inside reaches an argument that does, or that is given twice.

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
        self._moving: dict[Hashable, Moving] = {}  # by arguments, whatever their numbers are

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
        tensors = [leaf for leaf in leaves if isinstance(leaf, Handle)]
        _realise_arguments(tensors)
        with self._calling:
            captures = self._captures.get(self._signature(leaves, spec)[0], ())
            found = next((capture for capture in captures if capture.fits(tensors)), None)
            return self._new_capture(leaves, spec)[0] if found is None else found

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
            signature, moving = self._signature(leaves, spec)
            numbers: Sequence[float] = moving.of(leaves) if moving else ()
            for capture in self._captures.get(signature, ()):
                replayed = capture.call(tensors, numbers)
                if replayed is not None:
                    return replayed[0]
            capture, numbers = self._new_capture(leaves, spec)
            replayed = capture.call(tensors, numbers)
            if replayed is None:
                raise InternalError("[jit] a capture does not fit the call that it was made from")
            return replayed[0]

    def _new_capture(
        self, leaves: Sequence[Any], spec: pytree.Spec
    ) -> tuple[Capture, Sequence[float]]:
        """A capture for such arguments, and those that are numbers and symbolic in it."""
        if self.captures >= MAX_CAPTURES:
            self._captures.clear()
            self._moving.clear()
        _, moving = self._signature(leaves, spec)
        traced = None
        while traced is None and moving is not None and moving.differ_from(leaves):
            traced = self._traced_with(moving, leaves, spec)
        tensors = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Handle)]
        called = Called(self.function, spec, len(leaves), tensors)
        capture = _capture(traced or trace(self.function, leaves, spec), called)
        self._captures.setdefault(self._signature(leaves, spec)[0], []).append(capture)
        return capture, moving.of(leaves) if moving else ()

    def _traced_with(
        self, moving: Moving, leaves: Sequence[Any], spec: pytree.Spec
    ) -> Traced | None:
        """The function with symbolic numbers; None if it needs to know some of them."""
        try:
            traced = trace(self.function, leaves, spec, symbolic=moving.places)
        except Exception:  # which the plain function tells if it is its own
            moving.refuse(moving.places)
            return None
        moving.refuse(traced.looked_at)
        return None if traced.looked_at else traced

    def _signature(
        self, leaves: Sequence[Any], spec: pytree.Spec
    ) -> tuple[Hashable, Moving | None]:
        """What a capture depends on; of the numbers that differ from call to call their types."""
        cast = None if casting.now is None else casting.now.key
        changed = settings.override and overrides.stamp()
        modes_now = (ambient.grad_enabled, settings.planned, changed, cast)
        found = [_leaf_signature(leaf) for leaf in leaves]
        for leaf in leaves:
            if type(leaf) in NUMBERS:
                return self._without_moving(spec, found, leaves, modes_now)
        return (spec, tuple(found), modes_now), None

    def _without_moving(
        self, spec: pytree.Spec, found: list[Any], leaves: Sequence[Any], modes_now: Hashable
    ) -> tuple[Hashable, Moving]:
        numbers = [place for place, leaf in enumerate(leaves) if type(leaf) in NUMBERS]
        kinds = list(found)
        for place in numbers:
            kinds[place] = type(leaves[place])
        whatever = spec, tuple(kinds), modes_now
        moving = self._moving.get(whatever)
        if moving is None:
            moving = self._moving[whatever] = Moving({n: leaves[n] for n in numbers})
        for place in moving.places:
            found[place] = kinds[place]
        return (spec, tuple(found), modes_now), moving


class Moving:
    """Which numbers among arguments differ from call to call.

    Attributes:
        places: of theirs among the leaves of the arguments.
    """

    def __init__(self, first: Mapping[int, float]) -> None:
        self._first = dict(first)
        self.places: tuple[int, ...] = ()

    def of(self, leaves: Sequence[Any]) -> list[float]:
        """These numbers of a call."""
        return [leaves[place] for place in self.places]

    def differ_from(self, leaves: Sequence[Any]) -> bool:
        """Notes the numbers of another call; whether there are some that differ."""
        new = {place for place, value in self._first.items() if leaves[place] != value}
        self.places = tuple(sorted(new.union(self.places)))
        return bool(self.places)

    def refuse(self, places: Sequence[int]) -> None:
        """The function must know their values: each is traced anew."""
        for place in places:
            self._first.pop(place, None)
        self.places = tuple(place for place in self.places if place in self._first)


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
    return type(leaf), leaf if type(leaf) is not float else leaf.hex()  # -0.0 is not 0.0


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
        grads=[owner for owner, _ in traced.grads],
        cleared=traced.cleared,
        flags=traced.flags,
        states=[seen.tensor for seen in traced.seen],
        guards=[guard(seen.before) for seen in traced.seen],
        grad_guards=[(g.owner, g.before is None) for g in traced.seen_grads if g.read],
        keys=traced.keys,
        out_spec=traced.spec,
        out_leaves=[None if isinstance(leaf, Node) else leaf for leaf in traced.outputs],
        out_is_tensor=[isinstance(leaf, Node) for leaf in traced.outputs],
        called=called,
    )


def _constant(leaf: Node) -> Source:
    return Source(CONSTANT, buffer.value_of(leaf))
