"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ValueRangeError
from lazygrad.optim.checks import require_at_least, require_flags
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class SGD(Optimizer):
    """``p -= lr * g``, with momentum as in PyTorch: ``b = momentum * b + (1 - dampening) * g``
    (the first ``b`` is ``g``), then ``p -= lr * b``, or with ``nesterov``
    ``p -= lr * (g + momentum * b)``.

    Args:
        weight_decay: L2 penalty, added to the gradient.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8, -1.6], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("SGD", 0, options, "lr", "momentum", "weight_decay")
        require_range("SGD", dampening=options["dampening"])
        require_flags("SGD", options, "nesterov")
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueRangeError(
                "[SGD] nesterov needs a momentum above 0 and no dampening, got "
                f"momentum={options['momentum']} and dampening={options['dampening']}"
            )

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        if not group["momentum"]:
            return ()
        return (STEP, "momentum_buffer") if group["dampening"] else ("momentum_buffer",)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        share: Tensor | None = None
        if STEP in self.state_names(group):
            # a factor, not a branch: a jitted step must serve the first step and the others
            later = (cohort.steps > 0).cast(cohort.dtype)
            share = (1 - later * group["dampening"]).clone()
            cohort.count(grads)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = direction(param, given, group)
            if group["momentum"]:
                damped = grad if share is None else grad * share[index]
                momentum = cohort.option(group, "momentum")
                velocity = wide(self.state[param]["momentum_buffer"]) * momentum + damped
                store(self.state[param]["momentum_buffer"], velocity)
                grad = grad + velocity * momentum if group["nesterov"] else velocity
            store(param, wide(param) - grad * cohort.rate)
