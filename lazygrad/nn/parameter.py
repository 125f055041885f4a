"""Parameter: a Tensor that a Module trains."""

from __future__ import annotations

from typing import Any

from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Parameter(Tensor):
    """A Tensor that a Module lists in ``parameters()``; requires a gradient by default.

    Like any Tensor it is a handle: an optimizer or ``load_state_dict`` rebinds it, and everything
    that holds the handle sees the new value.

    >>> w = nn.Parameter(lazygrad.zeros(2))
    >>> w.requires_grad, isinstance(w, Tensor)
    (True, True)
    """

    __slots__ = ()

    @public
    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)
