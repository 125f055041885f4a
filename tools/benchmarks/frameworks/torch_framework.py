"""PyTorch on the CPU: eager, with images in channels-last order or contiguous, or compiled."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from shutil import which
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable


def make(threads: int, channels_last: bool = False, compile: bool = False) -> Framework:
    try:
        import torch
    except ImportError as error:
        raise Unavailable(f"PyTorch is not installed ({error})") from error
    if compile and not any(map(which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise Unavailable("torch.compile needs a C++ compiler (Debian: apt-get install g++)")
    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return TorchFramework(torch, layout, compile)


class TorchFramework(Framework):
    device = "cpu"

    def __init__(self, torch: Any, layout: Any, compiled: bool):
        self.torch, self.layout, self.compiled = torch, layout, compiled
        self.version = torch.__version__
        self.nn, self.Module = torch.nn, torch.nn.Module
        self.functional = torch.nn.functional

    def tensor(self, array: np.ndarray) -> Tensor:
        return self._laid_out(self.torch.from_numpy(np.ascontiguousarray(array)))

    def _laid_out(self, tensor: Tensor) -> Tensor:
        return tensor.contiguous(memory_format=self.layout) if tensor.ndim == 4 else tensor

    def array(self, tensor: Tensor) -> np.ndarray:
        result: np.ndarray = tensor.detach().numpy()
        return result

    def synchronize(self) -> None:
        """Nothing to wait for: PyTorch on the CPU has finished when a call returns."""

    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        state = {name: self.torch.from_numpy(array) for name, array in weights.items()}
        # Norms keep what they begin with: ones and zeros in every framework.
        unexpected = model.load_state_dict(state, strict=False).unexpected_keys
        assert not unexpected
        return model.to(memory_format=self.layout)

    def training_step(self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor) -> Step:
        optimizer = self.torch.optim.Adam(model.parameters(), lr=1e-3)
        forward = self.torch.compile(loss) if self.compiled else loss
        model.train()

        def step() -> Tensor:
            optimizer.zero_grad()
            value = forward(model, *inputs)
            value.backward()
            optimizer.step()
            return value

        return step

    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        if self.compiled:
            call = self.torch.compile(call)

        def step() -> Tensor:
            with self.torch.inference_mode():
                return call(*inputs)

        return step

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        return self.functional.max_pool2d(x, size)

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return self.functional.conv2d(x, weight, padding=padding)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self.functional.cross_entropy(logits, labels)

    def layer_norm(self, x: Tensor) -> Tensor:
        return self.functional.layer_norm(x, x.shape[-1:])

    def gelu(self, x: Tensor) -> Tensor:
        return self.functional.gelu(x, approximate="tanh")

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
