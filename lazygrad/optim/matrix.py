"""Muon and Adafactor, which know that a parameter is a matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.optim.checks import require_at_least, require_flags, require_pair
from lazygrad.optim.group import STEP, Cohort, ParamGroup
from lazygrad.optim.nadam import decayed, kept
from lazygrad.optim.optimizer import Optimizer, Params, options_of, store, wide
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

RATES = (None, "original", "match_rms_adamw")  # of Muon
MOST_ITERATIONS = 99


class Muon(Optimizer):
    """Muon (Jordan et al., 2024), for the matrices of hidden layers: the momentum's singular
    values are brought near 1 by Newton and Schulz's iteration, and that is the step. Vectors,
    embeddings and the last layer are for another optimizer.

    The iteration is computed in float32, where PyTorch rounds to bfloat16: steps agree to about
    1e-2 of their size.

    Args:
        weight_decay: decoupled, as of AdamW.
        ns_coefficients, ns_steps: of the iteration's polynomial, and how often it is applied.
        eps: the smallest norm by which the matrix is divided first.
        adjust_lr_fn: ``"original"`` (or None) multiplies the rate by ``sqrt(max(1, rows /
            columns))``, ``"match_rms_adamw"`` by ``0.2 * sqrt(max(rows, columns))``.

    Raises:
        ShapeError: for a parameter that is no matrix.

    >>> w = nn.Parameter(lazygrad.eye(2))
    >>> optimizer = optim.Muon([w], lr=0.1, weight_decay=0.0)
    >>> (w * Tensor([[3.0, 0.0], [0.0, 0.5]])).sum().backward()
    >>> optimizer.step()
    >>> w.detach().round(decimals=2).realize()
    Tensor([[0.93, 0.  ],
            [0.  , 0.9 ]])
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, ...] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Muon", 0, options, "lr", "weight_decay", "momentum", "eps", "ns_steps")
        require_flags("Muon", options, "nesterov")
        if len(options["ns_coefficients"]) != 3 or options["ns_steps"] > MOST_ITERATIONS:
            raise ValueRangeError(
                f"[Muon] takes 3 ns_coefficients and at most {MOST_ITERATIONS} ns_steps, got "
                f"{options['ns_coefficients']} and {options['ns_steps']}"
            )
        if options["adjust_lr_fn"] not in RATES:
            raise ArgumentError(
                f"[Muon] adjust_lr_fn must be one of {RATES}, got {options['adjust_lr_fn']!r}"
            )
        for param in options["params"]:
            if param.ndim != 2:
                raise ShapeError(
                    f"[Muon] takes matrices, got a parameter of shape {param.shape}; give vectors, "
                    "embeddings and convolutions to AdamW"
                )

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        momentum, keep = cohort.option(group, "momentum"), kept(group, cohort)
        for index, given in grads.items():
            param = cohort.params[index]
            grad, mean = wide(given), wide(self.state[param]["momentum_buffer"])
            mean = mean + (grad - mean) * (1 - momentum)
            store(self.state[param]["momentum_buffer"], mean)
            along = grad + (mean - grad) * momentum if group["nesterov"] else mean
            step = _orthogonal(along, group)
            size = cohort.rate * _rate_factor(group["adjust_lr_fn"], *param.shape)
            store(param, decayed(param, keep) - step * size)


def _orthogonal(matrix: Tensor, group: Mapping[str, Any]) -> Tensor:
    """Nearly the nearest matrix whose singular values are 1."""
    a, b, c = group["ns_coefficients"]
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = found / found.square().sum().sqrt().maximum(group["eps"])
    for _ in range(group["ns_steps"]):
        gram = found @ found.T
        found = found * a + (gram * b + gram @ gram * c) @ found
    return found.T if tall else found


def _rate_factor(name: str | None, rows: int, columns: int) -> float:
    if name == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, 2018) as PyTorch has it: Adam without a mean, whose running
    squares of a matrix are kept as those of its rows and columns.

    Args:
        lr: the largest relative step: a parameter moves by at most ``lr`` (and ``1 / sqrt(t)``)
            of its root mean square.
        beta2_decay: ``1 - t ** beta2_decay`` of the squares stays at step ``t``.
        eps: ``(eps1, eps2)``: what squares are at least (None: the dtype's), and what a
            parameter's root mean square counts as at least.
        d: clips the step's root mean square.
        weight_decay: decoupled, as of AdamW.
        maximize: ascend instead.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.realize()
    Tensor([ 0.8419, -1.8419], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, options_of(locals()))

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("Adafactor", 0, options, "lr", "weight_decay")
        require_at_least("Adafactor", 1, options, "d")
        first, second = options["eps"]
        pair = {"eps": (0.0 if first is None else first, second)}
        if min(require_pair("Adafactor", "eps", pair)) < 0 or options["beta2_decay"] > 0:
            raise ValueRangeError(
                "[Adafactor] eps must be at least 0 and beta2_decay at most 0, got "
                f"{options['eps']} and {options['beta2_decay']}"
            )

    def state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "row_var", "col_var", "variance")

    def states_of(self, param: Tensor, group: Mapping[str, Any]) -> tuple[str, ...]:
        return (STEP, "row_var", "col_var") if param.ndim > 1 else (STEP, "variance")

    def initial(self, name: str, param: Tensor, group: Mapping[str, Any]) -> Any:
        if name == "row_var":
            return np.zeros((*param.shape[:-1], 1))
        if name == "col_var":
            return np.zeros((*param.shape[:-2], 1, param.shape[-1]))
        return super().initial(name, param, group)

    def update(self, group: ParamGroup, cohort: Cohort, grads: Mapping[int, Tensor]) -> None:
        cohort.count(grads)
        counts = cohort.steps.maximum(1.0)  # of a parameter that never had a gradient, too
        share = (counts ** group["beta2_decay"]).clone()
        relative = cohort.rate.minimum(counts.rsqrt()).clone()
        keep = kept(group, cohort)
        for index, given in grads.items():
            param = cohort.params[index]
            grad = -wide(given) if group["maximize"] else wide(given)
            eps1, eps2 = group["eps"]
            eps1 = float(np.finfo(wide(param).dtype.numpy).eps) if eps1 is None else eps1
            square = self._square(param, grad, share[index], eps1)
            step = square.maximum(eps1 * eps1).rsqrt() * grad
            clip = (_rms(step) / group["d"]).maximum(1.0)
            size = _rms(wide(param)).maximum(eps2) * relative[index]
            store(param, decayed(param, keep) - step * (size / clip))

    def _square(self, param: Tensor, grad: Tensor, share: Tensor, eps: float) -> Tensor:
        """The running mean of the gradient's square, of which matrices keep two factors."""
        state = self.state[param]

        def follow(name: str, value: Tensor) -> Tensor:
            before = wide(state[name])
            after = before + (value - before) * share
            store(state[name], after)
            return after

        square = grad.square()
        if param.ndim < 2:
            return follow("variance", square)
        rows = follow("row_var", square.mean(-1, keepdim=True))
        columns = follow("col_var", square.mean(-2, keepdim=True))
        return rows * columns / rows.mean(-2, keepdim=True).maximum(eps)


def _rms(values: Tensor) -> Tensor:
    return values.square().mean().sqrt()
