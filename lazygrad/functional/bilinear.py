"""Bilinear forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.bridge import optional, read, wrap
from lazygrad.lang import bilinear as forms
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1[i] weight[o, i, j] input2[j]`` summed over i and j, plus ``bias[o]``: (.., I) and
    (.., J) with weight (O, I, J) to (.., O).

    Raises:
        ShapeError: where the shapes do not fit.

    >>> F.bilinear(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), lazygrad.ones(1, 2, 2)).tolist()
    [21.0]
    """
    return wrap(forms.bilinear(read(input1), read(input2), read(weight), optional(bias)))
