"""lazygrad on the backend that `BACKEND` names, jitted or not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable, leaves


def make(threads: int, jit: bool = True) -> Framework:
    try:
        import lazygrad
        from lazygrad import nn, optim
    except ImportError as error:
        raise Unavailable(f"lazygrad is not installed ({error})") from error
    try:
        lazygrad.Tensor([0.0]).realize()  # loads the backend
    except lazygrad.errors.DeviceError as error:
        raise Unavailable(str(error)) from error
    return LazygradFramework(lazygrad, nn, optim, jit)


class LazygradFramework(Framework):
    def __init__(self, lazygrad: Any, nn: Any, optim: Any, jit: bool):
        self.lazygrad, self.nn, self.optim = lazygrad, nn, optim
        self.torch, self.func = lazygrad, lazygrad.func
        self.Module = nn.Module
        self.version = getattr(lazygrad, "__version__", "of this tree")
        self.device = os.environ.get("BACKEND", "CPU")
        self.jit = jit

    def tensor(self, array: np.ndarray) -> Tensor:
        return self.lazygrad.Tensor(array).realize()

    def array(self, tensor: Tensor) -> np.ndarray:
        result: np.ndarray = tensor.detach().numpy()
        return result

    def synchronize(self) -> None:
        self.lazygrad.synchronize()

    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        state = dict(model.state_dict())
        assert weights.keys() <= state.keys()
        state.update({name: self.lazygrad.Tensor(array) for name, array in weights.items()})
        model.load_state_dict(state)
        return model

    def training_step(
        self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor, decay: float = 0.0
    ) -> Step:
        kind = self.optim.AdamW if decay else self.optim.Adam
        optimizer = kind(model.parameters(), lr=1e-3, weight_decay=decay)
        model.train()

        def plain(*inputs: Tensor) -> Tensor:
            optimizer.zero_grad()
            value = loss(model, *inputs)
            value.backward()
            optimizer.step()
            return value

        return self._bound(plain, inputs)

    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        def plain(*inputs: Tensor) -> Tensor:
            with self.lazygrad.no_grad():
                return call(*inputs)

        return self._bound(plain, inputs)

    def derivatives(
        self,
        call: Callable[..., Tensor],
        upstream: Tensor,
        inputs: tuple[Tensor, ...],
        *others: Tensor,
    ) -> Step:
        def plain(*given: Tensor) -> tuple[Tensor, ...]:
            upstream, *values = given
            chosen = [value.detach().requires_grad_() for value in values[: len(inputs)]]
            result = call(*chosen, *values[len(inputs) :])
            return result.detach(), *self.lazygrad.grad(result, chosen, upstream)

        return self._bound(plain, (upstream, *inputs, *others))

    def pure(self, model: Any, call: Callable[..., Tensor]) -> tuple[Any, Callable[..., Any]]:
        parameters = {name: value.detach() for name, value in model.named_parameters()}

        def function(parameters: Any, *inputs: Tensor) -> Tensor:
            return call(lambda *xs: self.func.functional_call(model, parameters, xs), *inputs)

        return parameters, function

    def transformed(self, call: Callable[..., Any], *inputs: Any) -> Step:
        return self._bound(lambda *inputs: leaves(call(*inputs)), inputs)

    def scan(self, step: Callable[[Tensor, Tensor], Tensor], start: Tensor, xs: Tensor) -> Tensor:
        return self.func.scan(lambda state, x: (step(state, x), None), start, xs)[0]

    def odeint(self, field: Any, start: Tensor, times: Tensor, rtol: float, atol: float) -> Step:
        """Not jitted: how many steps there are is seen while they are done."""
        from lazygrad.implicit import odeint

        def step() -> Tensor:
            with self.lazygrad.no_grad():
                found = odeint(lambda t, y: field(y), start, times, rtol=rtol, atol=atol)
                return found.realize()

        return step

    def jitted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        jitted: Callable[..., Any] = self.lazygrad.jit(step) if self.jit else step
        return jitted

    def _bound(self, plain: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Step:
        if not self.jit:
            return lambda: self._realized(plain(*inputs))
        jitted = self.lazygrad.jit(plain)
        return lambda: jitted(*inputs)

    def _realized(self, made: Any) -> Any:
        first, *rest = made if isinstance(made, tuple) else (made,)
        first.realize(*rest)
        return made

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        return x.max_pool2d(size)

    def avg_pool2d(self, x: Tensor, size: int) -> Tensor:
        return x.avg_pool2d(size)

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return x.conv2d(weight, padding=padding)

    def conv_transpose2d(self, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        """What a strided convolution does to the derivative by its result."""
        window = weight.shape[-1]
        sides = [(side - 1) * stride + window - 2 * padding for side in x.shape[2:]]
        shape = (x.shape[0], weight.shape[1], *sides)
        image = self.lazygrad.Tensor.zeros(*shape, requires_grad=True)
        strided = image.conv2d(weight, stride=stride, padding=padding)
        (result,) = self.lazygrad.grad(strided, image, x, create_graph=True)
        return result

    def embedding(self, index: Tensor, weight: Tensor) -> Tensor:
        return index.embedding(weight)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.cross_entropy(labels)

    def layer_norm(self, x: Tensor) -> Tensor:
        return x.layernorm()

    def gelu(self, x: Tensor) -> Tensor:
        return x.gelu(approximate="tanh")

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return query.scaled_dot_product_attention(key, value, is_causal=True)
