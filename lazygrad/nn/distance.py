"""How far or how alike vectors are, as modules."""

from __future__ import annotations

from lazygrad.functional import distance
from lazygrad.nn.applied import Applied
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class _Distance(Applied):
    """A function of two tensors of vectors."""

    @public
    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:  # type: ignore[override]
        found: Tensor = type(self).function(x1, x2, **self.arguments())
        return found

    def extra_repr(self) -> str:
        return ""


class PairwiseDistance(_Distance):
    """The p-norm over the last dim of ``x1 - x2 + eps``.

    >>> nn.PairwiseDistance(p=1)(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]])).realize()
    Tensor([7.])
    """

    function = distance.pairwise_distance

    @public
    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__(p=p, eps=eps, keepdim=keepdim)


class CosineSimilarity(_Distance):
    """``x1 . x2 / (|x1| |x2|)`` along ``dim``, no length counted as less than ``eps``.

    >>> nn.CosineSimilarity(dim=-1)(Tensor([1.0, 0.0]), Tensor([3.0, 0.0])).item()
    1.0
    """

    function = distance.cosine_similarity

    @public
    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__(dim=dim, eps=eps)
