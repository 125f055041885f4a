"""Functions that change a tensor in place: its handle is bound to another value."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from lazygrad import element_types as dt, ops, state, writes
from lazygrad.aliases import same_history, view_of
from lazygrad.bridge import bind, current_node, detached, read, require_tensor
from lazygrad.errors import DtypeError, GradError, ShapeError
from lazygrad.functional import creation, random
from lazygrad.functional.arguments import Number
from lazygrad.functional.keys import (
    check_items,
    has_scalar_mask,
    is_mask,
    items_of,
    of_new_dims,
)
from lazygrad.generator import Generator
from lazygrad.graph import Node
from lazygrad.handle import Handle, as_before
from lazygrad.lang import indexing
from lazygrad.lang.creation import full
from lazygrad.lang.movement import expand, unsqueeze
from lazygrad.lang.operands import cast, full_like
from lazygrad.modes import ambient
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

P = ParamSpec("P")


def inplace(
    function: Callable[Concatenate[Tensor, P], Tensor], *, only: bool = False
) -> Callable[Concatenate[Tensor, P], Tensor]:
    """The method that gives its tensor the value of ``function`` on it, named after it: add_.
    ``only``: users have ``function`` in this form only, so this is where it is described."""
    label = f"{function.__name__}_"

    @wraps(function)
    def method(input: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return _take(input, label, function(input, *args, **kwargs)._node)

    method.__name__ = method.__qualname__ = label
    if not only:
        method.__doc__ = f"``self = self.{function.__name__}(...)``"
    return public(method)


# -- writes without another name -------------------------------------------------------------------


@public
def assign(input: Tensor, value: Any) -> Tensor:
    """Rebind this handle to ``value``, detached: same shape, brought to this dtype and device.
    A leaf that requires a gradient stays the same leaf.

    Raises:
        ShapeError: for another shape.

    >>> w = nn.Parameter(lazygrad.zeros(2))
    >>> w.assign(np.array([1.0, 2.0])).tolist(), w.requires_grad
    ([1.0, 2.0], True)
    """
    given = _value_for(input, value)
    if given.shape != input.shape:
        raise ShapeError(
            f"[assign] cannot bind a value of shape {given.shape} to a tensor of shape "
            f"{input.shape}"
        )
    state.rebind(input, detached(given))
    return input


def set_data(input: Tensor, value: Tensor) -> None:
    """``input.data = value``: it holds what ``value`` does, whatever its shape, and is what it was:
    a leaf that requires a gradient or not. Views of what it was show that still.

    Raises:
        DtypeError: another dtype or device.
    """
    require_tensor(value, "data")
    before, given = current_node(input), detached(read(value))
    if (before.dtype, before.device) != (given.dtype, given.device):
        raise DtypeError(
            f"[data] a {given.dtype.name} on {given.device} cannot take the place of a "
            f"{before.dtype.name} on {before.device}; bring it there with to()"
        )
    input._alias = None
    bind(input, as_before(before, given))


@public
def copy_(input: Tensor, src: Any) -> Tensor:
    """Take the value of ``src``, which broadcasts to this shape.

    >>> x = lazygrad.zeros(2, 2)
    >>> x.copy_(Tensor([1, 2])).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    given = expand(_value_for(input, src), input.shape)
    return _take(input, "copy_", cast(given, input.dtype))


@public
def setitem(input: Tensor, key: Any, value: Any) -> None:
    """``input[key] = value``, which broadcasts to ``input[key]`` and is brought to this dtype. Of
    several elements for one place the last one stays.

    Raises:
        AxisError, ValueRangeError: an index out of range; inside a jitted function, where its value
            is not known yet, nothing is written there instead.
        ShapeError: a value that does not fit.
        JitError: inside a jitted function, a mask whose elements are given one by one.

    >>> x = lazygrad.zeros(2, 3)
    >>> x[0] = Tensor([1.0, 2.0, 3.0])
    >>> x[:, 1:][x[:, 1:] > 2] = -1
    >>> x.tolist()
    [[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]]
    """
    given = cast(_value_for(input, value), input.dtype)
    current = read(input)
    if is_mask(key) and given.ndim <= current.ndim - key.ndim:
        mask = key if isinstance(key, Handle) else creation.tensor(key, device=input.device)
        _take(input, "setitem", writes.put_where(current, read(mask), given))
        return
    if has_scalar_mask(key):
        rest, new = of_new_dims(key, input)
        setitem(view_of(input, unsqueeze, new), rest, value)
        return
    items = items_of("setitem", key, input, look=ambient.has_values)
    known = check_items("setitem", items, input.shape)
    if given is not indexing.getitem(current, items, known):
        # else it is the last step of x[key] += y, and the view that was changed has written through
        _take(input, "setitem", writes.put_items(current, items, given, known))


@public
def fill_(input: Tensor, value: Number) -> Tensor:
    """Take ``value`` everywhere.

    >>> x = lazygrad.zeros(2, 2)
    >>> _ = x[0].fill_(7)
    >>> x.tolist()
    [[7.0, 7.0], [0.0, 0.0]]
    """
    return _take(input, "fill_", full(input.shape, value, input.dtype, input.device))


@public
def zero_(input: Tensor) -> Tensor:
    """Take 0 everywhere.

    >>> x = lazygrad.ones(2, 2)
    >>> _ = x[:, 1].zero_()
    >>> x.tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    return _take(input, "zero_", full_like(input._node, 0))


@public
def uniform_(
    input: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Take evenly distributed values in [low, high).

    >>> x = lazygrad.empty(100).uniform_(2.0, 3.0)
    >>> bool(((x >= 2) & (x < 3)).all())
    True
    """
    options: Any = {"dtype": input.dtype, "device": input.device, "generator": generator}
    drawn = random.uniform(input.shape, low=low, high=high, **options)
    return _take(input, "uniform_", drawn._node)


@public
def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Take normal values.

    >>> lazygrad.empty(2, 3).normal_(mean=5.0, std=0.0).tolist()
    [[5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]
    """
    options: Any = {"dtype": input.dtype, "device": input.device, "generator": generator}
    drawn = random.normal(input.shape, mean=mean, std=std, **options)
    return _take(input, "normal_", drawn._node)


def _value_for(target: Tensor, value: Any) -> Node:
    """``value`` as it is, or numbers in the target's dtype, on its device."""
    if isinstance(value, Handle):
        return read(value)
    if type(value) in (bool, int, float):
        cut = isinstance(value, float) and not target.dtype.is_floating_point
        return full((), value, dt.float64 if cut else target.dtype, target.device)
    return creation.leaf_of(value, target.dtype, target.device)


# -- the rules -------------------------------------------------------------------------------------


def _take(tensor: Tensor, op: str, value: Node) -> Tensor:
    """The handle becomes ``value``.

    Raises:
        GradError: for a leaf that requires a gradient, unless gradients are off.
    """
    if ambient.grad_enabled and any(map(_is_variable, same_history(tensor))):
        raise GradError(
            f"[{op}] a leaf that requires a gradient cannot be changed in place; do it inside "
            "no_grad()"
        )
    if value.shape != tensor.shape:
        raise ShapeError(
            f"[{op}] the result has shape {value.shape}, which does not fit into a tensor of shape "
            f"{tensor.shape}"
        )
    if value.dtype.category > tensor.dtype.category:
        raise DtypeError(
            f"[{op}] the result is {value.dtype.name}, which does not fit {tensor.dtype.name}; "
            "use the operation that returns a new tensor"
        )
    state.rebind(tensor, value)
    return tensor


def _is_variable(tensor: Handle) -> bool:
    return current_node(tensor).op is ops.VARIABLE
