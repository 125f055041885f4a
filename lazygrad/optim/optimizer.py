"""Optimizer: groups, state and the step that all optimizers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import modes
from lazygrad.arguments import shown
from lazygrad.dtype import accumulator
from lazygrad.errors import ArgumentError, GradError, ValueRangeError
from lazygrad.optim.group import STEP, Cohort, ParamGroup, upload
from lazygrad.optim.state import load_optimizer, optimizer_state
from lazygrad.public import public
from lazygrad.tensor import Tensor

Params = Iterable[Tensor] | Iterable[Mapping[str, Any]]


class Optimizer(ABC):
    """Updates parameters from their gradients.

    State is made with the optimizer, not in the first step: every step runs the same kernels,
    and a jitted one finds the state from the start.

    Attributes:
        param_groups: one ``ParamGroup`` (a dict of options) for each group.
        state: for each parameter its Tensors by name; they are rebound, never replaced.
        defaults: options of groups that do not give their own.
    """

    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.param_groups: list[ParamGroup] = []
        given: list[Any] = list(params)
        if not given:
            raise ValueRangeError(f"[{self._name}] there are no parameters to optimize")
        groups = given if isinstance(given[0], Mapping) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    # -- what an optimizer defines --------------------------------------------------------------

    @abstractmethod
    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """What the optimizer keeps for each parameter of ``group``: Tensors like it that start
        as zeros, and ``"step"`` if it counts updates (in ``Cohort.steps``)."""

    @abstractmethod
    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        """Rebind the parameters of ``cohort`` that have ``grads`` (by position) and their state,
        for one step."""

    @abstractmethod
    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise ValueRangeError for options that make no sense."""

    # -- groups -----------------------------------------------------------------------------------

    @public
    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters, with options of their own: ``{"params": ..., "lr": ...}``."""
        given = param_group.get("params", ())
        params = [given] if isinstance(given, Tensor) else list(given)
        options = {**self.defaults, **param_group, "params": params}
        self._check_params(params)
        # one launch for all initial values, rather than one a parameter when it is first read
        Tensor.realize(*params)
        group = ParamGroup(options, self.check_options)
        self.param_groups.append(group)
        self.make_state(group)

    def _check_params(self, params: Sequence[Tensor]) -> None:
        seen = {id(param) for group in self.param_groups for param in group["params"]}
        if not params:
            raise ValueRangeError(f"[{self._name}] a group has no parameters")
        for index, param in enumerate(params):
            if not isinstance(param, Tensor):
                raise ArgumentError(f"[{self._name}] can only optimize Tensors, got {shown(param)}")
            if not param.is_leaf:
                raise GradError(
                    f"[{self._name}] parameter {index} of shape {param.shape} was computed from "
                    "others; optimize the tensors that it was computed from"
                )
            if id(param) in seen:
                raise ValueRangeError(
                    f"[{self._name}] parameter {index} of shape {param.shape} is given twice"
                )
            seen.add(id(param))

    def make_state(self, group: ParamGroup) -> None:
        """State that the options ask for and that is not there yet."""
        for param in group["params"]:
            own = self.state.setdefault(param, {})
            for name in self.state_names(group):
                if name != STEP and name not in own:
                    own[name] = upload(np.zeros(param.shape), param.dtype, param.device)

    # -- steps ------------------------------------------------------------------------------------

    @public
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: called first if given, to compute the loss and its gradients.

        Returns:
            What ``closure`` returned.
        """
        loss = None if closure is None else closure()
        rebound: list[Tensor] = []
        with modes.no_grad():
            for group in self.param_groups:
                for cohort in group.cohorts:
                    grads = cohort.gradients()
                    if grads:
                        self.update(group, cohort, grads)
                        rebound += self._tensors(cohort, grads)
        if rebound and modes.ambient.trace is None:
            Tensor.realize(*rebound)  # together: one plan, and nothing piles up between steps
        return loss

    def _tensors(self, cohort: Cohort, active: Iterable[int]) -> list[Tensor]:
        params = [cohort.params[index] for index in active]
        states = [tensor for param in params for tensor in self.state[param].values()]
        return [*params, *states, cohort.steps]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` make them zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:  # without reading it: a traced step then does not depend on it
                    param.grad = None
                elif param.grad is not None:
                    param.grad = Tensor.zeros_like(param.grad)

    # -- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {index: {name: Tensor}}, "param_groups": [options]}``, as PyTorch's: a
        snapshot. Parameters are numbered in the order of the groups."""
        return optimizer_state(self)

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state of ``state_dict()`` (Tensors or NumPy arrays).

        Raises:
            CheckpointError: if groups, names or shapes differ; then nothing has changed.
        """
        load_optimizer(self, state_dict)

    def __repr__(self) -> str:
        lines = []
        for index, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {index}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return f"{self._name} (\n" + "\n".join(lines) + "\n)"


def wide(tensor: Tensor) -> Tensor:
    """Small floats in float32: an update is smaller than what they resolve."""
    return tensor.cast(accumulator(tensor.dtype))


def direction(param: Tensor, grad: Tensor, group: Mapping[str, Any]) -> Tensor:
    """The gradient to descend along, wide, with its sign for ``maximize`` and with L2 decay."""
    grad = wide(grad)
    if group["maximize"]:
        grad = -grad
    if group["weight_decay"] and not group.get("decoupled_weight_decay", False):
        grad = grad + wide(param) * group["weight_decay"]
    return grad
