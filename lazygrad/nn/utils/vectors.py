"""Parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad.errors import ShapeError
from lazygrad.functional.joining import cat
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


@public
def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters, one after the other.

    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return cat([parameter.flatten() for parameter in parameters])


@public
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the values that ``parameters_to_vector`` would have read from them.

    Raises:
        ShapeError: for a vector of another length.

    >>> layer = nn.Linear(1, 1)
    >>> nn.utils.vector_to_parameters(Tensor([2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[2.0]], [3.0])
    """
    listed = list(parameters)
    total = sum(parameter.numel() for parameter in listed)
    if vec.shape != (total,):
        raise ShapeError(
            f"[vector_to_parameters] parameters of {total} elements need a vector of as many, got "
            f"shape {vec.shape}"
        )
    parts = vec.detach().split([parameter.numel() for parameter in listed])
    for parameter, part in zip(listed, parts, strict=True):
        parameter.assign(part.reshape(parameter.shape))
