"""Gradients brought to a size. Bounds are numbers of the graph: under jit another one compiles
nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lazygrad import modes
from lazygrad.errors import GradError
from lazygrad.functional.distance import norm
from lazygrad.functional.joining import stack
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

SMALLEST_NORM = 1e-6  # that is added to what is divided by, PyTorch's


@public
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm, taken together as one vector, is at most
    ``max_norm``. Returns the norm that they had, a scalar.

    ``foreach`` is accepted as PyTorch's.

    Raises:
        GradError: with ``error_if_nonfinite`` for a norm that is infinite or NaN, which is looked
            up now.

    >>> w = Tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], max_norm=1.0).item()
    5.0
    >>> w.grad.realize()
    Tensor([0.6, 0.8])
    """
    listed = _listed(parameters)
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


@public
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of tensors, taken together as one vector.

    Raises:
        GradError: with ``error_if_nonfinite`` for a norm that is infinite or NaN.

    >>> nn.utils.get_total_norm([Tensor([3.0]), Tensor([[4.0]])]).item()
    5.0
    """
    listed = _listed(tensors)
    if not listed:
        return Tensor(0.0)
    with modes.no_grad():
        total = norm(stack([norm(x, norm_type).to(listed[0].device) for x in listed]), norm_type)
    if error_if_nonfinite and not total.isfinite().item():
        raise GradError(
            f"[clip_grad_norm_] the norm of the gradients is {total.item()}; look for what made it "
            "so, or scale by it anyway with error_if_nonfinite=False"
        )
    return total


@public
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale all gradients, in place, by ``max_norm / total_norm`` where that is below 1.

    >>> w = Tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grads_with_norm_([w], max_norm=1.0, total_norm=Tensor(10.0))
    >>> w.grad.realize()
    Tensor([0.3, 0.4])
    """
    with modes.no_grad():
        factor = (max_norm / (total_norm + SMALLEST_NORM)).clamp(max=1.0)
        for gradient in _gradients(_listed(parameters)):
            gradient.mul_(factor.to(gradient.device).to(gradient.dtype))


@public
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Bring each element of each gradient, in place, into [-clip_value, clip_value].

    >>> w = Tensor([3.0, -4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> nn.utils.clip_grad_value_([w], clip_value=7.0)
    >>> w.grad.tolist()
    [6.0, -7.0]
    """
    with modes.no_grad():
        for gradient in _gradients(_listed(parameters)):
            gradient.clamp_(-clip_value, clip_value)


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    found = [parameter.grad for parameter in parameters]
    return [gradient for gradient in found if gradient is not None]
