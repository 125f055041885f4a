"""tinygrad with TinyJit, on the device that `DEV` names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import Framework, Step, Tensor, Unavailable


def make(threads: int) -> Framework:
    device = os.environ.get("DEV", "CPU")
    if device.startswith("CPU"):
        _need_clang()
    if device.startswith("CL"):
        _name_the_opencl_loader()
    try:
        import tinygrad
    except ImportError as error:
        raise Unavailable(f"tinygrad is not installed ({error})") from error
    return TinygradFramework(tinygrad)


def _need_clang() -> None:
    command = os.environ.get("CC", "clang")
    if shutil.which(command) is None:
        raise Unavailable(f"tinygrad's CPU device calls {command!r}, and there is no such command")


def _name_the_opencl_loader() -> None:
    """Let tinygrad load the OpenCL loader that pyopencl has loaded, with the PoCL it found, which
    must be told the processor where it does not know it."""
    try:
        from lazygrad_opencl import device, pocl

        for found in device.all_devices():
            if pocl.is_pocl(found):  # tinygrad's kernels get the compiler that ours get
                pocl.correct_processor(found)
    except Exception as error:
        raise Unavailable(f"no OpenCL here ({error})") from error
    if "OPENCL_PATH" not in os.environ and os.path.exists("/proc/self/maps"):
        with open("/proc/self/maps") as maps:
            loaded = {line.split()[-1] for line in maps if "libOpenCL" in line}
        os.environ["OPENCL_PATH"] = min(loaded, default="")


def _module_class() -> type:
    class Module:
        """tinygrad's models are plain objects; this gives them PyTorch's `forward`."""

        def __call__(self, *inputs: Tensor) -> Tensor:
            return self.forward(*inputs)  # type: ignore[attr-defined]

    return Module


class TinygradFramework(Framework):
    def __init__(self, tinygrad: Any):
        from importlib.metadata import version

        self.tinygrad = tinygrad
        self.version = version("tinygrad")
        self.device = tinygrad.Device.DEFAULT
        self.nn, self.Module = tinygrad.nn, _module_class()

    def tensor(self, array: np.ndarray) -> Tensor:
        return self.tinygrad.Tensor(array).is_param_(False).realize()

    def array(self, tensor: Tensor) -> np.ndarray:
        result: np.ndarray = tensor.numpy()
        return result

    def synchronize(self) -> None:
        self.tinygrad.Device[self.device].synchronize()

    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        state = self.nn.state
        tensors = {name: self.tinygrad.Tensor(array) for name, array in weights.items()}
        state.load_state_dict(model, tensors, strict=False, verbose=False)
        return model

    def training_step(
        self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor, decay: float = 0.0
    ) -> Step:
        tinygrad = self.tinygrad
        parameters = tinygrad.nn.state.get_parameters(model)
        optimizer = tinygrad.nn.optim.AdamW(parameters, lr=1e-3, weight_decay=decay)

        @tinygrad.TinyJit
        def jitted(*inputs: Tensor) -> Tensor:
            with tinygrad.Context(TRAINING=1):
                optimizer.zero_grad()
                value = loss(model, *inputs).backward()
                return value.realize(*optimizer.schedule_step())

        return lambda: jitted(*inputs)

    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        jitted = self.tinygrad.TinyJit(lambda *inputs: call(*inputs).realize())
        return lambda: jitted(*inputs)

    def derivatives(
        self,
        call: Callable[..., Tensor],
        upstream: Tensor,
        inputs: tuple[Tensor, ...],
        *others: Tensor,
    ) -> Step:
        @self.tinygrad.TinyJit
        def jitted(upstream: Tensor, inputs: tuple[Tensor, ...], *others: Tensor) -> Any:
            result = call(*inputs, *others)
            made = (result, *result.gradient(*inputs, gradient=upstream))
            result.realize(*made[1:])
            return made

        return lambda: jitted(upstream, inputs, *others)

    def max_pool2d(self, x: Tensor, size: int) -> Tensor:
        return x.max_pool2d((size, size))

    def avg_pool2d(self, x: Tensor, size: int) -> Tensor:
        return x.avg_pool2d((size, size))

    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return x.conv2d(weight, padding=padding)

    def conv_transpose2d(self, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        return x.conv_transpose2d(weight, stride=stride, padding=padding)

    def embedding(self, index: Tensor, weight: Tensor) -> Tensor:
        return weight[index]

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.sparse_categorical_crossentropy(labels)

    def layer_norm(self, x: Tensor) -> Tensor:
        return x.layernorm()

    def gelu(self, x: Tensor) -> Tensor:
        return x.gelu()

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return query.scaled_dot_product_attention(key, value, is_causal=True)
