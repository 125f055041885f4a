"""A weight divided by its largest singular value."""

from __future__ import annotations

from typing import Any, TypeVar

from lazygrad import modes
from lazygrad.arguments import require_range
from lazygrad.functional.distance import normalize
from lazygrad.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.utils.derived import Derived, derive, restore
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

M = TypeVar("M", bound=Module)
BY_COLUMNS = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)  # whose outputs are dim 1


class SpectralNorm(Derived):
    """``weight_orig / sigma``, sigma found by power iteration, which goes on in training."""

    def __init__(self, name: str, iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        self.iterations, self.dim, self.eps = iterations, dim, eps

    def matrix(self, weight: Tensor) -> Tensor:
        """Outputs first, all else flattened."""
        return weight.movedim(self.dim, 0).flatten(1)

    def value(self, module: Module) -> Tensor:
        weight = module.get_parameter(f"{self.name}_orig")
        left, right = (module.get_buffer(f"{self.name}_{side}") for side in "uv")
        matrix = self.matrix(weight)
        if module.training:
            self.iterate(matrix, left, right)
        sigma = left.detach().clone().dot(matrix.mv(right.detach().clone()))
        return weight / sigma

    def iterate(self, matrix: Tensor, left: Tensor, right: Tensor) -> None:
        """Bring both vectors nearer to the singular ones."""
        with modes.no_grad():
            for _ in range(self.iterations):
                right.copy_(normalize(matrix.t().mv(left), dim=0, eps=self.eps))
                left.copy_(normalize(matrix.mv(right), dim=0, eps=self.eps))


@public
def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> M:  # fmt: skip
    """Divide parameter ``name``, which is trained as ``name_orig``, by its largest singular value,
    as a matrix with outputs ``dim`` first (Miyato and others, 2018). The singular vectors found so
    far are the buffers ``name_u`` and ``name_v``.

    Raises:
        ModuleError: if there is no such parameter.
        ValueRangeError: for less than one iteration.

    >>> layer = nn.utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=30)
    >>> _ = layer(lazygrad.zeros(1, 3))
    >>> abs(lazygrad.linalg.matrix_norm(layer.weight, 2).item() - 1) < 1e-3
    True
    """
    require_range("spectral_norm", 1, n_power_iterations=n_power_iterations)
    by = dim if dim is not None else int(isinstance(module, BY_COLUMNS))
    made = SpectralNorm(name, n_power_iterations, by, eps)
    weight = module.get_parameter(name).detach()
    rows, columns = made.matrix(weight).shape
    options: Any = {"dtype": weight.dtype, "device": weight.device}
    for side, size in (("u", rows), ("v", columns)):
        drawn = normalize(Tensor.randn(size, **options), dim=0, eps=eps)
        module.register_buffer(f"{name}_{side}", drawn)
    derive(module, made, {f"{name}_orig": Parameter(weight)})
    return module


@public
def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Train parameter ``name`` itself again.

    Raises:
        ModuleError: if ``spectral_norm`` was not applied to it.

    >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 2)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    restore(module, SpectralNorm, name, [f"{name}_orig", f"{name}_u", f"{name}_v"])
    return module
