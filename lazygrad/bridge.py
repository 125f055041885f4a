"""Between handles and the graph: ``read`` is the only way from a handle to its node, ``wrap`` the
only way back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from lazygrad import element_types as dt, host, ops
from lazygrad.arguments import CLASSES, shown
from lazygrad.errors import ArgumentError
from lazygrad.graph import Node, result_leaf, set_origin, shown_by, through
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import without_history
from lazygrad.modes import ambient
from lazygrad.origins import origin_of
from lazygrad.waiting import waiting

if TYPE_CHECKING:  # the class whose methods are built on this module
    from lazygrad.tensor_class import Tensor

T = TypeVar("T", bound=type)

_class: type[Tensor]
_new = object.__new__

# The handle of each leaf that requires a gradient, by the identity in its VARIABLE node.
variables: WeakValueDictionary[object, Handle] = WeakValueDictionary()


class StandIn:
    """The identity of a leaf that stands for what a function is given, inside of a transform: no
    handle outside is its own.

    Attributes:
        name: of the transform, in messages.
        of: the value that it stands for, to which its derivatives belong.
        is_passed: whether a ``backward()`` inside has given it nothing, because that value has no
            history.
    """

    def __init__(self, name: str, of: Node) -> None:
        self.name, self.of = name, of
        self.is_passed = False


def made_by_wrap(kind: T) -> T:
    """Decorates the class of users' handles: ``wrap`` makes them, annotations name them."""
    global _class
    _class = CLASSES[kind.__name__] = kind
    return kind


# -- from handles to nodes -------------------------------------------------------------------------


def read(tensor: Handle) -> Node:
    """The node that an operation on ``tensor`` is built on."""
    trace = ambient.trace
    try:
        found = tensor._node if trace is None else trace.read(tensor)
    except AttributeError:
        require_tensor(tensor, sys._getframe(1).f_code.co_name.strip("_"))
        raise
    if found.tracked and not ambient.grad_enabled:
        return detached(found)
    return found


def require_tensor(value: Any, op: str) -> None:
    if not isinstance(value, Handle):
        raise ArgumentError(
            f"[{op}] expected a Tensor, got {shown(value)}; convert it with Tensor(...)"
        ) from None


def optional(tensor: Handle | None) -> Node | None:
    return None if tensor is None else read(tensor)


def operand(value: Any, like: Handle) -> Any:
    """The other operand of a function: a Node, or a Python number, which is weak."""
    if isinstance(value, Handle):
        return read(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in dt.NUMBER_KINDS:
        return value.item()
    if isinstance(value, np.ndarray):
        return host.leaf_of(value, None, like._node.device)
    return NotImplemented


def required(op: str, value: Any, like: Handle) -> Any:
    """As ``operand``; what is neither tensor nor number is an error."""
    found = operand(value, like)
    if found is NotImplemented:
        raise ArgumentError(f"[{op}] expected a Tensor or a number, got {shown(value)}")
    return found


def detached(value: Node) -> Node:
    """``value`` without history: where it is in memory already, or a view of what is, that memory
    alone."""
    held, views = shown_by(value)
    if held.op is not ops.BUFFER:
        if held.value is None:
            return without_history(value)
        held = result_leaf(held.value)
    return through(views, held)


# -- from nodes to handles -------------------------------------------------------------------------


def wrap(made: Node, label: str | None = None) -> Tensor:
    """A new handle on ``made``.

    The node remembers the public function that made it (``label``, or else the function that calls
    this one) and the user's line, for dumps and errors.
    """
    tensor = _new(_class)
    tensor._node = made  # as bind_new, which would be a call more
    tensor._grad = None
    tensor._epoch = ambient.epoch
    tensor._alias = None
    if made.lingers and ambient.trace is None:
        waiting.keep(tensor)
    if made.origin is None and made.src:
        set_origin(made, origin_of(sys._getframe(1), label))
    if made.op is ops.VARIABLE:
        variables.setdefault(made.arg, tensor)  # a reshape to the same shape is no other leaf
    return tensor


def bind_new(tensor: Handle, made: Node) -> None:
    """Binds a handle that was not bound yet."""
    tensor._node = made
    tensor._grad = None
    tensor._epoch = ambient.epoch
    tensor._alias = None


# -- what a handle is bound to ---------------------------------------------------------------------


def current_node(tensor: Handle) -> Node:
    """What a handle is bound to, as the code sees it that runs now."""
    trace = ambient.trace
    return tensor._node if trace is None else trace.current(tensor)


def bind(tensor: Handle, value: Node) -> None:
    """Binds a handle to ``value``, which may be of another kind than what it was."""
    trace = ambient.trace
    if trace is None:
        tensor._node = value
    else:
        trace.bind(tensor, value)


def current_grad(tensor: Handle) -> Handle | None:
    """The gradient of a handle, as the code sees it that runs now."""
    trace = ambient.trace
    return tensor._grad if trace is None else trace.read_grad(tensor)


def bind_grad(tensor: Handle, grad: Handle | None) -> None:
    """Gives a handle another gradient, or none."""
    trace = ambient.trace
    if trace is None:
        tensor._grad = grad
    else:
        trace.write_grad(tensor, grad)


def is_leaf(tensor: Handle) -> bool:
    """Whether it is not the result of a recorded operation."""
    held = current_node(tensor)
    return not held.tracked or held.op is ops.VARIABLE
