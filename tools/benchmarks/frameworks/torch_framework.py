"""PyTorch on the CPU or on a CUDA device: eager, with images in channels-last order or contiguous,
or compiled."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from shutil import which
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable, leaves


def make(
    threads: int, channels_last: bool = False, compile: bool = False, cuda: bool = False
) -> Framework:
    try:
        import torch
    except ImportError as error:
        raise Unavailable(f"PyTorch is not installed ({error})") from error
    if cuda:
        _set_up_cuda(torch)
    elif compile and not any(map(which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise Unavailable("torch.compile needs a C++ compiler (Debian: apt-get install g++)")
    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return TorchFramework(torch, layout, compile, "cuda" if cuda else "cpu")


def _set_up_cuda(torch: Any) -> None:
    """Float32 throughout, as everybody else: by default convolutions would take less precise
    numbers. The fastest algorithm for the shapes at hand is looked for."""
    if not torch.cuda.is_available():
        raise Unavailable("PyTorch sees no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


class TorchFramework(Framework):
    def __init__(self, torch: Any, layout: Any, compiles: bool, device: str):
        self.torch, self.layout, self.compiles, self.device = torch, layout, compiles, device
        self.version = torch.__version__
        self.nn, self.Module = torch.nn, torch.nn.Module
        self.functional, self.func = torch.nn.functional, torch.func

    def tensor(self, array: np.ndarray) -> Tensor:
        tensor = self.torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
        return tensor.contiguous(memory_format=self.layout) if tensor.ndim == 4 else tensor

    def array(self, tensor: Tensor) -> np.ndarray:
        result: np.ndarray = tensor.detach().cpu().numpy()
        return result

    def synchronize(self) -> None:
        """On the CPU there is nothing to wait for: it has finished when a call returns."""
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        state = {name: self.torch.from_numpy(array) for name, array in weights.items()}
        # Norms keep what they begin with: ones and zeros in every framework.
        unexpected = model.load_state_dict(state, strict=False).unexpected_keys
        assert not unexpected
        return model.to(self.device, memory_format=self.layout)

    def training_step(
        self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor, decay: float = 0.0
    ) -> Step:
        kind = self.torch.optim.AdamW if decay else self.torch.optim.Adam
        optimizer = kind(model.parameters(), lr=1e-3, weight_decay=decay)
        forward = self.compiled(loss)
        model.train()

        def step() -> Tensor:
            optimizer.zero_grad()
            value = forward(model, *inputs)
            value.backward()
            optimizer.step()
            return value

        return step

    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        call = self.compiled(call)

        def step() -> Tensor:
            with self.torch.inference_mode():
                return call(*inputs)

        return step

    def derivatives(
        self,
        call: Callable[..., Tensor],
        upstream: Tensor,
        inputs: tuple[Tensor, ...],
        *others: Tensor,
    ) -> Step:
        for value in inputs:
            value.requires_grad_()
        forward = self.compiled(call)

        def step() -> tuple[Tensor, ...]:
            result = forward(*inputs, *others)
            return result, *self.torch.autograd.grad(result, inputs, upstream)

        return step

    def pure(self, model: Any, call: Callable[..., Tensor]) -> tuple[Any, Callable[..., Any]]:
        parameters = {name: value.detach() for name, value in model.named_parameters()}

        def function(parameters: Any, *inputs: Tensor) -> Tensor:
            return call(lambda *xs: self.func.functional_call(model, parameters, xs), *inputs)

        return parameters, function

    def transformed(self, call: Callable[..., Any], *inputs: Any) -> Step:
        call = self.compiled(call)
        return lambda: leaves(call(*inputs))

    def scan(self, step: Callable[[Tensor, Tensor], Tensor], start: Tensor, xs: Tensor) -> Tensor:
        for x in xs:
            start = step(start, x)
        return start

    def compiled(self, call: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = self.torch.compile(call) if self.compiles else call
        return compiled

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        return self.functional.max_pool2d(x, size)

    def avg_pool2d(self, x: Tensor, size: int) -> Tensor:
        return self.functional.avg_pool2d(x, size)

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return self.functional.conv2d(x, weight, padding=padding)

    def conv_transpose2d(self, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        return self.functional.conv_transpose2d(x, weight, stride=stride, padding=padding)

    def embedding(self, index: Tensor, weight: Tensor) -> Tensor:
        return self.functional.embedding(index, weight)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self.functional.cross_entropy(logits, labels)

    def layer_norm(self, x: Tensor) -> Tensor:
        return self.functional.layer_norm(x, x.shape[-1:])

    def gelu(self, x: Tensor) -> Tensor:
        return self.functional.gelu(x, approximate="tanh")

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
