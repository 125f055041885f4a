"""The modules and array methods that JAX lacks, for its framework.

They give the workloads both while a function is traced; what runs afterwards is what a user of JAX
would have compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Array:
    """A traced array with the methods that the workloads call."""

    def __init__(self, value: Any):
        self.value = value

    def __add__(self, other: Any) -> Array:
        return Array(self.value + plain(other))

    def __sub__(self, other: Any) -> Array:
        return Array(self.value - plain(other))

    def __mul__(self, other: Any) -> Array:
        return Array(self.value * plain(other))

    def __truediv__(self, other: Any) -> Array:
        return Array(self.value / plain(other))

    def __matmul__(self, other: Any) -> Array:
        return Array(self.value @ plain(other))

    def relu(self) -> Array:
        import jax

        return Array(jax.nn.relu(self.value))

    def tanh(self) -> Array:
        import jax

        return Array(jax.numpy.tanh(self.value))

    def sigmoid(self) -> Array:
        import jax

        return Array(jax.nn.sigmoid(self.value))

    def split(self, size: int, axis: int) -> list[Array]:
        parts = self.value.shape[axis] // size
        return [Array(part) for part in np.split(self.value, parts, axis)]

    def abs(self) -> Array:
        return Array(abs(self.value))

    def softmax(self, axis: int) -> Array:
        import jax

        return Array(jax.nn.softmax(self.value, axis))

    def sum(self, axis: Any = None) -> Array:
        return Array(self.value.sum(axis))

    def cumsum(self, axis: int) -> Array:
        return Array(self.value.cumsum(axis))

    def mean(self, axis: Any = None) -> Array:
        return Array(self.value.mean(axis))

    def flatten(self, start: int) -> Array:
        return Array(self.value.reshape(*self.value.shape[:start], -1))

    def reshape(self, *shape: int) -> Array:
        return Array(self.value.reshape(shape))

    def transpose(self, a: int, b: int) -> Array:
        return Array(self.value.swapaxes(a, b))


def plain(value: Any) -> Any:
    return value.value if isinstance(value, Array) else value


class Module:
    """A bag of layers; `forward` is called on traced arrays."""

    def __call__(self, *inputs: Array) -> Array:
        result: Array = self.forward(*inputs)  # type: ignore[attr-defined]
        return result


class Layer(Module):
    """A module with arrays of its own: `parameters` are trained, `buffers` are not."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.buffers: dict[str, Any] = {}


class Linear(Layer):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.parameters = {
            "weight": np.zeros((outputs, inputs), np.float32),
            "bias": np.zeros(outputs, np.float32),
        }

    def forward(self, x: Array) -> Array:
        return Array(x.value @ self.parameters["weight"].T + self.parameters["bias"])


class Conv2d(Layer):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.stride, self.padding, self.groups = stride, padding, groups
        self.parameters = {"weight": np.zeros((outputs, inputs // groups, size, size), np.float32)}
        if bias:
            self.parameters["bias"] = np.zeros(outputs, np.float32)

    def forward(self, x: Array) -> Array:
        y = conv2d(x.value, self.parameters["weight"], self.stride, self.padding, self.groups)
        if "bias" in self.parameters:
            y = y + self.parameters["bias"][:, None, None]
        return Array(y)


class BatchNorm2d(Layer):
    def __init__(self, channels: int, momentum: float = 0.1, epsilon: float = 1e-5):
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self.parameters = {"weight": ones, "bias": zeros}
        self.buffers = {"mean": zeros, "variance": ones}

    def forward(self, x: Array) -> Array:
        value = x.value
        mean, variance = value.mean((0, 2, 3)), value.var((0, 2, 3))
        count = value.size // value.shape[1]
        self._move("mean", mean)
        self._move("variance", variance * (count / (count - 1)))
        scale = self.parameters["weight"] / (variance + self.epsilon) ** 0.5
        shift = self.parameters["bias"] - mean * scale
        return Array(value * scale[:, None, None] + shift[:, None, None])

    def _move(self, name: str, value: Any) -> None:
        self.buffers[name] = (1 - self.momentum) * self.buffers[name] + self.momentum * value


class LayerNorm(Layer):
    def __init__(self, width: int):
        super().__init__()
        zeros, ones = np.zeros(width, np.float32), np.ones(width, np.float32)
        self.parameters = {"weight": ones, "bias": zeros}

    def forward(self, x: Array) -> Array:
        normal = layer_norm(x.value)
        return Array(normal * self.parameters["weight"] + self.parameters["bias"])


class Embedding(Layer):
    def __init__(self, rows: int, width: int):
        super().__init__()
        self.parameters = {"weight": np.zeros((rows, width), np.float32)}

    def forward(self, index: Array) -> Array:
        return Array(rows(self.parameters["weight"], index.value))


def rows(weight: Any, index: Any) -> Any:
    import jax

    return jax.numpy.take(weight, index, axis=0)


def conv2d(x: Any, weight: Any, stride: int, padding: int, groups: int = 1) -> Any:
    from jax import lax

    return lax.conv_general_dilated(
        x,
        weight,
        (stride, stride),
        [(padding, padding)] * 2,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=groups,
    )


def conv_transpose2d(x: Any, weight: Any, stride: int, padding: int) -> Any:
    from jax import lax

    around = weight.shape[-1] - 1 - padding
    return lax.conv_general_dilated(
        x,
        weight[:, :, ::-1, ::-1],
        (1, 1),
        [(around, around)] * 2,
        lhs_dilation=(stride, stride),
        dimension_numbers=("NCHW", "IOHW", "NCHW"),
    )


def layer_norm(x: Any, epsilon: float = 1e-5) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / ((centred * centred).mean(-1, keepdims=True) + epsilon) ** 0.5


def layers(module: Module, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    for name, child in vars(module).items():
        if isinstance(child, Layer):
            yield f"{prefix}{name}.", child
        elif isinstance(child, Module):
            yield from layers(child, f"{prefix}{name}.")
