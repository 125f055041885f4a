"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ValueRangeError
from lazygrad.optim.checks import require_at_least, require_flags
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.optimizer import Optimizer, Params, direction, wide
from lazygrad.public import public
from lazygrad.tensor import Tensor


class SGD(Optimizer):
    """``p -= lr * g``, with momentum as in PyTorch: ``b = momentum * b + (1 - dampening) * g``
    (the first ``b`` is ``g``), then ``p -= lr * b``, or with ``nesterov``
    ``p -= lr * (g + momentum * b)``.

    Args:
        weight_decay: L2 penalty, added to the gradient.
        maximize: ascend instead.
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
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("SGD", 0, options, "lr", "momentum", "weight_decay")
        require_range("SGD", dampening=options["dampening"])
        require_flags("SGD", options, "nesterov", "maximize")
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
            share = (1 - later * group["dampening"]).contiguous()
            cohort.count(grads)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = direction(param, given, group)
            if group["momentum"]:
                damped = grad if share is None else grad * share[index]
                grad = self._with_momentum(param, grad, damped, group)
            param.assign((wide(param) - grad * cohort.rate).cast(param.dtype))

    def _with_momentum(
        self, param: Tensor, grad: Tensor, damped: Tensor, group: ParamGroup
    ) -> Tensor:
        buffer = self.state[param]["momentum_buffer"]
        velocity = wide(buffer) * group["momentum"] + damped
        buffer.assign(velocity.cast(buffer.dtype))
        return grad + velocity * group["momentum"] if group["nesterov"] else velocity
