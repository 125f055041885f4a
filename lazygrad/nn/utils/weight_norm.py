"""A weight as a length and a direction, which are trained apart."""

from __future__ import annotations

from typing import TypeVar

from lazygrad.functional.distance import norm
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.utils.derived import Derived, derive, restore
from lazygrad.public import public
from lazygrad.shape import normalize_axis
from lazygrad.tensor_class import Tensor

M = TypeVar("M", bound=Module)


class WeightNorm(Derived):
    """``weight_g * weight_v / |weight_v|``, the length over all dims but ``dim``."""

    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = dim

    def length(self, direction: Tensor) -> Tensor:
        """Of each slice along ``dim``, kept with size 1; of all where it is None."""
        if self.dim is None:
            return norm(direction)
        axis = normalize_axis("weight_norm", self.dim, direction.ndim)
        others = [d for d in range(direction.ndim) if d != axis]
        return norm(direction, 2, others, keepdim=True) if others else direction.abs()

    def value(self, module: Module) -> Tensor:
        length = module.get_parameter(f"{self.name}_g")
        direction = module.get_parameter(f"{self.name}_v")
        return direction * (length / self.length(direction))


@public
def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train parameter ``name`` as its length ``name_g`` over all dims but ``dim`` (of everything
    where that is None) and its direction ``name_v`` (Salimans and Kingma, 2016).

    Raises:
        ModuleError: if there is no such parameter.

    >>> layer = nn.utils.weight_norm(nn.Linear(3, 2))
    >>> sorted((name, p.shape) for name, p in layer.named_parameters())
    [('bias', (2,)), ('weight_g', (2, 1)), ('weight_v', (2, 3))]
    """
    made = WeightNorm(name, dim)
    weight = module.get_parameter(name).detach()
    parts = {f"{name}_g": Parameter(made.length(weight)), f"{name}_v": Parameter(weight)}
    derive(module, made, parts)
    return module


@public
def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Train parameter ``name`` itself again.

    Raises:
        ModuleError: if ``weight_norm`` was not applied to it.

    >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(3, 2)))
    >>> sorted(name for name, _ in layer.named_parameters())
    ['bias', 'weight']
    """
    restore(module, WeightNorm, name, [f"{name}_g", f"{name}_v"])
    return module
