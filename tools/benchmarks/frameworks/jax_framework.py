"""JAX on the CPU: one jitted pure function for each step, parameters and moments donated."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable, jax_layers, leaves
from .jax_layers import Array, Module, layers, plain

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


class JaxFramework(Framework):
    device = "cpu"
    nn = jax_layers
    Module = Module

    def __init__(self, jax: Any):
        self.jax, self.func, self.version = jax, jax, jax.__version__
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
        for prefix, layer in layers(model):
            for name in layer.parameters:
                # Norms keep what they begin with: ones and zeros in every framework.
                value = left.pop(prefix + name, layer.parameters[name])
                layer.parameters[name] = self.jax.device_put(value)
        assert not left
        return model

    def training_step(
        self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor, decay: float = 0.0
    ) -> Step:
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
                lambda p, m, v: (
                    p * (1 - RATE * decay) - rate * m / (numpy.sqrt(v * correction) + EPSILON)
                ),
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

    def derivatives(
        self,
        call: Callable[..., Tensor],
        upstream: Tensor,
        inputs: tuple[Tensor, ...],
        *others: Tensor,
    ) -> Step:
        @self.jax.jit
        def jitted(upstream: Any, inputs: Any, others: Any) -> Any:
            def forward(*inputs: Any) -> Any:
                return call(*map(Array, (*inputs, *others))).value

            result, backward = self.jax.vjp(forward, *inputs)
            return result, *backward(upstream)

        def step() -> tuple[Tensor, ...]:
            self.last = jitted(upstream, inputs, others)
            return self.last

        return step

    def pure(self, model: Any, call: Callable[..., Tensor]) -> tuple[Any, Callable[..., Any]]:
        parameters, buffers = _taken(model)

        def function(parameters: Any, *inputs: Any) -> Any:
            _give(model, parameters, buffers)
            return call(model, *map(Array, inputs)).value

        return parameters, function

    def transformed(self, call: Callable[..., Any], *inputs: Any) -> Step:
        jitted = self.jax.jit(lambda *inputs: leaves(call(*inputs)))

        def step() -> tuple[Tensor, ...]:
            self.last = jitted(*inputs)
            return self.last

        return step

    def scan(self, step: Callable[[Tensor, Tensor], Tensor], start: Tensor, xs: Tensor) -> Tensor:
        def plainly(state: Any, x: Any) -> Any:
            return plain(step(Array(state), Array(x))), None

        return Array(self.jax.lax.scan(plainly, plain(start), plain(xs))[0])

    def odeint(self, field: Any, start: Tensor, times: Tensor, rtol: float, atol: float) -> Step:
        from jax.experimental.ode import odeint

        parameters, function = self.pure(field, lambda field, y: field(y))

        def solved(parameters: Any, start: Any, times: Any) -> Any:
            slope = lambda y, t, parameters: function(parameters, y)  # noqa: E731
            return odeint(slope, start, times, parameters, rtol=rtol, atol=atol)

        return self.transformed(solved, parameters, start, times)

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        lax = self.jax.lax
        return self._pooled(x, size, -math.inf, lax.max)

    def avg_pool2d(self, x: Tensor, size: int) -> Tensor:
        lax = self.jax.lax
        return self._pooled(x, size, 0.0, lax.add) / (size * size)

    def _pooled(self, x: Tensor, size: int, start: float, combine: Any) -> Tensor:
        window = (1, 1, size, size)
        return Array(self.jax.lax.reduce_window(x.value, start, combine, window, window, "VALID"))

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return Array(jax_layers.conv2d(x.value, weight.value, 1, padding))

    def conv_transpose2d(self, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        return Array(jax_layers.conv_transpose2d(x.value, weight.value, stride, padding))

    def embedding(self, index: Tensor, weight: Tensor) -> Tensor:
        return Array(jax_layers.rows(weight.value, index.value))

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        likely = self.jax.nn.log_softmax(logits.value)
        return Array(-self.jax.numpy.take_along_axis(likely, labels.value[:, None], 1).mean())

    def layer_norm(self, x: Tensor) -> Tensor:
        return Array(jax_layers.layer_norm(x.value))

    def gelu(self, x: Tensor) -> Tensor:
        return Array(self.jax.nn.gelu(x.value, approximate=True))

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # JAX has the heads third: batch, length, heads, width.
        q, k, v = (t.value.swapaxes(1, 2) for t in (query, key, value))
        mixed = self.jax.nn.dot_product_attention(q, k, v, is_causal=True)
        return Array(mixed.swapaxes(1, 2))


def _taken(model: Module) -> tuple[Any, Any]:
    """The model's parameters and buffers as pytrees."""
    found = list(layers(model))
    parameters = {prefix: dict(layer.parameters) for prefix, layer in found}
    return parameters, {prefix: dict(layer.buffers) for prefix, layer in found}


def _give(model: Module, parameters: Any, buffers: Any) -> None:
    for prefix, layer in layers(model):
        layer.parameters, layer.buffers = dict(parameters[prefix]), dict(buffers[prefix])
