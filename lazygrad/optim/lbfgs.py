"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazygrad import modes
from lazygrad.errors import ArgumentError, CheckpointError, ValueRangeError
from lazygrad.optim.checks import require_at_least
from lazygrad.optim.group import upload
from lazygrad.optim.line_search import Point, strong_wolfe
from lazygrad.optim.optimizer import Optimizer, Params, options_of
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Array = np.ndarray[Any, Any]
CURVED = 1e-10  # how much the gradient must change along a step for it to be remembered


@dataclass
class Memory:
    """What one step hands to the next, under PyTorch's names; all on the host.

    Attributes:
        d, t: the latest direction, and how far it was gone.
        old_dirs, old_stps, ro: changes of the gradient, the steps they belong to, and one over
            their products.
        H_diag: the first guess at the inverse of the second derivative.
    """

    func_evals: int = 0
    n_iter: int = 0
    d: Array | None = None
    t: float = 0.0
    old_dirs: list[Array] = field(default_factory=list)
    old_stps: list[Array] = field(default_factory=list)
    ro: list[float] = field(default_factory=list)
    H_diag: float = 1.0
    prev_flat_grad: Array | None = None
    prev_loss: float | None = None

    def remember(self, grad: Array, size: int) -> None:
        """Takes in how the gradient changed over the latest step."""
        if self.prev_flat_grad is None or self.d is None:
            return
        change, step = grad - self.prev_flat_grad, self.d * self.t
        product = float(change @ step)
        if product <= CURVED:
            return
        if len(self.old_dirs) == size:
            del self.old_dirs[0], self.old_stps[0], self.ro[0]
        self.old_dirs.append(change)
        self.old_stps.append(step)
        self.ro.append(1.0 / product)
        self.H_diag = product / float(change @ change)

    def direction(self, grad: Array) -> Array:
        """Minus the gradient, times the inverse of the second derivative as far as it is known."""
        found = -grad
        factors: list[float] = []
        rows = list(zip(self.old_dirs, self.old_stps, self.ro, strict=True))
        for change, step, rho in reversed(rows):
            factors.append(float(step @ found) * rho)
            found = found - change * found.dtype.type(factors[-1])
        found = found * found.dtype.type(self.H_diag)
        for (change, step, rho), factor in zip(rows, reversed(factors), strict=True):
            found = found + step * found.dtype.type(factor - float(change @ found) * rho)
        return found


