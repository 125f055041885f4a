"""JAX on the CPU: one jitted pure function for each step, parameters and moments donated.

JAX has neither modules nor methods such as `relu()`. The classes here give the workloads both,
while a function is traced; what runs afterwards is what a user of JAX would have compiled.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable

BETA1, BETA2, EPSILON, RATE = 0.9, 0.999, 1e-8, 1e-3  # of Adam, as everyone has them


def make(threads: int) -> Framework:
    # XLA's own count of threads follows the cores of the process, which the worker has pinned.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        import jax
    except ImportError as error:
        raise Unavailable(f"JAX is not installed ({error})") from error
    if cache:
        jax.config.update("jax_compilation_cache_dir", os.path.join(cache, "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return JaxFramework(jax)


class Array:
    """A traced array with the methods that the workloads call."""

    def __init__(self, value: Any):
        self.value = value

    def __add__(self, other: Any) -> Array:
        return Array(self.value + _plain(other))

    def __sub__(self, other: Any) -> Array:
        return Array(self.value - _plain(other))

    def __mul__(self, other: Any) -> Array:
        return Array(self.value * _plain(other))

    def __truediv__(self, other: Any) -> Array:
        return Array(self.value / _plain(other))

    def __matmul__(self, other: Any) -> Array:
        return Array(self.value @ _plain(other))

    def relu(self) -> Array:
        import jax

        return Array(jax.nn.relu(self.value))

    def abs(self) -> Array:
        return Array(abs(self.value))

    def softmax(self, axis: int) -> Array:
        import jax

        return Array(jax.nn.softmax(self.value, axis))

    def sum(self, axis: Any = None) -> Array:
        return Array(self.value.sum(axis))

    def mean(self, axis: Any = None) -> Array:
        return Array(self.value.mean(axis))

    def flatten(self, start: int) -> Array:
        return Array(self.value.reshape(*self.value.shape[:start], -1))

    def reshape(self, *shape: int) -> Array:
        return Array(self.value.reshape(shape))

    def transpose(self, a: int, b: int) -> Array:
        return Array(self.value.swapaxes(a, b))


def _plain(value: Any) -> Any:
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
        bias: bool = True,
    ):
        super().__init__()
        self.stride, self.padding = stride, padding
        self.parameters = {"weight": np.zeros((outputs, inputs, size, size), np.float32)}
        if bias:
            self.parameters["bias"] = np.zeros(outputs, np.float32)

    def forward(self, x: Array) -> Array:
        y = _conv2d(x.value, self.parameters["weight"], self.stride, self.padding)
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
        normal = _layer_norm(x.value)
        return Array(normal * self.parameters["weight"] + self.parameters["bias"])


def _conv2d(x: Any, weight: Any, stride: int, padding: int) -> Any:
    from jax import lax

    around = [(padding, padding)] * 2
    names = ("NCHW", "OIHW", "NCHW")
    return lax.conv_general_dilated(x, weight, (stride, stride), around, dimension_numbers=names)


def _layer_norm(x: Any, epsilon: float = 1e-5) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / ((centred * centred).mean(-1, keepdims=True) + epsilon) ** 0.5


def _layers(module: Module, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    for name, child in vars(module).items():
        if isinstance(child, Layer):
            yield f"{prefix}{name}.", child
        elif isinstance(child, Module):
            yield from _layers(child, f"{prefix}{name}.")


class JaxFramework(Framework):
    device = "cpu"
    nn = SimpleNamespace(Linear=Linear, Conv2d=Conv2d, BatchNorm2d=BatchNorm2d, LayerNorm=LayerNorm)
    Module = Module

    def __init__(self, jax: Any):
        self.jax, self.version = jax, jax.__version__
        self.last: Any = None

    def tensor(self, array: np.ndarray) -> Tensor:
        narrow = array.astype(np.int32) if array.dtype == np.int64 else array
        return self.jax.device_put(narrow)

    def array(self, tensor: Tensor) -> np.ndarray:
        return np.asarray(tensor)

    def synchronize(self) -> None:
        self.jax.block_until_ready(self.last)

    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        left = dict(weights)
        for prefix, layer in _layers(model):
            for name in layer.parameters:
                # Norms keep what they begin with: ones and zeros in every framework.
                value = left.pop(prefix + name, layer.parameters[name])
                layer.parameters[name] = self.jax.device_put(value)
        assert not left
        return model

    def training_step(self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor) -> Step:
        jax, numpy = self.jax, self.jax.numpy

        def value_of(parameters: Any, buffers: Any, inputs: Any) -> Any:
            _give(model, parameters, buffers)
            value = loss(model, *map(Array, inputs)).value
            return value, _taken(model)[1]

        def update(state: Any, inputs: Any) -> Any:
            parameters, buffers, first, second, count = state
            differentiate = jax.value_and_grad(value_of, has_aux=True)
            (value, buffers), gradient = differentiate(parameters, buffers, inputs)
            count = count + 1
            each = jax.tree.map
            first = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradient)
            second = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradient)
            rate = RATE / (1 - BETA1**count)
            correction = 1 / (1 - BETA2**count)
            parameters = each(
                lambda p, m, v: p - rate * m / (numpy.sqrt(v * correction) + EPSILON),
                parameters,
                first,
                second,
            )
            return (parameters, buffers, first, second, count), value

        jitted = jax.jit(update, donate_argnums=0)
        parameters, buffers = _taken(model)
        zeros = lambda: jax.tree.map(numpy.zeros_like, parameters)  # noqa: E731
        # Donated: the step's own copies, for equal arrays may be one buffer.
        state = jax.tree.map(
            lambda array: numpy.array(array, copy=True),
            (parameters, buffers, zeros(), zeros(), numpy.float32(0)),
        )

        def step() -> Tensor:
            nonlocal state
            state, value = jitted(state, inputs)
            self.last = value, state
            return value

        return step

    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        if isinstance(call, Module):
            parameters, buffers = _taken(call)
        else:
            parameters, buffers = (), ()

        def traced(parameters: Any, buffers: Any, *inputs: Tensor) -> Tensor:
            if isinstance(call, Module):
                _give(call, parameters, buffers)
            return call(*map(Array, inputs)).value

        jitted = self.jax.jit(traced)

        def step() -> Tensor:
            self.last = jitted(parameters, buffers, *inputs)
            return self.last

        return step

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        window = (1, 1, size, size)
        lax = self.jax.lax
        return Array(lax.reduce_window(x.value, -math.inf, lax.max, window, window, "VALID"))

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return Array(_conv2d(x.value, weight.value, 1, padding))

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        likely = self.jax.nn.log_softmax(logits.value)
        return Array(-self.jax.numpy.take_along_axis(likely, labels.value[:, None], 1).mean())

    def layer_norm(self, x: Tensor) -> Tensor:
        return Array(_layer_norm(x.value))

    def gelu(self, x: Tensor) -> Tensor:
        return Array(self.jax.nn.gelu(x.value, approximate=True))

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # JAX has the heads third: batch, length, heads, width.
        q, k, v = (t.value.swapaxes(1, 2) for t in (query, key, value))
        mixed = self.jax.nn.dot_product_attention(q, k, v, is_causal=True)
        return Array(mixed.swapaxes(1, 2))


def _taken(model: Module) -> tuple[Any, Any]:
    """The model's parameters and buffers as pytrees."""
    layers = list(_layers(model))
    parameters = {prefix: dict(layer.parameters) for prefix, layer in layers}
    return parameters, {prefix: dict(layer.buffers) for prefix, layer in layers}


def _give(model: Module, parameters: Any, buffers: Any) -> None:
    for prefix, layer in _layers(model):
        layer.parameters, layer.buffers = dict(parameters[prefix]), dict(buffers[prefix])
