"""jit: a function of tensors, traced once and then replayed as a flat list of launches.

Tracing runs the function on placeholders. Every tensor from outside that it reads becomes an input
of the traced graph, every one that it rebinds (``assign``) or gives a ``.grad`` becomes an output:
what remains is a pure graph, which is planned and compiled like any other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Generic, ParamSpec, TypeVar

from lazygrad import lang, ops, pytree
from lazygrad.config import settings
from lazygrad.errors import InternalError, JitError
from lazygrad.graph import Node, node
from lazygrad.modes import ambient
from lazygrad.replay import ARGUMENT, CONSTANT, GRAD, KEY, STATE, Capture, Source, guard
from lazygrad.runtime import buffer, cache, registry
from lazygrad.runtime.program import CompiledPlan
from lazygrad.tensor import Tensor, from_node
from lazygrad.tensor_state import realize, value_node

P = ParamSpec("P")
R = TypeVar("R")
_epochs = itertools.count(1)
MAX_CAPTURES = 64  # different argument signatures of one function


def jit(function: Callable[P, R]) -> Jit[P, R]:
    """Compile a function of tensors; use as ``@jit`` or ``fast = jit(f)``.

    The first call with new shapes, dtypes, devices or Python arguments traces the function: its
    Python code runs once, on tensors without values. Later calls replay the kernels.

    - Tensors that the function reads from outside (parameters, running statistics, optimiser
      state) are found by themselves and read anew on every call, so a loaded checkpoint or a
      changed learning rate is seen. What it rebinds, ``.grad`` included, is rebound on every call.
    - Random numbers are fresh on every call, the same ones that the plain function would draw.
    - Python values (arguments that are not tensors, globals, ``model.training``) are fixed when
      traced; arguments are part of the signature, so another value traces anew.
    - Returned tensors have memory of their own and no derivative history.

    Raises:
        JitError: where the function needs a value while it is traced (``.item()``, ``if tensor``),
            or reads a tensor that hangs on a derivative history from outside.
    """
    return Jit(function)


@dataclass
class Seen:
    """A handle from outside that the traced function met: what it held, the placeholder for that,
    and what the function has bound it to."""

    tensor: Tensor
    before: Node
    placeholder: Node
    now: Node


@dataclass
class SeenGrad:
    """A handle from outside whose ``.grad`` the traced function read or set; ``read`` if it was
    read first, so that the graph depends on whether there is one."""

    tensor: Tensor
    before: Tensor | None
    read: bool
    now: Tensor | None


@dataclass
class Trace:
    """The recording of one traced call; ``ambient.trace`` while it runs. It changes no handle from
    outside."""

    epoch: int
    seen: dict[int, Seen] = field(default_factory=dict)
    grads: dict[int, SeenGrad] = field(default_factory=dict)
    sources: dict[Node, Source] = field(default_factory=dict)
    keys: int = 0

    def argument(self, position: int, tensor: Tensor) -> Tensor:
        """The stand-in for a tensor argument."""
        leaf = self._placeholder(tensor, Source(ARGUMENT, position))
        return from_node(node(ops.VARIABLE, (leaf,), object()) if tensor.requires_grad else leaf)

    def read(self, tensor: Tensor) -> Node:
        """The node to use for ``tensor``; called whenever an operation reads a handle."""
        return tensor._node if tensor._epoch == self.epoch else self._seen(tensor).now

    def current(self, tensor: Tensor) -> Node:
        """What ``tensor`` is bound to; its value is not needed."""
        seen = self.seen.get(id(tensor))
        return tensor._node if seen is None else seen.now

    def bind(self, tensor: Tensor, value: Node) -> None:
        """Rebinds ``tensor``."""
        if tensor._epoch == self.epoch:
            tensor._node = value
        else:
            self._seen(tensor).now = value

    def read_grad(self, tensor: Tensor) -> Tensor | None:
        """The ``.grad`` of a handle, remembering that the graph depends on it."""
        return tensor._grad if tensor._epoch == self.epoch else self._grad(tensor, read=True).now

    def write_grad(self, tensor: Tensor, grad: Tensor | None) -> None:
        """Sets the ``.grad`` of a handle."""
        if tensor._epoch == self.epoch:
            tensor._grad = grad
        else:
            self._grad(tensor, read=False).now = grad

    def _grad(self, tensor: Tensor, *, read: bool) -> SeenGrad:
        found = self.grads.get(id(tensor))
        if found is None:
            before = tensor._grad
            found = self.grads[id(tensor)] = SeenGrad(tensor, before, read, before)
        return found

    def random_key(self, device: str) -> Node:
        """A leaf that holds a fresh key on every call."""
        leaf = node(ops.BUFFER, (), cache.Placeholder(lang.KEY_SHAPE, lang.KEY_DTYPE, device))
        self.sources[leaf] = Source(KEY, self.keys)
        self.keys += 1
        return leaf

    def _seen(self, tensor: Tensor) -> Seen:
        found = self.seen.get(id(tensor))
        if found is None:
            found = self.seen[id(tensor)] = self._record(tensor)
        return found

    def _record(self, tensor: Tensor) -> Seen:
        if tensor.requires_grad and not tensor.is_leaf:
            raise JitError(
                f"[jit] the function reads a tensor of shape {tensor.shape} that was computed "
                "outside from tensors that require a gradient; detach() it, or compute it inside"
            )
        if not buffer.is_realised(value_node(tensor._node)):
            realize((tensor,))
        before = tensor._node
        owner = self._owner_of_grad(tensor)
        source = Source(STATE, tensor) if owner is None else Source(GRAD, owner)
        inner = self._placeholder(tensor, source)
        is_leaf = before.op is ops.VARIABLE
        placeholder = node(ops.VARIABLE, (inner,), before.arg) if is_leaf else inner
        return Seen(tensor, before, placeholder, placeholder)

    def _owner_of_grad(self, tensor: Tensor) -> Tensor | None:
        for seen in self.grads.values():
            if seen.before is tensor:
                return seen.tensor
        return None

    def _placeholder(self, tensor: Tensor, source: Source) -> Node:
        stand_in = cache.Placeholder(tensor.shape, tensor.dtype, tensor.device)
        leaf = node(ops.BUFFER, (), stand_in)
        self.sources[leaf] = source
        return leaf


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

    def latest_plan(self) -> CompiledPlan | None:
        """The compiled plan of the latest capture, for ``lazygrad.inspect``."""
        captured = [capture for captures in self._captures.values() for capture in captures]
        return captured[-1].plan if captured else None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Methods can be jitted: ``self`` is part of the signature, by identity."""
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if ambient.trace is not None:  # inside another jitted function: part of its trace
            return self.function(*args, **kwargs)
        leaves, spec = pytree.flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
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
            capture = _trace(self.function, leaves, spec)
            captures.append(capture)
            replayed = capture.call(tensors)
            if replayed is None:
                raise InternalError("[jit] a capture does not fit the call that it was made from")
            return replayed[0]

    def _signature(self, leaves: Sequence[Any], spec: pytree.Spec) -> Hashable:
        modes_now = (ambient.grad_enabled, settings.fuse)
        return spec, tuple(_leaf_signature(leaf) for leaf in leaves), modes_now


