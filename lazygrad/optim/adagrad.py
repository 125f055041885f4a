"""Adagrad and Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygrad.arguments import require_range
from lazygrad.optim.checks import require_at_least
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011): with the sum ``s`` of the gradient's squares so
    far, ``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``.

    Args:
        weight_decay: L2 penalty, added to the gradient.
        initial_accumulator_value: where ``s`` starts.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.9, -1.9], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        names = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        require_at_least("Adagrad", 0, options, *names)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "sum")

    def initial(self, name: str, param: Tensor, group: Mapping[str, Any]) -> Any:
        if name == "sum":
            return np.full(param.shape, float(group["initial_accumulator_value"]))
        return super().initial(name, param, group)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        rates: Tensor | None = None
        if group["lr_decay"]:
            rates = (cohort.rate / (1 + cohort.steps * group["lr_decay"])).clone()
        cohort.count(grads)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = direction(param, given, group)
            total = wide(self.state[param]["sum"]) + grad * grad
            store(self.state[param]["sum"], total)
            rate = cohort.rate if rates is None else rates[index]
            store(param, wide(param) - grad / (total.sqrt() + group["eps"]) * rate)


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): with running means ``v`` of the gradient's square and ``u`` of the
    step's, ``d = sqrt(u + eps) / sqrt(v + eps) * g`` and ``p -= lr * d``.

    Args:
        rho: how much of ``v`` and ``u`` stays.
        weight_decay: L2 penalty, added to the gradient.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Adadelta([w], lr=1.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.9968, -1.9968], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Adadelta", 0, options, "lr", "eps", "weight_decay")
        require_range("Adadelta", 0, 1, rho=options["rho"])

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "square_avg", "acc_delta")

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        rho, eps = group["rho"], group["eps"]
        for index, given in grads.items():
            param = cohort.params[index]
            state = self.state[param]
            grad = direction(param, given, group)
            square = wide(state["square_avg"]) * rho + grad * grad * (1 - rho)
            steps = wide(state["acc_delta"])
            delta = (steps + eps).sqrt() / (square + eps).sqrt() * grad
            store(state["square_avg"], square)
            store(state["acc_delta"], steps * rho + delta * delta * (1 - rho))
            store(param, wide(param) - delta * cohort.rate)
