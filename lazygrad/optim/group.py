"""Parameter groups, and the numbers of theirs that live in Tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad.dtype import DType, float32, float64
from lazygrad.errors import DeviceError
from lazygrad.tensor import Tensor

STEP = "step"  # the name under which states hold the number of updates


class ParamGroup(dict[str, Any]):
    """A dict of options, as in PyTorch: ``opt.param_groups[0]["lr"] = 0.01``.

    Setting ``"lr"`` also assigns it to the Tensors that updates read, so a jitted step sees the
    new rate without being traced again. A jitted step takes the other options as they were when
    it was traced.

    Args:
        check: raises for options that make no sense; what is set later is checked as well.
    """

    def __init__(
        self, options: Mapping[str, Any], check: Callable[[Mapping[str, Any]], None]
    ) -> None:
        check(options)
        super().__init__(options)
        self._check = check
        self.cohorts = cohorts_of(self["params"], self["lr"])

    def __setitem__(self, key: str, value: Any) -> None:
        self._check({**self, key: value})
        super().__setitem__(key, value)
        if key == "lr":
            for cohort in self.cohorts:
                cohort.set_rate(value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of a dict; a new ``"lr"`` is assigned too."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value


class Cohort:
    """The parameters of a group that are on one device.

    Attributes:
        rate: the learning rate, shape ().
        steps: how many updates each parameter has had, shape (number of parameters,). One vector,
            so that counting and the factors that depend on it are one kernel for all of them.
        weights: by beta, ``1 - beta ** steps``, what the weights of a running mean add up to; kept
            up as the running mean of ones, without power or cancellation.
    """

    def __init__(self, params: Sequence[Tensor], rate: Any) -> None:
        self.params = params
        self.device: str = params[0].device
        self.dtype: DType = float64 if any(p.dtype is float64 for p in params) else float32
        self.rate = upload(np.zeros(()), self.dtype, self.device)
        self.set_rate(rate)
        self.steps = upload(np.zeros(len(params)), self.dtype, self.device)
        self.weights: dict[float, Tensor] = {}

    def set_rate(self, rate: Any) -> None:
        """Assign a learning rate: a number or a Tensor."""
        if isinstance(rate, Tensor):
            self.rate.assign(rate.detach().to(self.device).cast(self.dtype).reshape(()))
        else:
            self.rate.assign(upload(np.asarray(float(rate)), self.dtype, self.device))

    def gradients(self) -> dict[int, Tensor]:
        """The gradients that there are, by the position of their parameter."""
        found: dict[int, Tensor] = {}
        for index, param in enumerate(self.params):
            if param.grad is None:
                continue
            if param.device != self.device:
                raise DeviceError(
                    f"[optim] a parameter of shape {param.shape} moved from {self.device} to "
                    f"{param.device}; move the model first and make the optimizer then"
                )
            found[index] = param.grad
        return found

    def weigh(self, betas: Iterable[float]) -> None:
        """Keep the weights of running means with these betas from now on."""
        for beta in betas:
            if beta not in self.weights:
                weight = _weights(self.steps.numpy(), beta, self.dtype)
                self.weights[beta] = upload(weight, self.dtype, self.device)

    def count(self, active: Collection[int]) -> None:
        """Count one update of each parameter at the positions ``active``."""
        counted: Tensor | float = 1.0
        if len(active) < len(self.params):
            mask = np.zeros(len(self.params))
            mask[list(active)] = 1
            counted = upload(mask, self.dtype, self.device)
        self.steps.assign(self.steps + counted)
        for beta, weight in self.weights.items():
            weight.assign(weight + (1 - weight) * (counted * (1 - beta)))

    def set_steps(self, counts: Iterable[float]) -> None:
        """Assign the number of updates of every parameter."""
        numbers = np.array([*counts], np.float64)
        self.steps.assign(upload(numbers, self.dtype, self.device))
        for beta, weight in self.weights.items():
            weight.assign(upload(_weights(numbers, beta, self.dtype), self.dtype, self.device))


def _weights(counts: np.ndarray[Any, Any], beta: float, dtype: DType) -> np.ndarray[Any, Any]:
    """``1 - beta ** counts``, rounded as ``Cohort.count`` rounds it step by step, so that a resumed
    run is the uninterrupted one to the last bit. It does not change any more after some time."""
    one, rest = dtype.numpy.type(1), dtype.numpy.type(1 - beta)
    found = np.zeros(counts.shape, dtype.numpy)
    for step in range(int(counts.max(initial=0))):
        after = np.where(counts > step, found + (one - found) * rest, found)
        if np.array_equal(after, found):
            break
        found = after
    return found


def cohorts_of(params: Sequence[Tensor], rate: Any) -> list[Cohort]:
    """The parameters by device."""
    by_device: dict[str, list[Tensor]] = {}
    for param in params:
        by_device.setdefault(param.device, []).append(param)
    return [Cohort(members, rate) for members in by_device.values()]


def upload(values: np.ndarray[Any, Any], dtype: DType, device: str) -> Tensor:
    """A Tensor in memory from the start: no kernel has to make it, and the first step compiles
    to the same kernels as all later ones."""
    return Tensor(values.astype(np.float64), dtype=dtype, device=device)
