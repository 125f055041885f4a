"""Tensors as a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad.arguments import shown
from lazygrad.data.dataset import Array, Dataset
from lazygrad.element_types import NUMBER_KINDS
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.tensor_class import Tensor


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors with a common first axis; sample ``i`` is the tuple of their rows ``i``.

    Their values are read to host memory once, here: changing the Tensors later does not change
    the data set.

    Args:
        tensors: Tensors or arrays, each ``(N, ...)``.

    Raises:
        DtypeError: for what does not hold numbers.
        ShapeError: if there are none, or their first axes differ.

    >>> dataset = data.TensorDataset(lazygrad.zeros(5, 2), lazygrad.arange(5))
    >>> len(dataset), [part.tolist() for part in dataset[3]]
    (5, [[0.0, 0.0], 3])
    """

    def __init__(self, *tensors: Any) -> None:
        arrays = [t.numpy() if isinstance(t, Tensor) else np.asarray(t) for t in tensors]
        for array, given in zip(arrays, tensors, strict=True):
            if array.dtype.kind not in NUMBER_KINDS:
                raise DtypeError(f"[TensorDataset] takes Tensors or arrays, got {shown(given)}")
        shapes = [array.shape for array in arrays]
        if not arrays or any(array.ndim == 0 for array in arrays):
            raise ShapeError(f"[TensorDataset] needs Tensors with a first axis; got {shapes}")
        if len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(f"[TensorDataset] the first axes differ: {shapes}")
        self.tensors = tensors
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(Tensor(array[index]) for array in self._arrays)

    def batch(self, indices: Array) -> tuple[Array, ...]:
        """The rows of each array at ``indices``."""
        return tuple(array[indices] for array in self._arrays)