class LBFGS(Optimizer):
    """L-BFGS (Nocedal, 1980), PyTorch's: a quasi-Newton method for smooth functions without noise.
    It calls ``step``'s closure several times, reads its loss, and chooses on the host, so that it
    cannot be jitted; the closure may be.

    Args:
        max_iter: most iterations a step.
        max_eval: most calls of the closure a step; default ``max_iter * 5 // 4``.
        tolerance_grad, tolerance_change: where a step is done: by the largest element of the
            gradient, by how far loss or parameters still move.
        history_size: how many changes of the gradient are kept.
        line_search_fn: ``"strong_wolfe"`` or None, which always goes as far as ``lr``.

    Raises:
        ValueRangeError: for several parameter groups.

    >>> w = nn.Parameter(Tensor([1.0, -2.0]))
    >>> optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 3) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w.realize()
    Tensor([3., 3.], requires_grad=True)
    """

    @public
    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        super().__init__(params, options_of(locals()))
        self.memory = Memory()

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Only the constructor adds one.

        Raises:
            ValueRangeError: if there is a group already.
        """
        if self.param_groups:
            raise ValueRangeError("[LBFGS] has one group of parameters only; give all in one list")
        super().add_param_group(param_group)

    def check_options(self, options: Mapping[str, Any]) -> None:
        require_at_least("LBFGS", 0, options, "lr", "tolerance_grad", "tolerance_change")
        require_at_least("LBFGS", 1, options, "max_iter", "max_eval", "history_size")
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise ArgumentError(
                "[LBFGS] line_search_fn must be 'strong_wolfe' or None, got "
                f"{options['line_search_fn']!r}"
            )

    # -- steps ------------------------------------------------------------------------------------

    @public
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Several iterations.

        Args:
            closure: forgets the gradients, computes loss and gradients anew and returns the loss.

        Returns:
            The first loss.
        """
        if closure is None:
            raise ArgumentError(
                "[LBFGS] step() needs a closure that computes the loss and its gradients anew"
            )
        self.has_stepped = True
        with modes.enable_grad():
            first = closure()
        self._iterate(closure, Point(float(first), self._flat_grad()))
        return first

    def _iterate(self, closure: Callable[[], Any], now: Point) -> None:
        group, memory = self.param_groups[0], self.memory
        rate, evaluations = float(group["lr"]), 1
        memory.func_evals += 1
        for iteration in range(1, group["max_iter"] + 1):
            if np.abs(now.grad).max() <= group["tolerance_grad"]:
                return
            memory.n_iter += 1
            if memory.n_iter > 1:
                memory.remember(now.grad, group["history_size"])
            memory.d = memory.direction(now.grad)
            memory.prev_flat_grad, memory.prev_loss = now.grad, now.loss
            first = memory.n_iter == 1
            memory.t = min(1.0, 1.0 / float(np.abs(now.grad).sum())) * rate if first else rate
            slope = float(now.grad @ memory.d)
            if slope > -group["tolerance_change"]:
                return
            before = self._flat_params()
            calls = 0
            if group["line_search_fn"] is not None:

                def at(t: float, start: Array = before, along: Array = memory.d) -> Point:
                    return self._evaluate(closure, start, t, along)

                most = group["max_eval"] - evaluations
                now, memory.t, calls = strong_wolfe(at, memory.t, memory.d, now, slope, most)
                self._set_params(before + memory.d * before.dtype.type(memory.t))
            elif iteration < group["max_iter"]:
                now, calls = self._evaluate(closure, before, memory.t, memory.d), 1
            else:
                self._set_params(before + memory.d * before.dtype.type(memory.t))
            evaluations += calls
            memory.func_evals += calls
            moved = float(np.abs(memory.d * memory.t).max())
            if evaluations >= group["max_eval"] or moved <= group["tolerance_change"]:
                return
            if abs(now.loss - memory.prev_loss) < group["tolerance_change"]:
                return

    def _evaluate(self, closure: Callable[[], Any], start: Array, t: float, along: Array) -> Point:
        """Loss and gradient ``t`` from ``start``, where the parameters stay."""
        self._set_params(start + along * start.dtype.type(t))
        with modes.enable_grad():
            loss = float(closure())
        return Point(loss, self._flat_grad())

    # -- parameters as one vector on the host -----------------------------------------------------

    @property
    def _params(self) -> list[Tensor]:
        found: list[Tensor] = self.param_groups[0]["params"]
        return found

    def _flat_params(self) -> Array:
        return _flat([param.detach() for param in self._params])

    def _flat_grad(self) -> Array:
        return _flat([
            Tensor.zeros_like(param.detach()) if param.grad is None else param.grad
            for param in self._params
        ])  # fmt: skip

    def _set_params(self, values: Array) -> None:
        start = 0
        for param in self._params:
            part = values[start : start + param.numel()].reshape(param.shape)
            param.assign(upload(part, param.dtype, param.device))
            start += param.numel()

    # -- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """As PyTorch's: all that one step hands to the next, under the number of the first
        parameter."""
        saved = super().state_dict()
        if self.memory.func_evals:
            saved["state"] = {0: {name: _out(v) for name, v in vars(self.memory).items()}}
        return saved

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state of ``state_dict()``, or of PyTorch's.

        Raises:
            CheckpointError: if the state is that of other parameters; then nothing has changed.
        """
        entry = dict(state_dict.get("state", {}).get(0, {}))
        memory = Memory(**{name: _in(entry[name]) for name in vars(Memory()) if name in entry})
        sizes = {held.size for held in (*memory.old_dirs, *memory.old_stps)}
        count = sum(param.numel() for param in self._params)
        if sizes - {count}:
            raise CheckpointError(
                f"[load_state_dict] the state is of {sorted(sizes)} elements, the parameters of "
                f"this LBFGS have {count}"
            )
        super().load_state_dict({**state_dict, "state": {}})
        self.memory = memory


def _flat(tensors: list[Tensor]) -> Array:
    Tensor.realize(*tensors)
    return np.concatenate([tensor.numpy().ravel() for tensor in tensors])


def _out(value: Any) -> Any:
    """What a state dict holds: Tensors for arrays."""
    if isinstance(value, list):
        return [_out(item) for item in value]
    return Tensor(value) if isinstance(value, np.ndarray) else value


def _in(value: Any) -> Any:
    """The host's side of it: arrays and numbers."""
    if isinstance(value, list | tuple):
        return [_in(item) for item in value if item is not None]
    if not hasattr(value, "shape"):
        return value
    array = np.asarray(value)
    return array if array.ndim else array.item()
