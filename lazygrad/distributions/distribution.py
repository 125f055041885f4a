"""What all distributions have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad.errors import ArgumentError, DtypeError, ValueRangeError
from lazygrad.handle import Handle
from lazygrad.modes import no_grad
from lazygrad.public import public
from lazygrad.shape import Shape, broadcast
from lazygrad.tensor_class import Tensor


class Distribution:
    """Draws and densities, element by element of ``batch_shape``.

    Parameters are tensors or numbers, which broadcast to each other. Numbers are checked; values of
    tensors are not looked at: that would wait for the device.

    Attributes:
        batch_shape: of the parameters together.
        event_shape: of one draw: () for all distributions here.
        has_rsample: whether derivatives flow through draws.

    >>> uniform = lazygrad.distributions.Uniform(0.0, Tensor([1.0, 2.0]))
    >>> uniform.batch_shape, uniform.event_shape, uniform.mean.tolist(), uniform.has_rsample
    ((2,), (), [0.5, 1.0], True)
    """

    has_rsample = False
    event_shape: Shape = ()

    def __init__(self, batch_shape: Shape, validate_args: bool | None = None) -> None:
        self.batch_shape = batch_shape

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise NotImplementedError

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """A draw through which derivatives flow to the parameters; shape
        ``(*sample_shape, *batch_shape)``.

        Raises:
            ArgumentError: for a distribution of discrete values.
        """
        name = type(self).__name__
        raise ArgumentError(f"[{name}] draws of discrete values have no derivative; use sample()")

    @public
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """A draw without derivatives; shape ``(*sample_shape, *batch_shape)``."""
        with no_grad():
            return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """Logarithm of the density, or of the probability, at ``value``."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The expected negative logarithm of the density, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """e to the power of the entropy."""
        return self.entropy().exp()

    def _shape(self, sample_shape: Sequence[int]) -> Shape:
        return (*sample_shape, *self.batch_shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={self.batch_shape})"


def together(op: str, *values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape, dtype and device."""
    like: Any = next((value for value in values if isinstance(value, Handle)), None)
    options: Any = {} if like is None else {"dtype": like.dtype, "device": like.device}
    tensors = [
        v if isinstance(v, Tensor) else Tensor(v if options else float(v), **options)
        for v in values
    ]
    for tensor in tensors:
        if not tensor.dtype.is_floating_point:
            raise DtypeError(f"[{op}] parameters must be floats, got {tensor.dtype.name}")
    shape = broadcast(op, *(tensor.shape for tensor in tensors))
    return tuple([tensor.expand(shape) for tensor in tensors])


def require(op: str, name: str, value: Any, holds: bool, wanted: str) -> None:
    """Checks a parameter that is a number.

    Raises:
        ValueRangeError: unless it ``holds`` what is ``wanted``.
    """
    if not isinstance(value, Handle) and not holds:
        raise ValueRangeError(f"[{op}] {name} must be {wanted}, got {value}")


def one_of(op: str, probs: Any, logits: Any) -> None:
    """Checks that a distribution is given by one of its two parameters.

    Raises:
        ArgumentError: for none or both.
    """
    if (probs is None) == (logits is None):
        found = "none" if probs is None else "both"
        raise ArgumentError(f"[{op}] takes either probs or logits, got {found}")
