"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lazygrad.optim.checks import require_at_least, require_betas, require_flags
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Betas = tuple[float, float]


@dataclass
class Factors:
    """What one step of a cohort multiplies with. With ``c1 = 1 - beta1 ** step`` and ``c2``
    likewise, PyTorch's ``p -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps)`` is
    ``p = p * keep - size * m / (sqrt(v) + eps)`` with ``size = lr * sqrt(c2) / c1`` and
    ``eps * sqrt(c2)``: one operation less an element.

    Attributes:
        size, eps: one element a parameter; after ``at``, those of one parameter.
        keep: shape (), what decoupled weight decay leaves; None without.
        betas: numbers, or Tensors of shape () where a scheduler changes them.
    """

    size: Tensor
    eps: Tensor
    keep: Tensor | None
    betas: Any

    def at(self, index: int) -> Factors:
        """The factors of one parameter, each of shape ()."""
        return Factors(self.size[index], self.eps[index], self.keep, self.betas)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): ``m`` and ``v`` are running means of the gradient and its
    square, ``p -= lr / (1 - beta1 ** t) * m / (sqrt(v / (1 - beta2 ** t)) + eps)``.

    Args:
        weight_decay: L2 penalty, added to the gradient; with ``decoupled_weight_decay`` (AdamW)
            parameters shrink by ``lr * weight_decay`` instead.
        amsgrad: divide by the largest ``v`` so far.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.9, -1.9], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least(self._name, 0, options, "lr", "eps", "weight_decay")
        require_betas(self._name, options)
        require_flags(self._name, options, "amsgrad", "decoupled_weight_decay")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        names = (STEP, "exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def make_state(self, group: ParamGroup) -> None:
        super().make_state(group)
        for cohort in group.cohorts:
            cohort.weigh(group["betas"])

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        factors = _factors(group, cohort, resting=len(grads) < len(cohort.params))
        for index, given in grads.items():
            param = cohort.params[index]
            self._update_one(group, param, direction(param, given, group), factors.at(index))

    def _update_one(self, group: ParamGroup, param: Tensor, grad: Tensor, factors: Factors) -> None:
        beta1, beta2 = factors.betas
        state = self.state[param]
        mean = wide(state["exp_avg"])
        mean = mean + (grad - mean) * (1 - beta1)
        square = wide(state["exp_avg_sq"]) * beta2 + grad * grad * (1 - beta2)
        store(state["exp_avg"], mean)
        store(state["exp_avg_sq"], square)
        if group["amsgrad"]:
            square = wide(state["max_exp_avg_sq"]).maximum(square)
            store(state["max_exp_avg_sq"], square)
        kept = wide(param) if factors.keep is None else wide(param) * factors.keep
        denominator = square.sqrt() + factors.eps
        store(param, kept - mean / denominator * factors.size)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.85, -1.8 ], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, **options_of(locals()), decoupled_weight_decay=True)


def _factors(group: ParamGroup, cohort: Cohort, resting: bool) -> Factors:
    beta1, beta2 = cohort.option(group, "betas")
    root2 = correction(cohort, beta2, resting).sqrt()
    size = cohort.rate * root2 / correction(cohort, beta1, resting)
    decay = group["weight_decay"] if group["decoupled_weight_decay"] else 0
    keep = (1 - cohort.rate * decay).clone() if decay else None
    # written to memory: elementwise kernels load these numbers rather than compute them again
    return Factors(size.clone(), (root2 * group["eps"]).clone(), keep, (beta1, beta2))


def correction(cohort: Cohort, beta: float | Tensor, resting: bool) -> Tensor:
    """``1 - beta ** steps``; of a parameter that never had a gradient (``resting``: there may be
    some), which would divide by 0, that of the first step."""
    if isinstance(beta, Tensor):
        weight = -(cohort.steps * beta.log()).expm1()
    elif beta in cohort.weights:
        weight = cohort.weights[beta]
    else:  # betas were changed between steps
        weight = -(cohort.steps * math.log(beta)).expm1() if beta else (cohort.steps > 0).float()
    return weight.maximum(1 - beta) if resting else weight