def _leaf_signature(leaf: Any) -> Hashable:
    if isinstance(leaf, Tensor):
        return leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
    try:
        hash(leaf)
    except TypeError:
        raise JitError(
            f"[jit] argument {leaf!r} of type {type(leaf).__name__} is neither a tensor nor "
            "hashable; pass arrays as Tensor(array)"
        ) from None
    return type(leaf), leaf


def _realise_arguments(tensors: Sequence[Tensor]) -> None:
    todo = [t for t in tensors if not buffer.is_realised(value_node(t._node))]
    if todo:
        realize(todo)


# -- tracing ------------------------------------------------------------------------------------


def _trace(function: Callable[..., Any], leaves: Sequence[Any], spec: pytree.Spec) -> Capture:
    trace = Trace(next(_epochs))
    position = 0
    stand_ins: list[Any] = []
    ambient.trace, ambient.epoch = trace, trace.epoch
    try:
        for leaf in leaves:
            if isinstance(leaf, Tensor):
                stand_ins.append(trace.argument(position, leaf))
                position += 1
            else:
                stand_ins.append(leaf)
        args, kwargs = pytree.unflatten(spec, stand_ins)
        returned = function(*args, **kwargs)
        return _capture(trace, returned)
    finally:
        ambient.trace, ambient.epoch = None, 0


def _capture(trace: Trace, returned: Any) -> Capture:
    """The traced graph as a compiled plan with named inputs and outputs."""
    out_leaves, out_spec = pytree.flatten(returned)
    requested = [trace.read(leaf) for leaf in out_leaves if isinstance(leaf, Tensor)]
    rebound: list[Tensor] = []
    grads: list[Tensor] = []
    cleared: list[Tensor] = []
    for seen in list(trace.seen.values()):
        if seen.now is not seen.placeholder:
            rebound.append(seen.tensor)
            requested.append(value_node(seen.now))
    for seen_grad in trace.grads.values():
        grad = seen_grad.now
        if (grad is None and not seen_grad.read) or (grad is None and seen_grad.before is not None):
            cleared.append(seen_grad.tensor)
        elif grad is not None and grad is not seen_grad.before:
            grads.append(seen_grad.tensor)
            requested.append(trace.read(grad))
    states = [seen.tensor for seen in trace.seen.values()]
    guards = [guard(seen.before) for seen in trace.seen.values()]
    grad_guards = [(g.tensor, g.before is None) for g in trace.grads.values() if g.read]
    device = requested[0].device if requested else registry.default_device()
    if any(r.device != device for r in requested):
        devices = sorted({r.device for r in requested})
        raise JitError(f"[jit] results on several devices {devices}; a jitted function runs on one")
    plan, plan_leaves = cache.compiled(requested, device)
    sources = [trace.sources.get(leaf) or _constant(leaf) for leaf in plan_leaves]
    kinds = [(r.shape, r.dtype) for r in requested]
    outs = [(leaf if not isinstance(leaf, Tensor) else None) for leaf in out_leaves]
    is_tensor = [isinstance(leaf, Tensor) for leaf in out_leaves]
    return Capture(
        plan, sources, kinds, rebound, grads, cleared, states, guards, grad_guards, trace.keys,
        out_spec, outs, is_tensor,
    )  # fmt: skip


def _constant(leaf: Node) -> Source:
    return Source(CONSTANT, buffer.value_of(leaf))
