"""How each framework does what a workload asks for.

A workload is written once, against `Framework`; the modules beside this one translate it into the
way in which each framework's own users would write it. They import their framework when their
class is made, in the worker process, and nowhere else.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Tensor = Any  # of whichever framework
Step = Callable[[], Any]  # makes a tensor, or a tuple of them


class Unavailable(Exception):
    """A framework cannot run here; the message says why, and what would help."""


class Framework(ABC):
    """What workloads are written against. Models are made of `nn` layers in a `Module`."""

    version: str
    device: str
    torch: Any = None  # the package, where it has PyTorch's names
    func: Any = None  # grad, vmap, jvp, jacfwd, jacrev, where there are transforms of functions
    nn: Any  # Conv2d, Linear, BatchNorm2d, LayerNorm, Embedding
    Module: type  # a subclass defines forward()

    @abstractmethod
    def tensor(self, array: np.ndarray) -> Tensor:
        """A tensor on the device, in the layout that this contender prefers."""

    @abstractmethod
    def array(self, tensor: Tensor) -> np.ndarray:
        """The values of a tensor: waits for them."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until everything that was started has finished."""

    @abstractmethod
    def load(self, model: Any, weights: Mapping[str, np.ndarray]) -> Any:
        """Give the model these parameters (names as in a PyTorch state dict); return it."""

    @abstractmethod
    def training_step(
        self, model: Any, loss: Callable[..., Tensor], *inputs: Tensor, decay: float = 0.0
    ) -> Step:
        """A step of Adam on `loss(model, *inputs)`, which it returns; of AdamW with a `decay`."""

    @abstractmethod
    def function(self, call: Callable[..., Tensor], *inputs: Tensor) -> Step:
        """`call(*inputs)` without gradients."""

    @abstractmethod
    def derivatives(
        self,
        call: Callable[..., Tensor],
        upstream: Tensor,
        inputs: tuple[Tensor, ...],
        *others: Tensor,
    ) -> Step:
        """`call(*inputs, *others)` forward and backward: a tuple of its result and of what the
        derivative `upstream` by the result makes of each of `inputs`."""

    # Of frameworks with transforms of functions.
    def pure(self, model: Any, call: Callable[..., Tensor]) -> tuple[Any, Callable[..., Any]]:
        """The model's parameters, and `call(model, *inputs)` as a function of such parameters and
        of the inputs."""
        raise NotImplementedError

    def transformed(self, call: Callable[..., Any], *inputs: Any) -> Step:
        """`call(*inputs)`, where parameters may be among the inputs and in what it returns."""
        raise NotImplementedError

    def scan(self, step: Callable[[Tensor, Tensor], Tensor], start: Tensor, xs: Tensor) -> Tensor:
        """The last state: `step(state, x)` makes the next one."""
        raise NotImplementedError

    def odeint(self, field: Any, start: Tensor, times: Tensor, rtol: float, atol: float) -> Step:
        """The states at all times, by Dormand's and Prince's method; the field is a module of the
        state."""
        raise Unavailable("it has no solver of differential equations")

    # What a loop that is written with PyTorch's names leaves to the contender.
    def compiled(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A model, or what calls it, where it is compiled without the derivatives."""
        return call

    def jitted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A whole training step, where one is recorded and replayed."""
        return step

    # The few operations that are not a method with the same name and meaning everywhere.
    @abstractmethod
    def max_pool2d(self, x: Tensor, size: int) -> Tensor: ...
    @abstractmethod
    def avg_pool2d(self, x: Tensor, size: int) -> Tensor: ...
    @abstractmethod
    def conv2d(self, x: Tensor, weight: Tensor, padding: int) -> Tensor: ...
    @abstractmethod
    def conv_transpose2d(self, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        """Channels of `x` by those of the result by the window: the shape of `weight`."""

    @abstractmethod
    def embedding(self, index: Tensor, weight: Tensor) -> Tensor: ...
    @abstractmethod
    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor: ...
    @abstractmethod
    def layer_norm(self, x: Tensor) -> Tensor: ...
    @abstractmethod
    def gelu(self, x: Tensor) -> Tensor:
        """The tanh form, which is the one that all frameworks have."""

    @abstractmethod
    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Scaled dot-product attention, causal."""


def leaves(made: Any) -> tuple[Tensor, ...]:
    """The tensors in what a transformed function returns."""
    if isinstance(made, dict):
        made = tuple(made.values())
    return sum(map(leaves, made), ()) if isinstance(made, tuple) else (made,)


def load_framework(name: str, threads: int, options: Mapping[str, bool]) -> Framework:
    """The framework of that name, imported and set up; raises Unavailable."""
    module = importlib.import_module(f"{__name__}.{name}_framework")
    framework: Framework = module.make(threads, **options)
    return framework
