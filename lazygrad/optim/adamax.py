"""Adamax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.optim.adam import Betas, correction
from lazygrad.optim.checks import require_at_least, require_betas
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Adamax(Optimizer):
    """Adamax (Kingma and Ba, 2015): Adam with ``u = max(beta2 * u, |g| + eps)`` instead of the
    square, ``p -= lr / (1 - beta1 ** t) * m / u``.

    Args:
        weight_decay: L2 penalty, added to the gradient.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.9, -1.9], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Adamax", 0, options, "lr", "eps", "weight_decay")
        require_betas("Adamax", options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "exp_avg", "exp_inf")

    def make_state(self, group: ParamGroup) -> None:
        super().make_state(group)
        for cohort in group.cohorts:
            cohort.weigh(group["betas"][:1])

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        beta1, beta2 = cohort.option(group, "betas")
        resting = len(grads) < len(cohort.params)
        sizes = (cohort.rate / correction(cohort, beta1, resting)).clone()
        for index, given in grads.items():
            param = cohort.params[index]
            state = self.state[param]
            grad = direction(param, given, group)
            mean = wide(state["exp_avg"])
            mean = mean + (grad - mean) * (1 - beta1)
            largest = (wide(state["exp_inf"]) * beta2).maximum(grad.abs() + group["eps"])
            store(state["exp_avg"], mean)
            store(state["exp_inf"], largest)
            store(param, wide(param) - mean / largest * sizes[index])
