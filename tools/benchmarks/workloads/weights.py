"""The same data and the same initial parameters for every framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def labels(count: int, classes: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, classes, count)


def initial(shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Uniform within 1/sqrt(fan in), as PyTorch begins; vectors are small around zero."""
    random = np.random.default_rng(2)
    weights = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 100
        bound = fan_in**-0.5
        weights[name] = random.uniform(-bound, bound, shape).astype(np.float32)
    return weights


def initial_of(model: Any) -> dict[str, np.ndarray]:
    """For a model with PyTorch's names; the weights of norms stay the ones that they are."""
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()}
    return initial(
        {name: shape for name, shape in shapes.items() if len(shape) > 1 or name.endswith("bias")}
    )


def linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def conv(name: str, inputs: int, outputs: int, window: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, window, window), f"{name}.bias": (outputs,)}


def count(shapes: Mapping[str, Sequence[int]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes.values())
