"""Copies of what views show: PyTorch's functions that end in ``_copy``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from lazygrad.aliases import detached_view
from lazygrad.functional import diagonals, movement, splitting, views
from lazygrad.functional.maps import titled
from lazygrad.functional.movement import clone
from lazygrad.public import alias, public
from lazygrad.shape import normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def _copied(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    """The function that gives a copy of each tensor of which ``function`` gives a view."""

    @wraps(function)
    def made(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        found = function(input, *args, **kwargs)
        return tuple(map(clone, found)) if isinstance(found, tuple) else clone(found)

    return public(titled(made, label, f"A copy of what ``{function.__name__}`` shows."))


@public
def detach(input: Tensor) -> Tensor:
    """The same value without derivative history.

    >>> w = Tensor([3.0], requires_grad=True)
    >>> w.detach().requires_grad
    False
    """
    return detached_view(input)


@public
def slice_copy(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of ``start:end:step`` along ``dim``.

    >>> lazygrad.slice_copy(Tensor([0, 1, 2, 3]), 0, 1, step=2).tolist()
    [1, 3]
    """
    axis = normalize_axis("slice_copy", dim, input.ndim)
    return clone(input[(slice(None),) * axis + (slice(start, end, step),)])


alias_copy = alias(clone, "alias_copy")
as_strided_copy = _copied(movement.as_strided, "as_strided_copy")
detach_copy = _copied(detach, "detach_copy")
diagonal_copy = _copied(diagonals.diagonal, "diagonal_copy")
expand_copy = _copied(views.expand, "expand_copy")
narrow_copy = _copied(views.narrow, "narrow_copy")
permute_copy = _copied(views.permute, "permute_copy")
select_copy = _copied(views.select, "select_copy")
split_copy = _copied(splitting.split, "split_copy")
split_with_sizes_copy = _copied(splitting.split_with_sizes, "split_with_sizes_copy")
squeeze_copy = _copied(views.squeeze, "squeeze_copy")
t_copy = _copied(views.t, "t_copy")
transpose_copy = _copied(views.transpose, "transpose_copy")
unbind_copy = _copied(splitting.unbind, "unbind_copy")
unfold_copy = _copied(views.unfold, "unfold_copy")
unsqueeze_copy = _copied(views.unsqueeze, "unsqueeze_copy")
view_copy = _copied(views.view, "view_copy")
