"""Batches made of single samples, by PyTorch's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygrad.errors import DataError
from lazygrad.tensor import Tensor


def to_tensor(value: Any, device: str | None = None) -> Tensor:
    """A Tensor of an array's values and dtype on ``device``; a Tensor is moved there."""
    if isinstance(value, Tensor):
        return value if device is None else value.to(device)
    return Tensor(value, device=device)


def default_collate(samples: list[Any], device: str | None = None) -> Any:
    """One batch of several samples.

    Arrays, Tensors and numbers are stacked along a new first axis: Python ints as int64, floats as
    float32, bools as bool. Tuples, lists and dicts are collated item by item. Everything else,
    text for example, stays a list.

    Raises:
        DataError: if the samples do not have the same shape or the same items.
    """
    first = samples[0]
    if isinstance(first, Mapping):
        _same(samples, "keys", [sorted(sample) for sample in samples])
        return {key: default_collate([sample[key] for sample in samples], device) for key in first}
    if isinstance(first, (tuple, list)):
        _same(samples, "lengths", [len(sample) for sample in samples])
        return tuple(default_collate(list(items), device) for items in zip(*samples, strict=True))
    if isinstance(first, Tensor):
        _same(samples, "shapes", [tuple(sample.shape) for sample in samples])
        return to_tensor(Tensor.stack(samples), device)
    if isinstance(first, (np.ndarray, np.generic)):
        _same(samples, "shapes", [np.shape(sample) for sample in samples])
        return to_tensor(np.stack(samples), device)
    if isinstance(first, (bool, int, float)):
        return to_tensor(_numbers(samples), device)
    return samples


def _numbers(samples: list[Any]) -> np.ndarray[Any, Any]:
    if any(isinstance(sample, float) for sample in samples):
        return np.array(samples, dtype=np.float32)
    return np.array(samples, dtype=bool if isinstance(samples[0], bool) else np.int64)


def _same(samples: list[Any], what: str, values: list[Any]) -> None:
    for value in values:
        if value != values[0]:
            raise DataError(
                f"[default_collate] the {len(samples)} samples of a batch have different {what}: "
                f"{values[0]} and {value}; give the DataLoader a collate_fn that makes them fit"
            )
