"""Rprop and ASGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.errors import ValueRangeError
from lazygrad.optim.checks import require_at_least, require_pair
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Rprop(Optimizer):
    """Resilient backpropagation (Riedmiller and Braun, 1993), for gradients of the whole data:
    each element has a step size of its own, which starts as ``lr``, grows while the sign of its
    gradient stays and shrinks where it turned, where this step is left out.

    Args:
        etas: the factors by which a step size shrinks and grows.
        step_sizes: the smallest and largest step size.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Rprop([w], lr=0.1)
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Rprop", 0, options, "lr")
        shrink, grow = require_pair("Rprop", "etas", options)
        low, high = require_pair("Rprop", "step_sizes", options)
        if not 0 < shrink < 1 < grow or not 0 <= low <= high:
            raise ValueRangeError(
                "[Rprop] etas must be a number below 1 and one above, step_sizes the smallest and "
                f"the largest, got etas={(shrink, grow)} and step_sizes={(low, high)}"
            )

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "prev", "step_size")

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        first = (cohort.steps == 0).clone()  # a step size starts as the rate of its first step
        cohort.count(grads)
        shrink, grow = group["etas"]
        for index, given in grads.items():
            param = cohort.params[index]
            state = self.state[param]
            grad = direction(param, given, group)
            turned = grad * wide(state["prev"])
            factor = Tensor.ones_like(turned).where(turned <= 0, grow).where(turned >= 0, shrink)
            size = cohort.rate.where(first[index], wide(state["step_size"])) * factor
            size = size.clamp(*group["step_sizes"])
            grad = grad.where(turned >= 0, 0.0)
            store(state["step_size"], size)
            store(state["prev"], grad)
            store(param, wide(param) - grad.sign() * size)


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992): ``p = p * (1 - lambd *
    eta) - eta * g`` with ``eta = lr / (1 + lambd * lr * t) ** alpha``. The mean of ``p`` over the
    steps after ``t0`` is ``state[p]["ax"]``.

    Args:
        weight_decay: L2 penalty, added to the gradient.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.ASGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8, -1.6], requires_grad=True)
    """

    scalar_states = (STEP, "eta", "mu")

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("ASGD", 0, options, "lr", "lambd", "alpha", "t0", "weight_decay")

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "eta", "mu", "ax")

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        first = cohort.steps == 0
        eta = cohort.rate.where(first, cohort.scalars["eta"]).clone()
        share = Tensor.ones_like(eta).where(first, cohort.scalars["mu"]).clone()
        keep = (1 - eta * group["lambd"]).clone()
        cohort.count(grads)
        slower = 1 + cohort.rate * group["lambd"] * cohort.steps
        cohort.set_scalar("eta", cohort.rate / slower ** group["alpha"], grads)
        cohort.set_scalar("mu", 1 / (cohort.steps - group["t0"]).maximum(1.0), grads)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = direction(param, given, group)
            after = wide(param) * keep[index] - grad * eta[index]
            average = wide(self.state[param]["ax"])
            store(self.state[param]["ax"], average + (after - average) * share[index])
            store(param, after)
