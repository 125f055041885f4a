"""NAdam and RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygrad.optim.adam import Betas, correction
from lazygrad.optim.checks import require_at_least, require_betas, require_flags
from lazygrad.optim.group import STEP, Cohort, ParamGroup, upload
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

MOMENT = "moment"  # of RAdam: the sum over updates k of k * beta2 ** (k - 1)


class _AdamLike(Optimizer):
    """Running means of the gradient and its square, with the two ways of decaying weights."""

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least(self._name, 0, options, "lr", "eps", "weight_decay")
        require_betas(self._name, options)
        require_flags(self._name, options, "decoupled_weight_decay")

    def make_state(self, group: ParamGroup) -> None:
        super().make_state(group)
        for cohort in group.cohorts:
            cohort.weigh(group["betas"])

    def means(
        self, group: ParamGroup, param: Tensor, given: Tensor, betas: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient, and its running mean and that of its square, which are stored."""
        beta1, beta2 = betas
        state = self.state[param]
        grad = direction(param, given, group)
        mean = wide(state["exp_avg"])
        mean = mean + (grad - mean) * (1 - beta1)
        square = wide(state["exp_avg_sq"]) * beta2 + grad * grad * (1 - beta2)
        store(state["exp_avg"], mean)
        store(state["exp_avg_sq"], square)
        return grad, mean, square


def decayed(param: Tensor, keep: Tensor | None) -> Tensor:
    """What decoupled weight decay leaves of a parameter."""
    return wide(param) if keep is None else wide(param) * keep


def kept(group: Mapping[str, Any], cohort: Cohort) -> Tensor | None:
    """The factor of decoupled weight decay, shape (); None without."""
    decay = group["weight_decay"] if group.get("decoupled_weight_decay", True) else 0
    return (1 - cohort.rate * decay).clone() if decay else None


class NAdam(_AdamLike):
    """NAdam (Dozat, 2016): Adam with Nesterov's momentum,
    ``p -= lr * ((1 - mu) / (1 - prod mu) * g + mu' / (1 - mu' * prod mu) * m) / (sqrt(v / (1 -
    beta2 ** t)) + eps)`` with ``mu = beta1 * (1 - 0.96 ** (t * momentum_decay) / 2)``, and ``mu'``
    that of the next step.

    Args:
        weight_decay: L2 penalty, added to the gradient; with ``decoupled_weight_decay``
            parameters shrink by ``lr * weight_decay`` instead.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8944, -1.8944], requires_grad=True)
    """

    scalar_states = (STEP, "mu_product")

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        super().check_options(options)
        require_at_least("NAdam", 0, options, "momentum_decay")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "mu_product", "exp_avg", "exp_avg_sq")

    def initial(self, name: str, param: Tensor, group: Mapping[str, Any]) -> Any:
        return 1.0 if name == "mu_product" else super().initial(name, param, group)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        betas = tuple(cohort.option(group, "betas"))
        share = 0.96 ** (cohort.steps * group["momentum_decay"])
        now = betas[0] * (1 - 0.5 * share)
        after = betas[0] * (1 - 0.5 * share * 0.96 ** group["momentum_decay"])
        product = cohort.set_scalar("mu_product", cohort.scalars["mu_product"] * now, grads)
        by_grad = (cohort.rate * (1 - now) / (1 - product)).clone()
        by_mean = (cohort.rate * after / (1 - product * after)).clone()
        root2 = correction(cohort, betas[1], len(grads) < len(cohort.params)).rsqrt().clone()
        keep = kept(group, cohort)
        for index, given in grads.items():
            param = cohort.params[index]
            grad, mean, square = self.means(group, param, given, betas)
            step = grad * by_grad[index] + mean * by_mean[index]
            below = square.sqrt() * root2[index] + group["eps"]
            store(param, decayed(param, keep) - step / below)


class RAdam(_AdamLike):
    """RAdam (Liu et al., 2020): Adam whose step size follows how well its square is known by
    now, and plain momentum in the first steps, where it is not.

    Args:
        weight_decay: L2 penalty, added to the gradient; with ``decoupled_weight_decay``
            parameters shrink by ``lr * weight_decay`` instead.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8, -1.6], requires_grad=True)
    """

    scalar_states = (STEP, MOMENT)

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "exp_avg", "exp_avg_sq")

    def make_state(self, group: ParamGroup) -> None:
        """With the moment, which is no part of the state that is saved: the steps say it."""
        super().make_state(group)
        for cohort in group.cohorts:
            if MOMENT not in cohort.scalars:
                zeros = np.zeros(len(cohort.params))
                cohort.scalars[MOMENT] = upload(zeros, cohort.dtype, cohort.device)

    def after_loading(self, group: ParamGroup) -> None:
        for cohort in group.cohorts:
            counts = cohort.steps.numpy()
            cohort.load_scalar(MOMENT, _moments(counts, group["betas"][1], cohort))

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        betas = tuple(cohort.option(group, "betas"))
        resting = len(grads) < len(cohort.params)
        before = 1 - correction(cohort, betas[1], resting=False)
        cohort.count(grads)
        # PyTorch's rho, 2 / (1 - beta2) - 1 - 2 * t * beta2 ** t / (1 - beta2 ** t), is in float32
        # off by more than it differs from 5 in the first steps. Two sums of positive terms say it.
        moment = cohort.scalars[MOMENT] + before * cohort.steps
        moment = cohort.set_scalar(MOMENT, moment, grads)
        weight2 = correction(cohort, betas[1], resting)
        rho = 2 * moment * (1 - betas[1]) / weight2 - 1
        limit = 2 / (1 - betas[1]) - 1
        known = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
        sure = rho > 5
        rect = (known.where(sure, 1.0) * weight2).sqrt().clone()
        sure, size = sure.clone(), cohort.rate / correction(cohort, betas[0], resting)
        size, keep = size.clone(), kept(group, cohort)
        for index, given in grads.items():
            param = cohort.params[index]
            _, mean, square = self.means(group, param, given, betas)
            adapted = rect[index] / (square.sqrt() + group["eps"])
            step = mean * size[index] * adapted.where(sure[index], 1.0)
            store(param, decayed(param, keep) - step)


def _moments(counts: Any, beta: float, cohort: Cohort) -> Any:
    """``MOMENT`` after ``counts`` updates, rounded as ``RAdam.update`` rounds it step by step."""
    one, rest = cohort.dtype.numpy.type(1), cohort.dtype.numpy.type(1 - beta)
    found = np.zeros(counts.shape, cohort.dtype.numpy)
    weight = np.zeros((), cohort.dtype.numpy)
    for step in range(1, int(counts.max(initial=0)) + 1):
        after = np.where(counts >= step, found + (one - weight) * cohort.dtype.numpy.type(step),
                         found)  # fmt: skip
        if step > 1 / rest and np.array_equal(after, found):
            break
        found, weight = after, weight + (one - weight) * rest
    return found
