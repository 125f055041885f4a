"""Optimizer: groups, state and the step that all optimizers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import modes
from lazygrad.arguments import shown
from lazygrad.element_types import accumulator
from lazygrad.errors import ArgumentError, GradError, ValueRangeError
from lazygrad.optim.checks import require_common
from lazygrad.optim.group import STEP, Cohort, ParamGroup, upload
from lazygrad.optim.state import load_optimizer, optimizer_state
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Params = Iterable[Tensor] | Iterable[Mapping[str, Any]] | Iterable[tuple[str, Tensor]]
Hook = Callable[..., Any]


class Optimizer:
    """Updates parameters from their gradients.

    State is made with the optimizer, not in the first step: every step runs the same kernels,
    and a jitted one finds the state from the start.

    An optimizer of one's own defines ``update``, and ``state_names`` if it keeps something; or
    ``step`` itself, as in PyTorch, with Tensors of its own in ``self.state[param]``.

    Args:
        params: Tensors, ``(name, Tensor)`` pairs as of ``named_parameters()``, or a dict with
            ``"params"`` and options of its own for each group.
        defaults: options of groups that do not give their own. ``foreach``, ``fused`` and
            ``capturable`` are PyTorch's and change nothing: all of a step is one plan anyway.

    Attributes:
        scalar_states: which of its ``state_names`` are one number a parameter; they stand in
            ``Cohort.scalars``.
        param_groups: one ``ParamGroup`` (a dict of options) for each group.
        state: for each parameter its Tensors by name; they are rebound, never replaced.
        defaults: options of groups that do not give their own.

    >>> model = nn.Linear(2, 1)
    >>> groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.5}]
    >>> optimizer = optim.SGD(groups, lr=0.1)
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.1, 0.5]
    """

    scalar_states: tuple[str, ...] = (STEP,)

    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.param_groups: list[ParamGroup] = []
        self.has_stepped = False
        self._hooks: dict[str, list[Hook]] = {"pre": [], "post": []}
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

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """What the optimizer keeps for each parameter of ``group``: Tensors like it that start
        as zeros unless ``initial`` says otherwise, and numbers (``scalar_states``), of which
        ``"step"`` counts updates."""
        return ()

    def states_of(self, param: Tensor, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``state_names`` that ``param`` has: all, unless this is overridden."""
        return self.state_names(group)

    def initial(self, name: str, param: Tensor, group: Mapping[str, Any]) -> Any:
        """The value with which a state starts, as an array or number."""
        return 0.0 if name in self.scalar_states else np.zeros(param.shape)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        """Rebind the parameters of ``cohort`` that have ``grads`` (by position) and their state,
        for one step."""
        raise NotImplementedError(f"[optim] {self._name} defines neither update() nor step()")

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise ValueRangeError for options that make no sense."""

    def _check(self, options: Mapping[str, Any]) -> None:
        require_common(self._name, options)
        self.check_options(options)

    # -- groups -----------------------------------------------------------------------------------

    @public
    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters, with options of their own: ``{"params": ..., "lr": ...}``."""
        given = param_group.get("params", ())
        listed = [given] if isinstance(given, Tensor) else list(given)
        names, params = _named(self._name, listed)
        options = {**self.defaults, **param_group, "params": params}
        if names:
            options["param_names"] = names
        self._check_params(params)
        # one launch for all initial values, rather than one a parameter when it is first read
        Tensor.realize(*params)
        group = ParamGroup(options, self._check, self.make_state)
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
            for name in self.states_of(param, group):
                if name not in own and name not in self.scalar_states:
                    start = np.asarray(self.initial(name, param, group))
                    own[name] = upload(start, param.dtype, param.device)
        for cohort in group.cohorts:
            for name in self.state_names(group):
                if name in self.scalar_states and name not in cohort.scalars:
                    starts = [self.initial(name, param, group) for param in cohort.params]
                    cohort.scalars[name] = upload(np.array(starts), cohort.dtype, cohort.device)

    def after_loading(self, group: ParamGroup) -> None:
        """Bring what is derived from the state of ``group`` up to date, after it was loaded."""

    # -- steps ------------------------------------------------------------------------------------

    @public
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: called first if given, to compute the loss and its gradients.

        Returns:
            What ``closure`` returned.
        """
        self._call_hooks("pre")
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
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
        self.has_stepped = True
        self._call_hooks("post")
        return loss

    def tensors(self) -> list[Tensor]:
        """All that a step may rebind: parameters and state."""
        found = [param for group in self.param_groups for param in group["params"]]
        for param in list(found):
            found += [held for held in self.state.get(param, {}).values()
                      if isinstance(held, Tensor)]  # fmt: skip
        for group in self.param_groups:
            for cohort in group.cohorts:
                found += [*cohort.scalars.values(), *cohort.weights.values()]
        return found

    def _tensors(self, cohort: Cohort, active: Iterable[int]) -> list[Tensor]:
        params = [cohort.params[index] for index in active]
        states = [tensor for param in params for tensor in self.state[param].values()]
        return [*params, *states, *cohort.scalars.values()]

    @public
    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, (), {})`` before each step; under ``jit`` only while tracing."""
        return Handle(self._hooks["pre"], hook)

    @public
    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, (), {})`` after each step; under ``jit`` only while tracing."""
        return Handle(self._hooks["post"], hook)

    def _call_hooks(self, when: str) -> None:
        for hook in list(self._hooks[when]):
            hook(self, (), {})

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


class Handle:
    """Takes back a hook that was registered."""

    def __init__(self, hooks: list[Hook], hook: Hook) -> None:
        self._hooks, self._hook = hooks, hook
        hooks.append(hook)

    def remove(self) -> None:
        """Call the hook no more."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


def _named(op: str, given: Sequence[Any]) -> tuple[list[str], list[Any]]:
    """The names and the parameters of (name, parameter) pairs; no names if there are no pairs."""
    pairs = [p for p in given if isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str)]
    if not pairs:
        return [], list(given)
    if len(pairs) < len(given):
        raise ArgumentError(
            f"[{op}] {len(pairs)} of {len(given)} parameters of a group have names; give all of "
            "them as (name, parameter), or none"
        )
    return [name for name, _ in pairs], [param for _, param in pairs]


def options_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options among a constructor's arguments (``locals()``), under PyTorch's names."""
    return {k: v for k, v in arguments.items() if k not in ("self", "params", "__class__")}


def store(target: Tensor, value: Tensor) -> None:
    """Rebind a parameter or state to ``value``, in its own dtype."""
    target.assign(value.cast(target.dtype))


def wide(tensor: Tensor) -> Tensor:
    """Small floats in float32: an update is smaller than what they resolve."""
    return tensor.cast(accumulator(tensor.dtype))


def direction(param: Tensor, grad: Tensor, group: Mapping[str, Any]) -> Tensor:
    """The gradient to descend along, wide, with its sign for ``maximize`` and with L2 decay."""
    grad = wide(grad)
    if group["maximize"]:
        grad = -grad
    if group.get("weight_decay") and not group.get("decoupled_weight_decay", False):
        grad = grad + wide(param) * group["weight_decay"]
    return grad
