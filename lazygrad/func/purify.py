"""Functions and modules that keep state, as pure functions of it; and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lazygrad import pytree, state as values
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, JitError, ShapeError
from lazygrad.func.given_state import RANDOM, Bound, Inside, is_view_of
from lazygrad.func.rules import taken_out
from lazygrad.generator import Generator
from lazygrad.handle import Handle, value_node
from lazygrad.lang.elementwise import without_history
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import ambient, traced_by
from lazygrad.nn.module import Module
from lazygrad.rewrite import replaced
from lazygrad.tensor_class import Tensor
from lazygrad.tracing import trace

State = dict[str, Tensor]
GRAD = ".grad"  # follows the name of a tensor


class Purified:
    """A function of tensors without side effects: ``pure(state, *args) -> (output, new state)``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._tensors: dict[str, Handle] = {}
        self._grads: dict[str, Handle] = {}  # the owners
        self._streams: dict[str, Generator] = {}
        self._names = dict(_names_around(function))
        if isinstance(function, Module):
            self._tensors = dict(_members(function))

    # -- what the state is ------------------------------------------------------------------------

    def state(self, *args: Any, **kwargs: Any) -> State:
        """The state as it is now.

        Args:
            args, kwargs: what the function will be called with: it is traced on them, without
                effect, to find what it reads, rebinds and draws. A module that draws no random
                numbers and uses nothing but its parameters and buffers needs none.

        Returns:
            Tensors by name: of modules their names; others are numbered. With ``.grad`` behind it
            the gradient that the function leaves, or finds, on a tensor (0 where there is none
            yet). ``"random"`` is where the stream of random numbers stands.

        Raises:
            JitError: where the function needs a value, or inside of a transform.
        """
        if ambient.trace is not None:
            raise JitError("[purify] state() is asked for outside of jit and of transforms")
        if args or kwargs or not isinstance(self.function, Module):
            self._look(args, kwargs)
        found = {name: wrap(value_node(t._node), "purify") for name, t in self._tensors.items()}
        for name, owner in self._grads.items():
            held = owner._grad
            found[name] = wrap(zeros_like(value_node(owner._node)) if held is None else held._node)
        device = next((t._node.device for t in self._tensors.values()), None)
        for name, stream in self._streams.items():
            found[name] = Tensor(stream.position(), device=device)
        return found

    def _look(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Takes note of what the function reads, rebinds and draws."""
        leaves, spec = pytree.flatten((args, kwargs), whole=True)
        traced = trace(self.function, leaves, spec, "purify")
        gradients = {id(seen.before) for seen in traced.seen_grads}
        met = {id(seen.tensor) for seen in traced.seen}
        for seen in traced.seen:
            if id(seen.tensor) not in gradients and not is_view_of(seen.tensor, met):
                self._named(seen.tensor)
        found = [g.owner for g in traced.seen_grads if g.read and g.before is not None]
        for owner in (*found, *(owner for owner, _ in traced.grads)):
            if isinstance(owner, Handle):  # arguments are no part of the state
                self._grads[self._named(owner) + GRAD] = owner
        for stream in traced.keys:
            if stream not in self._streams.values():
                number = len(self._streams)
                self._streams[f"{RANDOM}.{number}" if number else RANDOM] = stream

    def _named(self, tensor: Handle) -> str:
        """The name of a tensor of the state, which it is from now on."""
        for name, known in self._tensors.items():
            if known is tensor:
                return name
        name = self._names.get(id(tensor), str(len(self._tensors)))
        self._tensors[name] = tensor
        return name

    # -- calls ------------------------------------------------------------------------------------

    def __call__(self, state: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> tuple[Any, State]:
        """What the function returns in a state, and the state that it leaves. Nothing else changes.

        Raises:
            ArgumentError: for a state with other names than ``state()`` gives.
            ShapeError: for one of another shape or dtype.
            WriteError: for a write to a tensor that is no part of the state.
        """
        inside = Inside(self._bound(state))
        with traced_by(inside):
            outputs, nodes = taken_out(self.function(*args, **kwargs))
        after = inside.after()
        found = replaced([*nodes, *(after[name] for name in state)], inside.plain())
        if not ambient.grad_enabled:
            found = [without_history(made) for made in found]
        left = [wrap(made, "purify") for made in found[len(nodes) :]]
        return outputs.wrapped(found[: len(nodes)], "purify"), dict(zip(state, left, strict=True))

    def _bound(self, state: Mapping[str, Tensor]) -> Bound:
        bound = Bound({}, {}, {})
        for name, given in state.items():
            if not isinstance(given, Handle):
                raise ArgumentError(f"[purify] {name} of the state must be a Tensor")
            if name in self._streams:
                bound.streams[name] = (self._streams[name], read(given))
            elif name in self._grads:
                bound.grads[name] = (self._grads[name], read(given))
            elif name in self._tensors:
                bound.tensors[name] = (self._tensors[name], read(given))
            else:
                raise ArgumentError(
                    f"[purify] the state has {name!r}, which the function does not know; it knows "
                    f"{', '.join((*self._tensors, *self._grads, *self._streams)) or 'nothing'} "
                    "(call state() with arguments first)"
                )
        for name, (tensor, value) in (*bound.tensors.items(), *bound.grads.items()):
            if (tensor.shape, tensor.dtype) != (value.shape, value.dtype):
                raise ShapeError(
                    f"[purify] {name} is {tensor.dtype.name} {tensor.shape}, and the state has "
                    f"{value.dtype.name} {value.shape} for it"
                )
        return bound

    # -- and back ---------------------------------------------------------------------------------

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Give all tensors, gradients and streams of random numbers what a state says: the function
        itself goes on from there."""
        bound = self._bound(state)
        for tensor, value in bound.tensors.values():
            values.rebind(tensor, without_history(value))
        for owner, value in bound.grads.values():
            owner._grad = wrap(without_history(value), "purify")
        for stream, key in bound.streams.values():
            stream.go_to(wrap(key).tolist())


def _members(module: Module) -> Iterator[tuple[str, Handle]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _names_around(function: Callable[..., Any]) -> Iterator[tuple[int, str]]:
    """Names for tensors that a function may use: those of modules that it knows."""
    plain = inspect.unwrap(function)
    known: dict[str, Any] = dict(vars(getattr(plain, "__self__", None) or object) or {})
    try:
        around = inspect.getclosurevars(plain)
        known |= {**around.globals, **around.nonlocals}
    except TypeError:
        pass  # no function, but something that can be called
    for name, held in known.items():
        if isinstance(held, Module):
            for path, tensor in _members(held):
                yield id(tensor), f"{name}.{path}"


def purify(module_or_function: Callable[..., Any]) -> Purified:
    """A module, or a function with side effects, as a pure function of its state.

    ``pure(state, *args) -> (output, new_state)`` computes what the module or function would, and
    changes nothing: what it rebinds (running statistics, parameters, the state of an optimizer),
    the gradients that it leaves and where its stream of random numbers stands are in the new state.
    So it can be differentiated, mapped, jitted and scanned like any function. ``pure.state(*args)``
    is the state as it is, ``pure.load(state)`` the way back.

    Inside, tensors have no values. Python values (``model.training``, counters) are no part of it.

    >>> from lazygrad import Tensor, nn
    >>> from lazygrad.func import purify
    >>> norm = nn.BatchNorm1d(1)
    >>> pure = purify(norm)
    >>> state = pure.state()
    >>> output, after = pure(state, Tensor([[1.0], [3.0]]))
    >>> norm.num_batches_tracked.item(), after["num_batches_tracked"].item()
    (0, 1)
    >>> pure.load(after)
    >>> norm.num_batches_tracked.item()
    1
    """
    return Purified(module_or_function)
