"""Tensor: a thin mutable handle on a Node. Operations build graph and compute nothing.

Every method reads handles through ``_read`` and makes new ones through ``from_node``; what it
computes is one call of ``lazygrad.lang``, which documents it. Names, arguments and semantics are
PyTorch's wherever PyTorch has the method. It is one class without mixins, so that "where is
``Tensor.add``" has one answer.
"""

from __future__ import annotations

import sys
from builtins import bool as Bool, float as Float, int as Int
from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import signature
from types import FunctionType
from typing import Any, NamedTuple, Union
from weakref import WeakValueDictionary, ref

import numpy as np

from lazygrad import (
    dtype as dt,
    lang,
    modes,
    ops,
    tensor_arguments as args,
    tensor_data as host,
    tensor_state as state,
)
from lazygrad.arguments import require_range, shown
from lazygrad.autodiff.vjp import vjp
from lazygrad.dtype import DType
from lazygrad.errors import (
    ArgumentError,
    DtypeError,
    GradError,
    JitError,
    ShapeError,
    ValueRangeError,
    WriteError,
)
from lazygrad.graph import Node, node, set_origin
from lazygrad.locks import running
from lazygrad.modes import ambient
from lazygrad.public import ARGUMENT_ERRORS, public, told
from lazygrad.runtime import buffer, registry
from lazygrad.shape import Shape, as_shape, normalize_axis
from lazygrad.waiting import waiting

Number = Bool | Int | Float
Dims = Int | Sequence[Int] | None
Sizes = Int | Sequence[Int]
MOST_DECIMALS = 308  # powers of 10 in float64
Operand = Union["Tensor", Bool, Int, Float]  # a string cannot be joined by | to what follows it

# The handle of each leaf that requires a gradient, by the identity in its VARIABLE node.
_variables: WeakValueDictionary[object, Tensor] = WeakValueDictionary()


class MaxMin(NamedTuple):
    """What ``max(dim)`` and ``min(dim)`` return."""

    values: Tensor
    indices: Tensor


def _read(tensor: Tensor) -> Node:
    """The Node that an operation on ``tensor`` is built on; the only way from handle to graph."""
    trace = ambient.trace
    try:
        found = tensor._node if trace is None else trace.read(tensor)
    except AttributeError:
        require_tensor(tensor, sys._getframe(1).f_code.co_name.strip("_"))
        raise
    if found.tracked and not ambient.grad_enabled:
        return state.detached(found)
    return found


def require_tensor(value: Any, op: str) -> None:
    if not isinstance(value, Tensor):
        raise ArgumentError(
            f"[{op}] expected a Tensor, got {shown(value)}; convert it with Tensor(...)"
        ) from None


def from_node(made: Node, label: str | None = None) -> Tensor:
    """A new handle on ``made``; the only way from graph to handle.

    The node remembers the public method that made it and the user's line, for dumps and errors.
    """
    tensor = _new(Tensor)
    tensor._node = made
    tensor._grad = None
    tensor._epoch = ambient.epoch
    tensor._bases = ()
    if made.lingers and ambient.trace is None:
        waiting.keep(tensor)
    if made.origin is None and made.src:
        set_origin(made, host.origin_of(sys._getframe(1), label))
    if made.op is ops.VARIABLE:
        _variables.setdefault(made.arg, tensor)  # a reshape to the same shape is no other leaf
    return tensor


_new = object.__new__


def _view(base: Tensor, made: Node, label: str | None = None) -> Tensor:
    """A new handle on ``made``, which in PyTorch would share the memory of ``base``."""
    view = from_node(made, label or sys._getframe(1).f_code.co_name)
    view._bases = (*base._bases, ref(base))
    return view


def _operand(value: Any, like: Tensor) -> Any:
    """The other operand of a method: a Node, or a Python number, which is weak."""
    if isinstance(value, Tensor):
        return _read(value)
    if isinstance(value, Bool | Int | Float):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in dt.NUMBER_KINDS:
        return value.item()
    if isinstance(value, np.ndarray):
        return host.leaf_of(value, None, like.device)
    return NotImplemented


def _required(op: str, value: Any, like: Tensor) -> Any:
    """As ``_operand``; what is neither tensor nor number is an error."""
    operand = _operand(value, like)
    if operand is NotImplemented:
        raise ArgumentError(f"[{op}] expected a Tensor or a number, got {shown(value)}")
    return operand


def _optional(tensor: Tensor | None) -> Node | None:
    return None if tensor is None else _read(tensor)


def _unary(function: Callable[[Node], Node], label: str) -> Callable[[Tensor], Tensor]:
    """The method that applies ``function``."""

    def method(self: Tensor) -> Tensor:
        try:
            return from_node(function(_read(self)), label)
        except ARGUMENT_ERRORS as error:
            told(error, label, {"self": self})
            raise error.with_traceback(None) from None

    method.__name__ = method.__qualname__ = label
    method.__doc__ = function.__doc__
    return method


def _binary(function: Callable[[Any, Any], Node], label: str) -> Callable[[Tensor, Any], Tensor]:
    """The method or operator that applies ``function`` to ``self`` and another operand.

    Errors are told here and not by ``public``: nothing is as hot as an operator.
    """

    def method(self: Tensor, other: Operand) -> Tensor:
        try:
            operand = _operand(other, self)
            if operand is NotImplemented:
                return NotImplemented
            return from_node(function(_read(self), operand), label)
        except ARGUMENT_ERRORS as error:
            told(error, label, {"self": self, "other": other})
            raise error.with_traceback(None) from None

    method.__name__ = method.__qualname__ = label
    method.__doc__ = function.__doc__
    return method


def _product(reverse: Bool) -> Callable[[Tensor, Any], Tensor]:
    """The operator @, which has no meaning for numbers."""

    def matmul(self: Tensor, other: Any) -> Tensor:
        operand = _operand(other, self)
        if not isinstance(operand, Node):
            return NotImplemented
        own = _read(self)
        left, right = (operand, own) if reverse else (own, operand)
        try:
            return from_node(lang.matmul(left, right), "matmul")
        except ARGUMENT_ERRORS as error:
            sides = ("other", "self") if reverse else ("self", "other")
            told(error, "matmul", dict.fromkeys(sides) | {"self": self, "other": other})
            raise error.with_traceback(None) from None

    return matmul


def _reflected(function: Callable[[Any, Any], Node], label: str) -> Callable[[Tensor, Any], Tensor]:
    """The operator of a Python number on the left."""
    return _binary(lambda own, other: function(other, own), label)


