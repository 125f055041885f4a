"""Parameter groups, and the numbers of theirs that live in Tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad.element_types import DType, float32, float64
from lazygrad.errors import DeviceError
from lazygrad.tensor_class import Tensor

STEP = "step"  # the name under which states hold the number of updates


class ParamGroup(dict[str, Any]):
    """A dict of options, as in PyTorch: ``opt.param_groups[0]["lr"] = 0.01``.

    Setting ``"lr"`` also assigns it to the Tensors that updates read, so a jitted step sees the
    new rate without being traced again; so do other options after ``live``. A jitted step takes
    the rest as they were when it was traced.

    Args:
        check: raises for options that make no sense; what is set later is checked as well.
        changed: called after an option was set.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(2))], lr=0.1)
    >>> optimizer.param_groups[0]["lr"] = 0.01
    >>> optimizer.param_groups[0]["lr"], len(optimizer.param_groups[0]["params"])
    (0.01, 1)
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        check: Callable[[Mapping[str, Any]], None],
        changed: Callable[[ParamGroup], None],
    ) -> None:
        check(options)
        super().__init__(options)
        self._check, self._changed = check, changed
        self.cohorts = cohorts_of(self["params"])
        if "lr" in self:
            self.live("lr")

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle and copy, which would set one option after another."""
        return _group, (dict(self), vars(self))

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of a dict; what is live is assigned too."""
        given = dict(*args, **kwargs)
        self._check({**self, **given})
        super().update(given)
        for cohort in self.cohorts:
            for key in given.keys() & cohort.numbers.keys():
                cohort.set_number(key, given[key])
        self._changed(self)

    def live(self, *keys: str) -> None:
        """Hold these options, numbers or tuples of numbers, in Tensors that updates read: steps
        that are jitted from now on see what they are set to."""
        for cohort in self.cohorts:
            for key in keys:
                cohort.make_live(key, self[key])

    def set_number(self, key: str, value: float) -> None:
        """Set an option to another number; one that is a Tensor takes it in place, as in PyTorch
        when a scheduler sets it."""
        held = self[key]
        if isinstance(held, Tensor):
            held.assign(upload(np.full(held.shape, value), held.dtype, held.device))
        self[key] = held if isinstance(held, Tensor) else value


def _group(options: dict[str, Any], attributes: dict[str, Any]) -> ParamGroup:
    made = ParamGroup.__new__(ParamGroup)
    dict.update(made, options)
    vars(made).update(attributes)
    return made


class Cohort:
    """The parameters of a group that are on one device.

    Attributes:
        numbers: the options that are live, by name: the learning rate, shape (), and others.
        scalars: numbers that are kept for each parameter, such as how many updates it has had;
            each a vector, shape (number of parameters,), so that counting and the factors that
            depend on it are one kernel for all of them.
        weights: by beta, ``1 - beta ** steps``, what the weights of a running mean add up to; kept
            up as the running mean of ones, without power or cancellation.
    """

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = params
        self.device: str = params[0].device
        self.dtype: DType = float64 if any(p.dtype is float64 for p in params) else float32
        self.numbers: dict[str, Tensor] = {}
        self.scalars = {STEP: upload(np.zeros(len(params)), self.dtype, self.device)}
        self.weights: dict[float, Tensor] = {}

    @property
    def rate(self) -> Tensor:
        """The learning rate, shape ()."""
        return self.numbers["lr"]

    @property
    def steps(self) -> Tensor:
        """How many updates each parameter has had."""
        return self.scalars[STEP]

    def option(self, group: Mapping[str, Any], key: str) -> Any:
        """An option as updates read it: a Tensor if it is live."""
        return self.numbers.get(key, group[key])

    def make_live(self, key: str, value: Any) -> None:
        """Hold an option in a Tensor."""
        if key in self.numbers:
            return
        if self._is_fit(value):
            self.numbers[key] = value  # the user's own, so that what is written to it is seen
        else:
            self.numbers[key] = upload(np.zeros(np.shape(value)), self.dtype, self.device)
            self.set_number(key, value)

    def _is_fit(self, value: Any) -> bool:
        """Whether an option can be read as it is."""
        kind = (self.dtype, self.device, (), False)
        return isinstance(value, Tensor) and kind == (
            value.dtype, value.device, value.shape, value.requires_grad)  # fmt: skip

    def set_number(self, key: str, value: Any) -> None:
        """Assign an option that is live: numbers or a Tensor."""
        held = self.numbers[key]
        if held is value:
            return
        if isinstance(value, Tensor):
            held.assign(value.detach().to(self.device).cast(self.dtype).reshape(held.shape))
        else:
            held.assign(upload(np.asarray(value), self.dtype, self.device))

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
        """Keep the weights of running means with these betas from now on, and of no others. Where
        betas are live they change too often to be kept up with."""
        wanted = () if "betas" in self.numbers else betas
        kept = {beta: self.weights[beta] for beta in wanted if beta in self.weights}
        for beta in wanted:
            if beta not in kept:
                weight = _weights(self.steps.numpy(), beta, self.dtype)
                kept[beta] = upload(weight, self.dtype, self.device)
        self.weights = kept

    def count(self, active: Collection[int]) -> None:
        """Count one update of each parameter at the positions ``active``."""
        counted: Tensor | float = 1.0
        if len(active) < len(self.params):
            counted = upload(self._mask(active), self.dtype, self.device)
        self.steps.assign(self.steps + counted)
        for beta, weight in self.weights.items():
            weight.assign(weight + (1 - weight) * (counted * (1 - beta)))

    def set_scalar(self, name: str, values: Tensor, active: Collection[int]) -> Tensor:
        """Assign the numbers ``name`` of the parameters at the positions ``active``."""
        held = self.scalars[name]
        if len(active) < len(self.params):
            chosen = upload(self._mask(active), self.dtype, self.device) > 0
            values = values.where(chosen, held)
        return held.assign(values)

    def _mask(self, active: Collection[int]) -> np.ndarray[Any, Any]:
        mask = np.zeros(len(self.params))
        mask[list(active)] = 1
        return mask

    def load_scalar(self, name: str, values: Iterable[float]) -> None:
        """Assign the numbers ``name`` of every parameter."""
        numbers = np.array([*values], np.float64)
        self.scalars[name].assign(upload(numbers, self.dtype, self.device))
        if name == STEP:
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


def cohorts_of(params: Sequence[Tensor]) -> list[Cohort]:
    """The parameters by device."""
    by_device: dict[str, list[Tensor]] = {}
    for param in params:
        by_device.setdefault(param.device, []).append(param)
    return [Cohort(members) for members in by_device.values()]


def upload(values: np.ndarray[Any, Any], dtype: DType, device: str) -> Tensor:
    """A Tensor in memory from the start: no kernel has to make it, and the first step compiles
    to the same kernels as all later ones."""
    return Tensor(values.astype(np.float64), dtype=dtype, device=device)
