"""Lion and LAMB, which PyTorch leaves to others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.optim.adam import Betas, correction
from lazygrad.optim.checks import require_at_least, require_betas
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.nadam import decayed, kept
from lazygrad.optim.optimizer import Optimizer, Params, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Lion(Optimizer):
    """Lion (Chen et al., 2023): ``p -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay *
    p)``, then ``m = beta2 * m + (1 - beta2) * g``. Its steps are larger than Adam's: a rate 3 to
    10 times smaller, and a decay that much larger, do the same.

    Args:
        weight_decay: decoupled, as of AdamW.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.9, -1.9], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-4,
        betas: Betas = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Lion", 0, options, "lr", "weight_decay")
        require_betas("Lion", options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("exp_avg",)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        beta1, beta2 = cohort.option(group, "betas")
        keep = kept(group, cohort)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = -wide(given) if group["maximize"] else wide(given)
            mean = wide(self.state[param]["exp_avg"])
            step = (mean + (grad - mean) * (1 - beta1)).sign()
            store(self.state[param]["exp_avg"], mean + (grad - mean) * (1 - beta2))
            store(param, decayed(param, keep) - step * cohort.rate)


class LAMB(Optimizer):
    """LAMB (You et al., 2020): AdamW whose step for each parameter, ``r = m / (sqrt(v) + eps) +
    weight_decay * p`` with both means corrected, is made as long as the parameter:
    ``p -= lr * norm(p) / norm(r) * r``. Where a norm is 0 the step is ``lr * r``.

    Args:
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.LAMB([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8419, -1.8419], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("LAMB", 0, options, "lr", "eps", "weight_decay")
        require_betas("LAMB", options)

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "exp_avg", "exp_avg_sq")

    def make_state(self, group: ParamGroup) -> None:
        super().make_state(group)
        for cohort in group.cohorts:
            cohort.weigh(group["betas"])

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        beta1, beta2 = cohort.option(group, "betas")
        resting = len(grads) < len(cohort.params)
        by_mean = correction(cohort, beta1, resting).reciprocal().clone()
        root2 = correction(cohort, beta2, resting).rsqrt().clone()
        for index, given in grads.items():
            param = cohort.params[index]
            state = self.state[param]
            grad = -wide(given) if group["maximize"] else wide(given)
            mean = wide(state["exp_avg"])
            mean = mean + (grad - mean) * (1 - beta1)
            square = wide(state["exp_avg_sq"]) * beta2 + grad * grad * (1 - beta2)
            store(state["exp_avg"], mean)
            store(state["exp_avg_sq"], square)
            step = mean * by_mean[index] / (square.sqrt() * root2[index] + group["eps"])
            step = step + wide(param) * group["weight_decay"]
            store(param, wide(param) - step * (cohort.rate * _trust(wide(param), step)))


def _trust(param: Tensor, step: Tensor) -> Tensor:
    """How much longer the parameter is than the step, shape (); 1 where one of them is 0."""
    long, short = param.square().sum().sqrt(), step.square().sum().sqrt()
    return (long / short).where((long > 0).logical_and(short > 0), 1.0)
