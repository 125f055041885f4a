"""Batches made of single samples, by PyTorch's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygrad.errors import DataError
from lazygrad.tensor_class import Tensor


def to_tensor(value: Any, device: str | None = None) -> Tensor:
    """A Tensor of an array's values and dtype on ``device``; a Tensor is moved there."""
    if isinstance(value, Tensor):
        return value if device is None else value.to(device)
    return Tensor(value, device=device)


def default_collate(batch: list[Any], device: str | None = None) -> Any:
    """One batch of several samples.

    Arrays, Tensors and numbers are stacked along a new first axis: Python ints as int64, floats as
    float64, bools as bool. Tuples and lists are collated item by item to a list, named tuples and
    dicts to such ones. Everything else, text for example, stays a list.

    Raises:
        DataError: if the samples do not have the same shape or the same items.

    >>> samples = [{"x": np.float32([1, 2]), "y": 0}, {"x": np.float32([3, 4]), "y": 1}]
    >>> batch = data.default_collate(samples)
    >>> batch["x"].tolist(), batch["y"].dtype
    ([[1.0, 2.0], [3.0, 4.0]], lazygrad.int64)
    """
    first = batch[0]
    if isinstance(first, Mapping):
        _same(batch, "keys", [sorted(sample) for sample in batch])
        found = {key: default_collate([sample[key] for sample in batch], device) for key in first}
        return _like(first, found)
    if isinstance(first, (tuple, list)):
        _same(batch, "lengths", [len(sample) for sample in batch])
        items = [default_collate(list(items), device) for items in zip(*batch, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else items
    if isinstance(first, Tensor):
        _same(batch, "shapes", [tuple(sample.shape) for sample in batch])
        return to_tensor(Tensor.stack(batch), device)
    if isinstance(first, (np.ndarray, np.generic)):
        _same(batch, "shapes", [np.shape(sample) for sample in batch])
        return to_tensor(np.stack(batch), device)
    if _is_number(first):
        return to_tensor(_numbers(batch), device)
    return batch


def default_convert(data: Any, device: str | None = None) -> Any:
    """A sample by itself: arrays become Tensors, also inside of containers; the rest stays.

    >>> found = data.default_convert({"x": np.float32([1, 2]), "name": "first"})
    >>> found["x"].tolist(), found["name"]
    ([1.0, 2.0], 'first')
    """
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value, device) for key, value in data.items()})
    if isinstance(data, (tuple, list)):
        items = [default_convert(item, device) for item in data]
        return type(data)(*items) if hasattr(data, "_fields") else items
    return to_tensor(data, device) if isinstance(data, (np.ndarray, np.generic, Tensor)) else data


def _like(given: Mapping[Any, Any], found: dict[Any, Any]) -> Any:
    """A mapping of the class of ``given``, where that can be made of a dict."""
    make: Callable[[dict[Any, Any]], Any] = type(given)
    try:
        return make(found)
    except TypeError:
        return found


def _numbers(samples: list[Any]) -> np.ndarray[Any, Any]:
    _same(samples, "kinds", ["number" if _is_number(x) else type(x).__name__ for x in samples])
    if any(isinstance(sample, float) for sample in samples):
        return np.array(samples, dtype=np.float64)
    return np.array(samples, dtype=bool if isinstance(samples[0], bool) else np.int64)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _same(samples: list[Any], what: str, values: list[Any]) -> None:
    for value in values:
        if value != values[0]:
            raise DataError(
                f"[default_collate] the {len(samples)} samples of a batch have different {what}: "
                f"{values[0]} and {value}; give the DataLoader a collate_fn that makes them fit"
            )
