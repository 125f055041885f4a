"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.optim.checks import require_at_least, require_flags
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class RMSprop(Optimizer):
    """RMSprop (Hinton's lecture 6, 2012; centered: Graves, 2013): with a running mean ``v`` of the
    gradient's square, ``p -= lr * g / (sqrt(v) + eps)``.

    Args:
        alpha: how much of ``v`` stays.
        weight_decay: L2 penalty, added to the gradient.
        momentum: if not 0, ``b = momentum * b + g / (sqrt(v) + eps)`` and ``p -= lr * b``.
        centered: divide by the standard deviation instead, ``sqrt(v - mean(g) ** 2)``.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.RMSprop([w], lr=0.05)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.5, -1.5], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("RMSprop", 0, options, "lr", "alpha", "eps", "weight_decay", "momentum")
        require_flags("RMSprop", options, "centered")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        mean = ("grad_avg",) if group["centered"] else ()
        return (STEP, "square_avg", *momentum, *mean)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        alpha, momentum = group["alpha"], cohort.option(group, "momentum")
        for index, given in grads.items():
            param = cohort.params[index]
            state = self.state[param]
            grad = direction(param, given, group)
            spread = wide(state["square_avg"]) * alpha + grad * grad * (1 - alpha)
            store(state["square_avg"], spread)
            if group["centered"]:
                mean = wide(state["grad_avg"])
                mean = mean + (grad - mean) * (1 - alpha)
                store(state["grad_avg"], mean)
                spread = spread - mean * mean
            step = grad / (spread.sqrt() + group["eps"])
            if group["momentum"]:
                step = wide(state["momentum_buffer"]) * momentum + step
                store(state["momentum_buffer"], step)
            store(param, wide(param) - step * cohort.rate)