class Tensor:
    """A multi-dimensional array whose value is computed when it is needed.

    Args:
        data: a number, nested lists, a NumPy array (copied) or another Tensor (detached).
        dtype: default: of arrays their own; of Python numbers bool, int64 or float32.
        device: name of a backend; default: the one that ``BACKEND`` names.
        requires_grad: whether ``backward()`` fills ``grad`` with the derivative by this tensor.

    Attributes:
        grad: the derivative that ``backward()`` accumulated, or None.
    """

    __slots__ = ("__weakref__", "_bases", "_epoch", "_grad", "_node")
    __array_ufunc__ = None  # array + tensor is the tensor's business
    __hash__ = object.__hash__

    _node: Node
    _epoch: Int
    _grad: Tensor | None
    _bases: tuple[ref[Tensor], ...]  # the tensors that this one is a view of in PyTorch

    def __init__(
        self, data: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> None:
        chosen = None if dtype is None else dt.of(dtype)
        if isinstance(data, Tensor):
            made = state.detached(_read(data))
            made = lang.cast(made, chosen) if chosen is not None else made
            made = made if device is None else lang.copy_to(made, registry.check_device(device))
        else:
            made = host.leaf_of(data, chosen, registry.check_device(device))
        self._node = made
        self._grad = None
        self._epoch = ambient.epoch
        self._bases = ()
        if requires_grad:
            self.requires_grad_()

    # -- facts --------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        return self._node.shape

    @property
    def dtype(self) -> DType:
        return self._node.dtype

    @property
    def device(self) -> str:
        return self._node.device

    @property
    def ndim(self) -> Int:
        return len(self._node.shape)

    def dim(self) -> Int:
        return self.ndim

    def numel(self) -> Int:
        """Number of elements."""
        return self._node.size

    nelement = numel

    def size(self, dim: Int | None = None) -> Any:
        """The shape, or the size of one dim."""
        if dim is None:
            return self.shape
        axis = normalize_axis("size", dim, self.ndim)
        if not self.shape:
            raise ShapeError("[size] a scalar has no dims")
        return self.shape[axis]

    def element_size(self) -> Int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> Int:
        return self.numel() * self.dtype.itemsize

    def is_floating_point(self) -> Bool:
        return self.dtype.is_floating_point

    def __len__(self) -> Int:
        if not self.shape:
            raise ShapeError("[len] a scalar has no len()")
        return self.shape[0]

    def __repr__(self) -> str:
        value = state.value_node(self._node)
        realised = value.op is ops.BUFFER or value.value is not None
        return host.describe(value, realised and ambient.trace is None, self.requires_grad)

    # -- creation -----------------------------------------------------------------------------

    @staticmethod
    def full(
        size: Int | Sequence[Int],
        fill_value: Number,
        *,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """``fill_value`` everywhere; its own dtype by default."""
        chosen = dt.of_scalar(fill_value) if dtype is None else dt.of(dtype)
        made = lang.full(
            as_shape("full", (size,)), fill_value, chosen, registry.check_device(device)
        )
        return _made(made, requires_grad)

    @staticmethod
    def zeros(
        *size: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> Tensor:
        """Zeros: ``Tensor.zeros(2, 3)`` or ``Tensor.zeros((2, 3))``."""
        return _made(_filled("zeros", size, 0, dtype, device), requires_grad)

    @staticmethod
    def ones(
        *size: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> Tensor:
        """Ones."""
        return _made(_filled("ones", size, 1, dtype, device), requires_grad)

    @staticmethod
    def empty(
        *size: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> Tensor:
        """To be filled; zeros until then."""
        return _made(_filled("empty", size, 0, dtype, device), requires_grad)

    @staticmethod
    def arange(
        start: Number,
        end: Number | None = None,
        step: Number = 1,
        *,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """start, start + step, ... before ``end``; int64 for whole bounds, else float32."""
        first, last = (0, start) if end is None else (start, end)
        chosen = lang.default_range_dtype(first, last, step) if dtype is None else dt.of(dtype)
        made = lang.arange(first, last, step, chosen, registry.check_device(device))
        return _made(made, requires_grad)

    @staticmethod
    def linspace(
        start: Float,
        end: Float,
        steps: Int,
        *,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """``steps`` values from ``start`` to ``end``, both included."""
        chosen = dt.default_float if dtype is None else dt.of(dtype)
        made = lang.linspace(start, end, steps, chosen, registry.check_device(device))
        return _made(made, requires_grad)

    @staticmethod
    def eye(
        n: Int,
        m: Int | None = None,
        *,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """Ones on the diagonal of an (n, m) matrix; ``m`` is ``n`` by default."""
        chosen = dt.default_float if dtype is None else dt.of(dtype)
        made = lang.eye(n, n if m is None else m, chosen, registry.check_device(device))
        return _made(made, requires_grad)

    @staticmethod
    def from_numpy(array: np.ndarray[Any, Any], device: str | None = None) -> Tensor:
        """A copy of an array, with its dtype."""
        return Tensor(array, device=device)

    def full_like(
        self,
        fill_value: Number,
        *,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """``fill_value`` in this shape."""
        chosen = self.dtype if dtype is None else dt.of(dtype)
        where = self.device if device is None else registry.check_device(device)
        return _made(lang.full(self.shape, fill_value, chosen, where), requires_grad)

    def zeros_like(self, **options: Any) -> Tensor:
        """Zeros in this shape; options as of ``full_like``."""
        return self.full_like(0, **options)

    def ones_like(self, **options: Any) -> Tensor:
        """Ones in this shape; options as of ``full_like``."""
        return self.full_like(1, **options)

    def empty_like(self, **options: Any) -> Tensor:
        """To be filled, in this shape; options as of ``full_like``."""
        return self.full_like(0, **options)

    # -- random numbers -----------------------------------------------------------------------

    @staticmethod
    def rand(
        *size: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> Tensor:
        """Evenly distributed in [0, 1)."""
        made = _drawn("rand", lang.uniform, size, dtype, device)
        return _made(made, requires_grad)

    @staticmethod
    def randn(
        *size: Any, dtype: Any = None, device: str | None = None, requires_grad: Bool = False
    ) -> Tensor:
        """Standard normal."""
        made = _drawn("randn", lang.normal, size, dtype, device)
        return _made(made, requires_grad)

    @staticmethod
    def uniform(
        *size: Any,
        low: Float = 0.0,
        high: Float = 1.0,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """Evenly distributed in [low, high), bounds as ``dtype`` holds them: never ``high``,
        unless the bounds are equal there.

        Raises:
            ValueRangeError: if low > high, or if bounds or their distance exceed the dtype.
        """
        bounds = Float(low), Float(high)
        made = _drawn("uniform", lang.uniform, size, dtype, device, *bounds)
        return _made(made, requires_grad)

    @staticmethod
    def normal(
        *size: Any,
        mean: Float = 0.0,
        std: Float = 1.0,
        dtype: Any = None,
        device: str | None = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """Normal with this mean and standard deviation.

        Raises:
            ValueRangeError: for a negative deviation.
        """
        moments = Float(mean), Float(std)
        made = _drawn("normal", lang.normal, size, dtype, device, *moments)
        return _made(made, requires_grad)

    @staticmethod
    def randint(
        *size: Any, low: Int = 0, high: Int = 10, dtype: Any = None, device: str | None = None
    ) -> Tensor:
        """Integers in [low, high), int64 by default; bool and float dtypes too.

        Raises:
            ValueRangeError: if there are none, or if the dtype does not hold all of them.
        """
        where = registry.check_device(device)
        chosen = dt.default_int if dtype is None else dt.of(dtype)
        shape = as_shape("randint", size)
        return from_node(lang.randint(_random_key(where), low, high, shape, chosen))

    @staticmethod
    def randperm(n: Int, *, dtype: Any = None, device: str | None = None) -> Tensor:
        """0 ... n - 1 in random order, int64 by default.

        Raises:
            ValueRangeError: for a negative ``n``, or if the dtype does not hold all of them.
        """
        where = registry.check_device(device)
        chosen = dt.default_int if dtype is None else dt.of(dtype)
        return from_node(lang.permutation(_random_key(where), n, chosen))

    def rand_like(self, **options: Any) -> Tensor:
        """``rand`` in this shape, dtype and device."""
        return Tensor.rand(self.shape, **{"dtype": self.dtype, "device": self.device, **options})

    def randn_like(self, **options: Any) -> Tensor:
        """``randn`` in this shape, dtype and device."""
        return Tensor.randn(self.shape, **{"dtype": self.dtype, "device": self.device, **options})

    def randint_like(self, low: Int = 0, high: Int = 10, **options: Any) -> Tensor:
        """``randint`` in this shape, dtype and device."""
        options = {"dtype": self.dtype, "device": self.device, **options}
        return Tensor.randint(self.shape, low=low, high=high, **options)

    # -- values on the host -------------------------------------------------------------------

    def realize(self, *others: Tensor) -> Tensor:
        """Compute the value now, with those of ``others`` in one plan. Nothing waits for the
        device. Inside a jitted function it does nothing."""
        for other in others:
            require_tensor(other, "realize")
        if ambient.trace is None:
            state.realize((self, *others))
        return self

    def numpy(self) -> np.ndarray[Any, Any]:
        """A copy on the host; bfloat16 comes as float32. Gradients do not flow through it.

        Raises:
            JitError: inside a jitted function.
        """
        if ambient.trace is not None:
            raise JitError(
                f"[jit] the value of a tensor of shape {self.shape} is needed while the function "
                "is traced (.item(), .numpy(), bool(), float() ...); use where() to choose by "
                "value, or compute it outside the jitted function"
            )
        state.realize((self,))
        value = state.value_node(self._node)
        found: np.ndarray[Any, Any] = buffer.value_of(value).numpy()
        return found

    def item(self) -> Any:
        """The value of a tensor with one element, as a Python number."""
        if self.numel() != 1:
            raise ShapeError(
                f"[item] needs a tensor with one element, got shape {self.shape}; use tolist(), or "
                "select an element"
            )
        return self.numpy().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.numpy().tolist()

    def __bool__(self) -> Bool:
        if self.numel() != 1:
            raise ShapeError(
                f"[bool] the truth of a tensor of shape {self.shape} is ambiguous; use .any() or "
                ".all()"
            )
        return Bool(self.item())

    def __float__(self) -> Float:
        return Float(self.item())

    def __int__(self) -> Int:
        return Int(self.item())

    def __index__(self) -> Int:
        if self.dtype.is_floating_point:
            raise DtypeError(f"[index] a {self.dtype.name} tensor is not an integer")
        return Int(self.item())

    def __array__(self, dtype: Any = None, copy: Bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise ShapeError("[iter] cannot iterate over a scalar")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> Bool:
        return Bool(self.eq(value).any())

    def __deepcopy__(self, memo: dict[Int, Any]) -> Tensor:
        """A leaf of its own with the same value, ``requires_grad`` and ``grad``.

        Raises:
            GradError: for the result of a recorded operation, as in PyTorch.
        """
        if not self.is_leaf:
            raise GradError(
                "[deepcopy] only leaves can be copied with copy.deepcopy(), not the result of a "
                f"recorded operation of shape {self.shape}; use detach() or clone()"
            )
        copied = _new(type(self))
        Tensor.__init__(copied, self, requires_grad=self.requires_grad)
        if self.grad is not None:
            copied.grad = Tensor(self.grad)
        memo[id(self)] = copied
        return copied

    # -- derivatives --------------------------------------------------------------------------

    @property
    def requires_grad(self) -> Bool:
        """Whether derivatives flow through this tensor to a leaf."""
        return state.current_node(self).tracked

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """The derivative that ``backward`` has accumulated, or None; a detached tensor."""
        trace = ambient.trace
        return self._grad if trace is None else trace.read_grad(self)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            _check_gradient(self, value)
        trace = ambient.trace
        if trace is None:
            self._grad = value
        else:
            trace.write_grad(self, value)

    @property
    def is_leaf(self) -> Bool:
        """Whether it is not the result of a recorded operation."""
        held = state.current_node(self)
        return not held.tracked or held.op is ops.VARIABLE

    def requires_grad_(self, requires_grad: Bool = True) -> Tensor:
        """Make this a leaf that ``backward()`` gives a ``grad``, or an ordinary tensor.

        Raises:
            GradError: for integers, or for the result of a recorded operation.
        """
        if requires_grad == self.requires_grad:
            return self
        if not self.is_leaf:
            raise GradError("[requires_grad_] only leaves can change it; use detach() for others")
        held = state.current_node(self)
        if not requires_grad:
            state.bind(self, state.value_node(held))
            return self
        if not self.dtype.is_floating_point:
            raise GradError(
                f"[requires_grad_] only floats have derivatives, got {self.dtype.name}; cast it"
            )
        identity = object()
        state.bind(self, node(ops.VARIABLE, (held,), identity))
        _variables[identity] = self
        return self

    def detach(self) -> Tensor:
        """The same value without derivative history."""
        return _view(self, state.detached(_read(self)))

    def backward(self, gradient: Tensor | None = None, retain_graph: Bool | None = None) -> None:
        """Add the derivative of this tensor to ``grad`` of every leaf that it depends on.

        Args:
            gradient: derivative of the final result by this tensor; needed unless it has one
                element.
            retain_graph: accepted as PyTorch's; the graph lives as long as its handles.

        Raises:
            GradError: if this tensor requires no gradient, or has several elements and no
                ``gradient`` is given.
        """
        root = tracked_node("backward", self)
        leaves = args.variables_below([root])
        cotangent = cotangent_of("backward", root, gradient)
        parts = vjp([root], [cotangent], leaves)
        owners = [_variables.get(leaf.arg) for leaf in leaves]
        _settle_gradients(owners)
        for owner, part in zip(owners, parts, strict=True):
            if owner is not None and part is not None:
                _accumulate(owner, lang.without_history(part))
        if ambient.trace is None:
            waiting.keep(self)  # computed with the gradients anyway, and often read after

    # -- rebinding ----------------------------------------------------------------------------

    def assign(self, value: Any) -> Tensor:
        """Rebind this handle to ``value``, detached: same shape, brought to this dtype and device.
        A leaf that requires a gradient stays the same leaf.

        Raises:
            ShapeError: for another shape.
        """
        given = value if isinstance(value, Tensor) else Tensor(value, self.dtype, self.device)
        if given.shape != self.shape:
            raise ShapeError(
                f"[assign] cannot bind a value of shape {given.shape} to a tensor of shape "
                f"{self.shape}"
            )
        _refuse_view(self, "assign")
        state.rebind(self, state.detached(_read(given)))
        return self

    def copy_(self, src: Any) -> Tensor:
        """Take the value of ``src``, which broadcasts to this shape."""
        given = src if isinstance(src, Tensor) else Tensor(src, self.dtype, self.device)
        return _in_place(
            self, "copy_", lang.cast(lang.expand(_read(given), self.shape), self.dtype)
        )

    def fill_(self, value: Number) -> Tensor:
        """Take ``value`` everywhere."""
        made = lang.full(self.shape, value, self.dtype, self.device)
        return _in_place(self, "fill_", made)

    def zero_(self) -> Tensor:
        """Take 0 everywhere."""
        return _in_place(self, "zero_", lang.full_like(self._node, 0))

    def add_(self, other: Operand, *, alpha: Number = 1) -> Tensor:
        """``self = self + alpha * other``"""
        return _in_place(self, "add_", self.add(other, alpha=alpha)._node)

    def sub_(self, other: Operand, *, alpha: Number = 1) -> Tensor:
        """``self = self - alpha * other``"""
        return _in_place(self, "sub_", self.sub(other, alpha=alpha)._node)

    def mul_(self, other: Operand) -> Tensor:
        """``self = self * other``"""
        return _in_place(self, "mul_", self.mul(other)._node)

    def div_(self, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
        """``self = self / other``"""
        return _in_place(self, "div_", self.div(other, rounding_mode=rounding_mode)._node)

    def clamp_(self, min: Operand | None = None, max: Operand | None = None) -> Tensor:
        """``self = clamp(self, min, max)``"""
        return _in_place(self, "clamp_", self.clamp(min, max)._node)

    def uniform_(self, low: Float = 0.0, high: Float = 1.0) -> Tensor:
        """Take evenly distributed values in [low, high)."""
        options: Any = {"dtype": self.dtype, "device": self.device}
        return _in_place(
            self, "uniform_", Tensor.uniform(self.shape, low=low, high=high, **options)._node
        )

    def normal_(self, mean: Float = 0.0, std: Float = 1.0) -> Tensor:
        """Take normal values."""
        options: Any = {"dtype": self.dtype, "device": self.device}
        return _in_place(
            self, "normal_", Tensor.normal(self.shape, mean=mean, std=std, **options)._node
        )

    __iadd__ = add_
    __isub__ = sub_
    __imul__ = mul_
    __itruediv__ = div_

    def contiguous(self) -> Tensor:
        """The same value, to be written to memory of its own."""
        made = lang.contiguous(_read(self))
        return from_node(made) if self._bases else _view(self, made)

    def clone(self) -> Tensor:
        """A copy: in-place operations on it leave this tensor as it is."""
        return from_node(lang.contiguous(_read(self)))

    # -- dtype and device ---------------------------------------------------------------------

    def to(self, *args: Any, dtype: Any = None, device: str | None = None) -> Tensor:
        """On another device, in another dtype, or like another tensor: ``to("GPU")``,
        ``to(lazygrad.float16)``, ``to("GPU", lazygrad.float16)``, ``to(other)``."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, str) and arg not in dt.BY_NAME:
                device = arg
            else:
                dtype = arg
        own = _read(self)
        moved = own if dtype is None else lang.cast(own, dt.of(dtype))
        if device is not None:
            moved = lang.copy_to(moved, registry.check_device(device))
        return self if moved is own else from_node(moved)

    def cast(self, dtype: Any) -> Tensor:
        """In another dtype; floats truncate towards zero on their way to integers."""
        chosen = dt.of(dtype)
        return self if chosen is self.dtype else from_node(lang.cast(_read(self), chosen))

    def type(self, dtype: Any) -> Tensor:
        """As ``cast``."""
        return self.cast(dtype)

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of ``other``."""
        return self.cast(other.dtype)

    # -- elementwise, one operand -------------------------------------------------------------

    neg = _unary(lang.neg, "neg")
    abs = _unary(lang.abs, "abs")
    sign = _unary(lang.sign, "sign")
    reciprocal = _unary(lang.reciprocal, "reciprocal")
    square = _unary(lang.square, "square")
    sqrt = _unary(lang.sqrt, "sqrt")
    rsqrt = _unary(lang.rsqrt, "rsqrt")
    exp = _unary(lang.exp, "exp")
    expm1 = _unary(lang.expm1, "expm1")
    log = _unary(lang.log, "log")
    log1p = _unary(lang.log1p, "log1p")
    log2 = _unary(lang.log2, "log2")
    log10 = _unary(lang.log10, "log10")
    sin = _unary(lang.sin, "sin")
    cos = _unary(lang.cos, "cos")
    tan = _unary(lang.tan, "tan")
    erf = _unary(lang.erf, "erf")
    trunc = _unary(lang.trunc, "trunc")
    floor = _unary(lang.floor, "floor")
    ceil = _unary(lang.ceil, "ceil")
    frac = _unary(lang.frac, "frac")
    isnan = _unary(lang.isnan, "isnan")
    isinf = _unary(lang.isinf, "isinf")
    isfinite = _unary(lang.isfinite, "isfinite")
    logical_not = _unary(lang.logical_not, "logical_not")
    bitwise_not = _unary(lang.bitwise_not, "bitwise_not")
    sigmoid = _unary(lang.sigmoid, "sigmoid")
    logsigmoid = _unary(lang.logsigmoid, "logsigmoid")
    tanh = _unary(lang.tanh, "tanh")
    relu = _unary(lang.relu, "relu")
    relu6 = _unary(lang.relu6, "relu6")
    selu = _unary(lang.selu, "selu")
    silu = _unary(lang.silu, "silu")
    mish = _unary(lang.mish, "mish")
    softsign = _unary(lang.softsign, "softsign")
    hardsigmoid = _unary(lang.hardsigmoid, "hardsigmoid")
    hardswish = _unary(lang.hardswish, "hardswish")
    __neg__ = neg
    __abs__ = abs
    __invert__ = bitwise_not

    def __pos__(self) -> Tensor:
        return self

    def round(self, decimals: Int = 0) -> Tensor:
        """The nearest integer, halves to even; or the nearest multiple of 10**-decimals."""
        require_range("round", -MOST_DECIMALS, MOST_DECIMALS, decimals=decimals)
        return from_node(lang.round(_read(self), decimals))

    def clamp(self, min: Operand | None = None, max: Operand | None = None) -> Tensor:
        """Limited to [min, max], numbers or tensors."""
        low = None if min is None else _required("clamp", min, self)
        high = None if max is None else _required("clamp", max, self)
        return from_node(lang.clamp(_read(self), low, high))

    clip = clamp

    def leaky_relu(self, negative_slope: Float = 0.01) -> Tensor:
        """``x`` above 0, else ``negative_slope * x``"""
        return from_node(lang.leaky_relu(_read(self), negative_slope))

    def elu(self, alpha: Float = 1.0) -> Tensor:
        """``x`` above 0, else ``alpha * (exp(x) - 1)``"""
        return from_node(lang.elu(_read(self), alpha))

    def gelu(self, approximate: str = "none") -> Tensor:
        """``x * Phi(x)``, exact or approximated by "tanh"."""
        return from_node(lang.gelu(_read(self), approximate))

    def hardtanh(self, min_val: Float = -1.0, max_val: Float = 1.0) -> Tensor:
        """Limited to [min_val, max_val]"""
        return from_node(lang.hardtanh(_read(self), min_val, max_val))

    def softplus(self, beta: Float = 1.0, threshold: Float = 20.0) -> Tensor:
        """``log(1 + exp(beta * x)) / beta``"""
        return from_node(lang.softplus(_read(self), beta, threshold))

    # -- elementwise, two operands ------------------------------------------------------------

    __add__ = _binary(lang.add, "add")
    __sub__ = _binary(lang.sub, "sub")
    __mul__ = _binary(lang.mul, "mul")
    __truediv__ = _binary(lang.div, "div")
    __floordiv__ = _binary(lang.floor_divide, "floor_divide")
    __mod__ = _binary(lang.remainder, "remainder")
    __pow__ = _binary(lang.pow, "pow")
    __matmul__ = _product(reverse=False)
    __and__ = _binary(lang.bitwise_and, "bitwise_and")
    __or__ = _binary(lang.bitwise_or, "bitwise_or")
    __xor__ = _binary(lang.bitwise_xor, "bitwise_xor")
    __lshift__ = _binary(lang.lshift, "lshift")
    __rshift__ = _binary(lang.rshift, "rshift")
    __lt__ = _binary(lang.lt, "lt")
    __le__ = _binary(lang.le, "le")
    __gt__ = _binary(lang.gt, "gt")
    __ge__ = _binary(lang.ge, "ge")
    __eq__ = _binary(lang.eq, "eq")  # type: ignore[assignment]
    __ne__ = _binary(lang.ne, "ne")  # type: ignore[assignment]
    __radd__ = _reflected(lang.add, "add")
    __rsub__ = _reflected(lang.sub, "sub")
    __rmul__ = _reflected(lang.mul, "mul")
    __rtruediv__ = _reflected(lang.div, "div")
    __rfloordiv__ = _reflected(lang.floor_divide, "floor_divide")
    __rmod__ = _reflected(lang.remainder, "remainder")
    __rpow__ = _reflected(lang.pow, "pow")
    __rmatmul__ = _product(reverse=True)
    __rand__ = _reflected(lang.bitwise_and, "bitwise_and")
    __ror__ = _reflected(lang.bitwise_or, "bitwise_or")
    __rxor__ = _reflected(lang.bitwise_xor, "bitwise_xor")

    mul = multiply = _binary(lang.mul, "mul")
    floor_divide = _binary(lang.floor_divide, "floor_divide")
    fmod = _binary(lang.fmod, "fmod")
    remainder = _binary(lang.remainder, "remainder")
    pow = _binary(lang.pow, "pow")
    maximum = _binary(lang.maximum, "maximum")
    minimum = _binary(lang.minimum, "minimum")
    logaddexp = _binary(lang.logaddexp, "logaddexp")
    lt = less = _binary(lang.lt, "lt")
    le = less_equal = _binary(lang.le, "le")
    gt = greater = _binary(lang.gt, "gt")
    ge = greater_equal = _binary(lang.ge, "ge")
    eq = _binary(lang.eq, "eq")
    ne = not_equal = _binary(lang.ne, "ne")
    logical_and = _binary(lang.logical_and, "logical_and")
    logical_or = _binary(lang.logical_or, "logical_or")
    logical_xor = _binary(lang.logical_xor, "logical_xor")
    bitwise_and = _binary(lang.bitwise_and, "bitwise_and")
    bitwise_or = _binary(lang.bitwise_or, "bitwise_or")
    bitwise_xor = _binary(lang.bitwise_xor, "bitwise_xor")

    def add(self, other: Operand, *, alpha: Number = 1) -> Tensor:
        """``self + alpha * other``"""
        operand = _scaled("add", other, alpha, self)
        return from_node(lang.add(_read(self), operand))

    def sub(self, other: Operand, *, alpha: Number = 1) -> Tensor:
        """``self - alpha * other``"""
        operand = _scaled("sub", other, alpha, self)
        return from_node(lang.sub(_read(self), operand))

    def div(self, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
        """True division, or rounded: "trunc" towards zero, "floor" down."""
        if rounding_mode not in _DIVISIONS:
            raise ValueRangeError(
                f'[div] rounding_mode must be None, "trunc" or "floor", got {rounding_mode!r}'
            )
        return from_node(_DIVISIONS[rounding_mode](_read(self), _required("div", other, self)))

    divide = true_divide = div

    def where(self, condition: Tensor, other: Operand) -> Tensor:
        """``self`` where ``condition`` holds, else ``other``."""
        return from_node(lang.where(_read(condition), _read(self), _required("where", other, self)))

    def masked_fill(self, mask: Tensor, value: Operand) -> Tensor:
        """``value`` where ``mask`` holds, in this dtype."""
        filler = _required("masked_fill", value, self)
        return from_node(lang.masked_fill(_read(self), _read(mask), filler))

    def lerp(self, end: Operand, weight: Operand) -> Tensor:
        """``self + weight * (end - self)``"""
        to, share = _required("lerp", end, self), _required("lerp", weight, self)
        return from_node(lang.lerp(_read(self), to, share))

    def isclose(
        self, other: Operand, rtol: Float = 1e-5, atol: Float = 1e-8, equal_nan: Bool = False
    ) -> Tensor:
        """Whether each pair differs by at most ``atol + rtol * |other|``."""
        operand = _required("isclose", other, self)
        return from_node(lang.isclose(_read(self), operand, rtol, atol, equal_nan))

    def allclose(
        self, other: Operand, rtol: Float = 1e-5, atol: Float = 1e-8, equal_nan: Bool = False
    ) -> Bool:
        """Whether all pairs are close."""
        return Bool(self.isclose(other, rtol, atol, equal_nan).all())

    def equal(self, other: Tensor) -> Bool:
        """Whether shape and all values are the same."""
        return self.shape == other.shape and Bool(self.eq(other).all())

    # -- reductions ---------------------------------------------------------------------------

    def sum(self, dim: Dims = None, keepdim: Bool = False, *, dtype: Any = None) -> Tensor:
        """Sum over ``dim``; bools and integers give int64."""
        return from_node(lang.sum(_read(self), args.dims(dim), keepdim, args.dtype(dtype)))

    def mean(self, dim: Dims = None, keepdim: Bool = False, *, dtype: Any = None) -> Tensor:
        """Arithmetic mean over ``dim``, of floats."""
        return from_node(lang.mean(_read(self), args.dims(dim), keepdim, args.dtype(dtype)))

    def prod(self, dim: Dims = None, keepdim: Bool = False, *, dtype: Any = None) -> Tensor:
        """Product over ``dim``; bools and integers give int64."""
        return from_node(lang.prod(_read(self), args.dims(dim), keepdim, args.dtype(dtype)))

    def var(
        self, dim: Dims = None, unbiased: Bool = True, keepdim: Bool = False, *,
        correction: Float | None = None,
    ) -> Tensor:  # fmt: skip
        """Variance with divisor ``count - correction`` (default 1; ``unbiased=False``: 0)."""
        less = args.correction(unbiased, correction)
        return from_node(lang.var(_read(self), args.dims(dim), less, keepdim))

    def std(
        self, dim: Dims = None, unbiased: Bool = True, keepdim: Bool = False, *,
        correction: Float | None = None,
    ) -> Tensor:  # fmt: skip
        """Standard deviation, the root of ``var``."""
        less = args.correction(unbiased, correction)
        return from_node(lang.std(_read(self), args.dims(dim), less, keepdim))

    def max(self, dim: Int | Tensor | None = None, keepdim: Bool = False) -> Any:
        """The largest value; with ``dim`` also its index: ``(values, indices)``. With another
        tensor, the larger of each pair."""
        if isinstance(dim, Tensor):
            return self.maximum(dim)
        if dim is None:
            return from_node(lang.amax(_read(self)))
        return _max_min(lang.max_with_index(_read(self), dim, keepdim), "max")

    def min(self, dim: Int | Tensor | None = None, keepdim: Bool = False) -> Any:
        """The smallest value; with ``dim`` also its index: ``(values, indices)``. With another
        tensor, the smaller of each pair."""
        if isinstance(dim, Tensor):
            return self.minimum(dim)
        if dim is None:
            return from_node(lang.amin(_read(self)))
        return _max_min(lang.min_with_index(_read(self), dim, keepdim), "min")

    def amax(self, dim: Dims = None, keepdim: Bool = False) -> Tensor:
        """The largest value over one or several dims; equals share the gradient."""
        return from_node(lang.amax(_read(self), args.dims(dim), keepdim))

    def amin(self, dim: Dims = None, keepdim: Bool = False) -> Tensor:
        """The smallest value over one or several dims; equals share the gradient."""
        return from_node(lang.amin(_read(self), args.dims(dim), keepdim))

    def argmax(self, dim: Int | None = None, keepdim: Bool = False) -> Tensor:
        """Index of the first largest value, int64."""
        return from_node(lang.argmax(_read(self), dim, keepdim))

    def argmin(self, dim: Int | None = None, keepdim: Bool = False) -> Tensor:
        """Index of the first smallest value, int64."""
        return from_node(lang.argmin(_read(self), dim, keepdim))

    def any(self, dim: Dims = None, keepdim: Bool = False) -> Tensor:
        """Whether something is not 0."""
        return from_node(lang.any(_read(self), dim, keepdim))

    def all(self, dim: Dims = None, keepdim: Bool = False) -> Tensor:
        """Whether nothing is 0."""
        return from_node(lang.all(_read(self), dim, keepdim))

    def logsumexp(self, dim: Dims, keepdim: Bool = False) -> Tensor:
        """``log(sum(exp(x)))`` over ``dim``, without overflow."""
        return from_node(lang.logsumexp(_read(self), dim, keepdim))

    def cumsum(self, dim: Int, *, dtype: Any = None) -> Tensor:
        """Running sum along ``dim``."""
        return from_node(lang.cumsum(_read(self), dim, args.dtype(dtype)))

    def softmax(self, dim: Int = -1, dtype: Any = None) -> Tensor:
        """``exp(x)`` scaled to sum 1 along ``dim``."""
        return from_node(lang.softmax(_read(self), dim, args.dtype(dtype)))

    def log_softmax(self, dim: Int = -1, dtype: Any = None) -> Tensor:
        """Logarithm of ``softmax``."""
        return from_node(lang.log_softmax(_read(self), dim, args.dtype(dtype)))

    # -- movement -----------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        """The elements in row-major order in another shape; one size may be -1."""
        return _view(self, lang.reshape(_read(self), as_shape("reshape", shape)))

    def view(self, *shape: Any) -> Tensor:
        """As ``reshape``: every tensor can be viewed in every shape."""
        return _view(self, lang.reshape(_read(self), as_shape("view", shape)))

    def view_as(self, other: Tensor) -> Tensor:
        """In the shape of ``other``."""
        return _view(self, lang.reshape(_read(self), other.shape))

    def permute(self, *dims: Any) -> Tensor:
        """Dims in another order."""
        return _view(self, lang.permute(_read(self), as_shape("permute", dims)))

    def transpose(self, dim0: Int, dim1: Int) -> Tensor:
        """Two dims exchanged."""
        return _view(self, lang.transpose(_read(self), dim0, dim1))

    swapaxes = swapdims = transpose

    def t(self) -> Tensor:
        """A matrix transposed; vectors and scalars as they are."""
        if self.ndim > 2:
            raise ShapeError(f"[t] needs at most 2 dims, got shape {self.shape}; use transpose()")
        return _view(self, lang.permute(_read(self), tuple(reversed(range(self.ndim)))))

    @property
    def T(self) -> Tensor:
        """All dims in reverse order."""
        return _view(self, lang.permute(_read(self), tuple(reversed(range(self.ndim)))))

    @property
    def mT(self) -> Tensor:
        """The last two dims exchanged."""
        if self.ndim < 2:
            raise ShapeError(f"[mT] needs 2 dims, got shape {self.shape}")
        return _view(self, lang.transpose(_read(self), -2, -1))

    def movedim(self, source: Sizes, destination: Sizes) -> Tensor:
        """Dims moved to other places; the rest keeps its order."""
        return _view(self, lang.movedim(_read(self), source, destination))

    moveaxis = movedim

    def expand(self, *sizes: Any) -> Tensor:
        """Dims of size 1 repeated; -1 keeps a size."""
        return _view(self, lang.expand(_read(self), as_shape("expand", sizes)))

    def expand_as(self, other: Tensor) -> Tensor:
        """Expanded to the shape of ``other``."""
        return _view(self, lang.expand(_read(self), other.shape))

    def broadcast_to(self, *shape: Any) -> Tensor:
        """Repeated to a shape that it broadcasts to."""
        return _view(self, lang.broadcast_to(_read(self), as_shape("broadcast_to", shape)))

    def pad(
        self, pad: Sequence[Int] | Sequence[tuple[Int, Int]], mode: str = "constant",
        value: Number | None = 0,
    ) -> Tensor:  # fmt: skip
        """``value`` around the tensor, as torch.nn.functional.pad: ``(left, right, top, bottom,
        ...)`` from the last dim on; or one (before, after) pair for each dim. Negative ones cut."""
        if mode != "constant":
            raise ValueRangeError(f'[pad] mode must be "constant", got {mode!r}')
        filler = value or 0
        dt.require_fit("pad", filler, self.dtype)
        return from_node(lang.pad(_read(self), args.pads(pad, self.ndim), filler))

    def flip(self, *dims: Any) -> Tensor:
        """The order along ``dims`` reversed."""
        return from_node(lang.flip(_read(self), as_shape("flip", dims)))

    def roll(self, shifts: Sizes, dims: Dims = None) -> Tensor:
        """Elements moved forward along ``dims``, around the end."""
        return from_node(lang.roll(_read(self), shifts, dims))

    def squeeze(self, dim: Dims = None) -> Tensor:
        """Without dims of size 1."""
        return _view(self, lang.squeeze(_read(self), dim))

    def unsqueeze(self, dim: Int) -> Tensor:
        """A new dim of size 1."""
        return _view(self, lang.unsqueeze(_read(self), dim))

    def flatten(self, start_dim: Int = 0, end_dim: Int = -1) -> Tensor:
        """Dims ``start_dim`` to ``end_dim`` as one."""
        return _view(self, lang.flatten(_read(self), start_dim, end_dim))

    def ravel(self) -> Tensor:
        """All dims as one."""
        return _view(self, lang.flatten(_read(self)))

    def unflatten(self, dim: Int, sizes: Sequence[Int]) -> Tensor:
        """Dim ``dim`` split into ``sizes``."""
        return _view(self, lang.unflatten(_read(self), dim, sizes))

    def repeat(self, *repeats: Any) -> Tensor:
        """Tiled along each dim."""
        return from_node(lang.repeat(_read(self), as_shape("repeat", repeats)))

    def tile(self, *dims: Any) -> Tensor:
        """Tiled along the last dims."""
        return from_node(lang.tile(_read(self), as_shape("tile", dims)))

    def narrow(self, dim: Int, start: Int, length: Int) -> Tensor:
        """``length`` elements of ``dim`` from ``start`` on."""
        return _view(self, lang.narrow(_read(self), dim, start, length))

    def select(self, dim: Int, index: Int) -> Tensor:
        """Element ``index`` of ``dim``, which is removed."""
        axis = normalize_axis("select", dim, self.ndim)
        return _view(self, lang.getitem(_read(self), (slice(None),) * axis + (index,)))

    def split(self, split_size: Sizes, dim: Int = 0) -> tuple[Tensor, ...]:
        """Pieces of ``split_size`` along ``dim``, or of the sizes listed."""
        return tuple([_view(self, x, "split") for x in lang.split(_read(self), split_size, dim)])

    def chunk(self, chunks: Int, dim: Int = 0) -> tuple[Tensor, ...]:
        """At most ``chunks`` equal pieces along ``dim``."""
        return tuple([_view(self, x, "chunk") for x in lang.chunk(_read(self), chunks, dim)])

    def unbind(self, dim: Int = 0) -> tuple[Tensor, ...]:
        """All slices along ``dim``, which is removed."""
        axis = normalize_axis("unbind", dim, self.ndim)
        return tuple([self.select(axis, i) for i in range(self.size(axis))])

    @staticmethod
    def cat(tensors: Sequence[Tensor], dim: Int = 0) -> Tensor:
        """Tensors one after the other along ``dim``."""
        return from_node(lang.cat([_read(tensor) for tensor in tensors], dim))

    @staticmethod
    def stack(tensors: Sequence[Tensor], dim: Int = 0) -> Tensor:
        """Tensors of one shape along a new ``dim``."""
        return from_node(lang.stack([_read(tensor) for tensor in tensors], dim))

    def tril(self, diagonal: Int = 0) -> Tensor:
        """Zeros above a diagonal of the last two dims."""
        return from_node(lang.tril(_read(self), diagonal))

    def triu(self, diagonal: Int = 0) -> Tensor:
        """Zeros below a diagonal of the last two dims."""
        return from_node(lang.triu(_read(self), diagonal))

    # -- indexing -----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        """Ints, slices, None, ``...`` and integer tensors, together as in NumPy.

        Raises:
            AxisError, ValueRangeError: an index out of range; where its value is not known yet,
                floats become NaN there instead.
        """
        items = tuple([_index_item(item, self) for item in args.as_tuple(key)])
        known = args.check_items(items, self.shape)
        made = lang.getitem(_read(self), items, known)
        gathers = any(isinstance(item, Node) for item in items)
        return from_node(made, "getitem") if gathers else _view(self, made, "getitem")

    def gather(self, dim: Int, index: Tensor) -> Tensor:
        """``out[i][j] = self[i][index[i][j]]`` for dim 1."""
        where = _read(index)
        axis = normalize_axis("gather", dim, self.ndim)
        known = len(self.shape) > 0 and host.check_indices("gather", where, self.shape[axis])
        return from_node(lang.gather(_read(self), dim, where, known))

    def index_select(self, dim: Int, index: Tensor) -> Tensor:
        """The slices along ``dim`` that ``index`` names."""
        where = _read(index)
        known = host.check_indices("index_select", where, self.size(dim))
        return from_node(lang.index_select(_read(self), dim, where, known))

    def one_hot(self, num_classes: Int = -1) -> Tensor:
        """int64 (.., num_classes): 1 at each index. -1 looks for the largest, now."""
        index = _read(self)
        require_range("one_hot", -1, num_classes=num_classes)
        if num_classes < 0:
            num_classes = (self.max().item() + 1) if self.numel() else 0
        host.check_labels("one_hot", index, num_classes)
        return from_node(lang.one_hot(index, num_classes))

    def embedding(self, weight: Tensor, padding_idx: Int | None = None) -> Tensor:
        """Rows of ``weight`` (rows, width) that these integers name; row ``padding_idx`` gets no
        gradient."""
        index, table = _read(self), _read(weight)
        if table.ndim != 2:
            raise ShapeError(f"[embedding] weight must be (rows, width), got shape {table.shape}")
        known = host.check_labels("embedding", index, table.shape[0])
        if padding_idx is not None:
            require_range("embedding", -table.shape[0], table.shape[0] - 1, padding_idx=padding_idx)
            row = lang.reshape(lang.iota(table.shape[0], table.device), (-1, 1))
            frozen = lang.eq(row, padding_idx % table.shape[0])
            kept = lang.where(frozen, lang.detach(table), table)
            table = lang.surrogate(table, kept)
        return from_node(lang.embedding(table, index, known))

    # -- products -----------------------------------------------------------------------------

    def matmul(self, other: Tensor) -> Tensor:
        """Matrix product; vectors and stacks of matrices as in torch.matmul."""
        return from_node(lang.matmul(_read(self), _read(other)))

    mm = mv = matmul

    def bmm(self, mat2: Tensor) -> Tensor:
        """Products of two stacks of matrices."""
        return from_node(lang.bmm(_read(self), _read(mat2)))

    def dot(self, other: Tensor) -> Tensor:
        """Inner product of two vectors."""
        return from_node(lang.dot(_read(self), _read(other)))

    def outer(self, vec2: Tensor) -> Tensor:
        """All products of two vectors' elements."""
        return from_node(lang.outer(_read(self), _read(vec2)))

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """``self @ weight.T + bias``"""
        return from_node(lang.linear(_read(self), _read(weight), _optional(bias)))

    def scaled_dot_product_attention(
        self,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: Float = 0.0,
        is_causal: Bool = False,
        scale: Float | None = None,
    ) -> Tensor:
        """``softmax(self @ key.T * scale + mask) @ value``"""
        drop = _random_key(self.device) if dropout_p else None
        mask = _optional(attn_mask)
        return from_node(
            lang.scaled_dot_product_attention(
                _read(self), _read(key), _read(value), mask, dropout_p, is_causal, scale, drop
            )
        )

    # -- windows ------------------------------------------------------------------------------

    def conv1d(
        self, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
        padding: Sizes | str = 0, dilation: Sizes = 1, groups: Int = 1,
    ) -> Tensor:  # fmt: skip
        """Convolution of (N, C, L) or (C, L) with weight (out, C / groups, kernel)."""
        own, filters = _read(self), _read(weight)
        return from_node(
            lang.conv("conv1d", own, filters, _optional(bias), 1, stride, padding, dilation, groups)
        )

    def conv2d(
        self, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
        padding: Sizes | str = 0, dilation: Sizes = 1, groups: Int = 1,
    ) -> Tensor:  # fmt: skip
        """Convolution of (N, C, H, W) or (C, H, W) with weight (out, C / groups, kh, kw).

        ``padding`` may be "same" or "valid".
        """
        own, filters = _read(self), _read(weight)
        return from_node(
            lang.conv("conv2d", own, filters, _optional(bias), 2, stride, padding, dilation, groups)
        )

    def max_pool1d(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        dilation: Sizes = 1, ceil_mode: Bool = False, return_indices: Bool = False,
    ) -> Any:  # fmt: skip
        """The largest value of each window over the last dim."""
        arguments = (1, kernel_size, stride, padding, dilation, ceil_mode)
        if return_indices:
            return _both(lang.max_pool_with_indices("max_pool1d", _read(self), *arguments))
        return from_node(lang.max_pool("max_pool1d", _read(self), *arguments))

    def max_pool2d(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        dilation: Sizes = 1, ceil_mode: Bool = False, return_indices: Bool = False,
    ) -> Any:  # fmt: skip
        """The largest value of each window over the last two dims; with ``return_indices`` also
        its int64 place in the flattened (H, W)."""
        arguments = (2, kernel_size, stride, padding, dilation, ceil_mode)
        if return_indices:
            return _both(lang.max_pool_with_indices("max_pool2d", _read(self), *arguments))
        return from_node(lang.max_pool("max_pool2d", _read(self), *arguments))

    def avg_pool1d(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        ceil_mode: Bool = False, count_include_pad: Bool = True,
    ) -> Tensor:  # fmt: skip
        """The mean of each window over the last dim."""
        arguments = (1, kernel_size, stride, padding, ceil_mode, count_include_pad)
        return from_node(lang.avg_pool("avg_pool1d", _read(self), *arguments))

    def avg_pool2d(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        ceil_mode: Bool = False, count_include_pad: Bool = True,
        divisor_override: Int | None = None,
    ) -> Tensor:  # fmt: skip
        """The mean of each window over the last two dims."""
        arguments = (2, kernel_size, stride, padding, ceil_mode, count_include_pad)
        return from_node(lang.avg_pool("avg_pool2d", _read(self), *arguments, divisor_override))

    # -- normalisation and dropout ------------------------------------------------------------

    def layernorm(self, axis: Dims = -1, eps: Float = 1e-5) -> Tensor:
        """Mean 0 and variance 1 over ``axis``."""
        return from_node(lang.standardize(_read(self), axis, eps))

    def layer_norm(
        self, normalized_shape: Sizes, weight: Tensor | None = None, bias: Tensor | None = None,
        eps: Float = 1e-5,
    ) -> Tensor:  # fmt: skip
        """Mean 0 and variance 1 over the last dims, scaled by ``weight``, shifted by ``bias``."""
        inner = as_shape("layer_norm", (normalized_shape,))
        scale, shift = _optional(weight), _optional(bias)
        return from_node(lang.layer_norm(_read(self), inner, scale, shift, eps))

    def group_norm(
        self, num_groups: Int, weight: Tensor | None = None, bias: Tensor | None = None,
        eps: Float = 1e-5,
    ) -> Tensor:  # fmt: skip
        """Mean 0 and variance 1 over groups of channels."""
        scale, shift = _optional(weight), _optional(bias)
        return from_node(lang.group_norm(_read(self), num_groups, scale, shift, eps))

    def batch_norm(
        self, running_mean: Tensor | None, running_var: Tensor | None,
        weight: Tensor | None = None, bias: Tensor | None = None, training: Bool = False,
        momentum: Float = 0.1, eps: Float = 1e-5,
    ) -> Tensor:  # fmt: skip
        """Channels (dim 1) normalised: in training by the batch's moments, which also move the
        running ones; else by the running ones."""
        own, scale, shift = _read(self), _optional(weight), _optional(bias)
        if not training:
            if running_mean is None or running_var is None:
                raise ShapeError("[batch_norm] needs running_mean and running_var unless training")
            center, spread = _read(running_mean), _read(running_var)
        else:
            center, spread, count = lang.batch_moments(own)
            for name, running in (("running_mean", running_mean), ("running_var", running_var)):
                if running is not None and running.shape != center.shape:
                    raise ShapeError(
                        f"[batch_norm] {name} must have shape {center.shape}, not {running.shape}"
                    )
            if running_mean is not None:
                _move(running_mean, center, momentum)
            if running_var is not None:
                _move(running_var, lang.mul(spread, count / (count - 1)), momentum)
        return from_node(lang.batch_norm(own, center, spread, scale, shift, eps))

    def batchnorm(
        self, weight: Tensor | None, bias: Tensor | None, mean: Tensor, var: Tensor,
        eps: Float = 1e-5,
    ) -> Tensor:  # fmt: skip
        """Channels (dim 1) normalised by the moments given."""
        scale, shift = _optional(weight), _optional(bias)
        return from_node(lang.batch_norm(_read(self), _read(mean), _read(var), scale, shift, eps))

    def dropout(self, p: Float = 0.5, training: Bool = True) -> Tensor:
        """Elements zeroed with probability ``p`` and the others scaled, in training."""
        require_range("dropout", 0, 1, p=p)
        if not training or p == 0.0:
            return self
        return from_node(lang.dropout(_read(self), _random_key(self.device), p))

    # -- losses -------------------------------------------------------------------------------

    def cross_entropy(
        self, target: Tensor, weight: Tensor | None = None, ignore_index: Int = -100,
        reduction: str = "mean", label_smoothing: Float = 0.0,
    ) -> Tensor:  # fmt: skip
        """Cross entropy of logits (N, C, ..) or (C) with class indices or probabilities.

        Raises:
            ValueRangeError: a label outside [0, C) among values given by the host. Labels that
                were computed cannot raise: their loss is NaN.
        """
        labels, factors = _labels("cross_entropy", self, target, ignore_index), _optional(weight)
        return from_node(
            lang.cross_entropy(
                _read(self), labels, factors, ignore_index, reduction, label_smoothing
            )
        )

    def nll_loss(
        self, target: Tensor, weight: Tensor | None = None, ignore_index: Int = -100,
        reduction: str = "mean",
    ) -> Tensor:  # fmt: skip
        """``-self[target]`` of log-probabilities (N, C, ..) or (C); wrong labels as in
        ``cross_entropy``."""
        labels, factors = _labels("nll_loss", self, target, ignore_index), _optional(weight)
        return from_node(lang.nll_loss(_read(self), labels, factors, ignore_index, reduction))

    def mse_loss(self, target: Tensor, reduction: str = "mean") -> Tensor:
        """Squared difference."""
        return from_node(lang.mse_loss(_read(self), _read(target), reduction))

    def l1_loss(self, target: Tensor, reduction: str = "mean") -> Tensor:
        """Absolute difference."""
        return from_node(lang.l1_loss(_read(self), _read(target), reduction))

    def smooth_l1_loss(self, target: Tensor, reduction: str = "mean", beta: Float = 1.0) -> Tensor:
        """Squared below ``beta``, absolute above."""
        return from_node(lang.smooth_l1_loss(_read(self), _read(target), reduction, beta))

    def huber_loss(self, target: Tensor, reduction: str = "mean", delta: Float = 1.0) -> Tensor:
        """Squared below ``delta``, ``delta`` times absolute above."""
        return from_node(lang.huber_loss(_read(self), _read(target), reduction, delta))

    def binary_cross_entropy(
        self, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
    ) -> Tensor:
        """Of probabilities."""
        factors = _optional(weight)
        return from_node(lang.binary_cross_entropy(_read(self), _read(target), factors, reduction))

    def binary_cross_entropy_with_logits(
        self, target: Tensor, weight: Tensor | None = None, reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Of logits."""
        factors, positive = _optional(weight), _optional(pos_weight)
        return from_node(
            lang.binary_cross_entropy_with_logits(
                _read(self), _read(target), factors, reduction, positive
            )
        )

    def kl_div(self, target: Tensor, reduction: str = "mean", log_target: Bool = False) -> Tensor:
        """Divergence of the distribution ``target`` from log-probabilities ``self``."""
        return from_node(lang.kl_div(_read(self), _read(target), reduction, log_target))

    # -- casts by name; last, because inside the class they hide the built-in types -----------

    def bool(self) -> Tensor:
        """Whether each element is not 0."""
        return self.cast(dt.bool_)

    def byte(self) -> Tensor:
        """As uint8."""
        return self.cast(dt.uint8)

    def short(self) -> Tensor:
        """As int16."""
        return self.cast(dt.int16)

    def int(self) -> Tensor:
        """As int32."""
        return self.cast(dt.int32)

    def long(self) -> Tensor:
        """As int64."""
        return self.cast(dt.int64)

    def half(self) -> Tensor:
        """As float16."""
        return self.cast(dt.float16)

    def bfloat16(self) -> Tensor:
        """As bfloat16."""
        return self.cast(dt.bfloat16)

    def float(self) -> Tensor:
        """As float32."""
        return self.cast(dt.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.cast(dt.float64)


# -- behind the methods ----------------------------------------------------------------------

_DIVISIONS: dict[str | None, Callable[[Any, Any], Node]] = {
    None: lang.div,
    "trunc": lang.trunc_divide,
    "floor": lang.floor_divide,
}


def _made(made: Node, requires_grad: Bool) -> Tensor:
    tensor = from_node(made, sys._getframe(1).f_code.co_name)
    return tensor.requires_grad_() if requires_grad else tensor


def _filled(op: str, size: Any, value: Number, dtype: Any, device: str | None) -> Node:
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    return lang.full(as_shape(op, size), value, chosen, registry.check_device(device))


def _random_key(device: str) -> Node:
    """A key of its own for each random operation, taken when it is built."""
    if ambient.trace is not None:
        return ambient.trace.random_key(device)
    return node(ops.BUFFER, (), buffer.from_stored(modes.next_key(), lang.KEY_DTYPE, device))


def _drawn(
    op: str, draw: Callable[..., Node], size: Any, dtype: Any, device: str | None, *bounds: float
) -> Node:
    """Random numbers of a float dtype."""
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    if not chosen.is_floating_point:
        raise DtypeError(f"[{op}] needs a float dtype, got {chosen.name}; randint takes others")
    where = registry.check_device(device)
    return draw(_random_key(where), as_shape(op, size), chosen, *bounds)


def _scaled(op: str, other: Any, alpha: Number, like: Tensor) -> Any:
    operand = _required(op, other, like)
    if isinstance(alpha, int | Float) and alpha == 1:
        return operand
    return lang.mul(operand, alpha) if isinstance(operand, Node) else operand * alpha


def _max_min(pair: tuple[Node, Node], label: str) -> MaxMin:
    return MaxMin(from_node(pair[0], label), from_node(pair[1], label))


def _both(pair: tuple[Node, Node]) -> tuple[Tensor, Tensor]:
    label = sys._getframe(1).f_code.co_name
    return from_node(pair[0], label), from_node(pair[1], label)


def _index_item(item: Any, like: Tensor) -> Any:
    """One item of ``x[...]`` in the terms of ``lang.getitem``."""
    if isinstance(item, Tensor):
        return _read(item)
    if isinstance(item, np.ndarray | list):
        return host.leaf_of(np.asarray(item, None if len(item) else np.int64), None, like.device)
    if isinstance(item, np.integer):
        return Int(item)
    return item


def _labels(op: str, scores: Tensor, target: Tensor, ignore_index: Int) -> Node:
    """The labels' node, checked if the host has seen their values."""
    labels = _read(target)
    if labels.dtype.is_integer and scores.ndim:
        host.check_labels(op, labels, scores.shape[0 if scores.ndim == 1 else 1], ignore_index)
    return labels


# -- rebinding ------------------------------------------------------------------------------


def _in_place(tensor: Tensor, op: str, value: Node) -> Tensor:
    """An in-place method: the handle becomes ``value``.

    Raises:
        GradError: for a leaf that requires a gradient, unless gradients are off.
    """
    if ambient.grad_enabled and state.current_node(tensor).op is ops.VARIABLE:
        raise GradError(
            f"[{op}] a leaf that requires a gradient cannot be changed in place; do it inside "
            "no_grad()"
        )
    _refuse_view(tensor, op)
    if value.shape != tensor.shape:
        raise ShapeError(
            f"[{op}] the result has shape {value.shape}, which does not fit into a tensor of shape "
            f"{tensor.shape}"
        )
    if args.category(value.dtype) > args.category(tensor.dtype):
        raise DtypeError(
            f"[{op}] the result is {value.dtype.name}, which does not fit {tensor.dtype.name}; "
            "use the operation that returns a new tensor"
        )
    state.rebind(tensor, value)
    return tensor


def _refuse_view(tensor: Tensor, op: str) -> None:
    """A write to a view would not reach the tensors that it shows a part of.

    Raises:
        WriteError: while one of them is there.
    """
    for reference in tensor._bases:
        base = reference()
        if base is not None:
            raise WriteError(
                f"[{op}] this tensor of shape {tensor.shape} is a view of one of shape "
                f"{base.shape}, which the write would not reach; write to that one, as by "
                "assign() or where(), or clone() the view first"
            )


def _move(running: Tensor, toward: Node, share: Float) -> None:
    """``running = (1 - share) * running + share * toward``"""
    kept = lang.mul(lang.without_history(_read(running)), 1.0 - share)
    state.rebind(running, lang.add(kept, lang.mul(lang.without_history(toward), share)))


# -- derivatives -----------------------------------------------------------------------------


def tracked_node(op: str, tensor: Tensor) -> Node:
    root = tensor._node if ambient.trace is None else ambient.trace.read(tensor)
    if not root.tracked:
        raise GradError(
            f"[{op}] a tensor of shape {tensor.shape} does not require a gradient: nothing that "
            "it was computed from has requires_grad=True, or it was computed under no_grad() or "
            "detached"
        )
    return root


def cotangent_of(op: str, root: Node, gradient: Tensor | None) -> Node:
    """The derivative of the final result by ``root``: 1 unless given."""
    if gradient is None:
        if root.size != 1:
            raise GradError(
                f"[{op}] gradient can be left out for scalar outputs only, got shape {root.shape}; "
                "reduce it, as by .sum(), or give gradient"
            )
        return lang.ones_like(root)
    given = _read(gradient)
    if given.shape != root.shape:
        raise ShapeError(
            f"[{op}] gradient has shape {given.shape}, the output has shape {root.shape}"
        )
    return lang.cast(given, root.dtype)


def _check_gradient(owner: Tensor, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise ArgumentError(f"[grad] a gradient must be a Tensor or None, got {shown(value)}")
    own, given = owner._node, value._node
    if (own.shape, own.dtype, own.device) != (given.shape, given.dtype, given.device):
        raise ShapeError(
            f"[grad] a gradient is like its tensor, {own.dtype.name} {own.shape} on {own.device}; "
            f"got {given.dtype.name} {given.shape} on {given.device}"
        )


def _settle_gradients(owners: Iterable[Tensor | None]) -> None:
    """Computes gradients of earlier passes that nobody has read yet: adding up many small batches
    must not keep all their graphs."""
    if ambient.trace is None:
        before = [owner.grad for owner in owners if owner is not None]
        waiting = [g for g in before if g is not None and g._node.op is not ops.BUFFER]
        if waiting:
            state.realize(waiting)


def _accumulate(owner: Tensor, part: Node) -> None:
    with running:  # other threads may add to the same gradient
        before = owner.grad
        total = part if before is None else lang.add(_read(before), part)
        owner.grad = grad = from_node(total, "backward")
    if ambient.trace is None:
        waiting.gradient(owner, grad, before)


# -- calls that are wrong --------------------------------------------------------------------------

# Called in every step of a loop, with nothing to get wrong.
_UNCHECKED = {"realize"}
_INITIATED = {"__init__": "Tensor", "__getitem__": "getitem", "__contains__": "contains"}


def _publish() -> None:
    """Every method that takes arguments keeps the promise of ``public``, under all its names."""
    for name, member in list(vars(Tensor).items()):
        function = member.__func__ if isinstance(member, staticmethod) else member
        label = _INITIATED.get(name) or (None if name.startswith("_") else name)
        if label is None or name in _UNCHECKED or not isinstance(function, FunctionType):
            continue
        if len(signature(function).parameters) > (function is member):
            checked = public(function, label)
            setattr(Tensor, name, checked if function is member else staticmethod(checked))


_publish()
