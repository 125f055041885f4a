"""Recurrent networks, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lazygrad.errors import ValueRangeError
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.activation import (
    elu,
    hard_sigmoid,
    leaky_relu,
    thresholded_relu,
)
from lazygrad.onnx.operators.operator import Operators, plain
from lazygrad.tensor_class import Tensor

Activation = Callable[[Tensor], Tensor]
State = tuple[Tensor, ...]
Cell = Callable[[Tensor, State], State]  # the state after an input; its first part is the output

# By their names in lower case, with the names of what ``activation_alpha`` and ``_beta`` are to
# each.
ACTIVATIONS: dict[str, tuple[Callable[..., Tensor], tuple[str, ...]]] = {
    "relu": (Tensor.relu, ()),
    "tanh": (Tensor.tanh, ()),
    "sigmoid": (Tensor.sigmoid, ()),
    "softsign": (F.softsign, ()),
    "softplus": (F.softplus, ()),
    "leakyrelu": (leaky_relu, ("alpha",)),
    "thresholdedrelu": (thresholded_relu, ("alpha",)),
    "elu": (elu, ("alpha",)),
    "hardsigmoid": (hard_sigmoid, ("alpha", "beta")),
    "scaledtanh": (lambda x, alpha=1.0, beta=1.0: alpha * (beta * x).tanh(), ("alpha", "beta")),
    "affine": (lambda x, alpha=1.0, beta=0.0: alpha * x + beta, ("alpha", "beta")),
}
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


def _activations(
    names: Sequence[str],
    alphas: Sequence[float] | None,
    betas: Sequence[float] | None,
    clip: float | None,
) -> list[Activation]:
    left = {"alpha": iter(alphas or ()), "beta": iter(betas or ())}

    def made(name: str) -> Activation:
        if name.lower() not in ACTIVATIONS:
            raise ValueRangeError(
                f"[RNN] knows no activation {name!r}; known: {', '.join(ACTIVATIONS)}"
            )
        function, takes = ACTIVATIONS[name.lower()]
        given = {kind: number for kind in takes for number in [next(left[kind], None)]}
        options = {kind: number for kind, number in given.items() if number is not None}
        if clip is None:
            return lambda x: function(x, **options)
        return lambda x: function(x.clamp(-clip, clip), **options)

    return [made(name) for name in names]


def lstm_cell(w: Tensor, r: Tensor, b: Tensor, p: Tensor | None, f: Sequence[Activation]) -> Cell:
    """Gates in the order input, output, forget, cell; ``p`` lets them see the cell's state."""
    inner, outer, last = f
    seen = (0, 0, 0) if p is None else p.chunk(3)

    def cell(x: Tensor, state: State) -> State:
        h, c = state
        i, o, forget, new = (x @ w.t() + h @ r.t() + b).chunk(4, 1)
        c = inner(forget + seen[2] * c) * c + inner(i + seen[0] * c) * outer(new)
        return inner(o + seen[1] * c) * last(c), c

    return cell


def gru_cell(
    w: Tensor, r: Tensor, b: Tensor, f: Sequence[Activation], linear_before_reset: int
) -> Cell:
    """Gates in the order update, reset, hidden."""
    inner, outer = f
    size = r.shape[-1]
    wb, rb = b.chunk(2)
    r_gates, r_new = r[: 2 * size], r[2 * size :]
    rb_gates, rb_new = rb[: 2 * size], rb[2 * size :]

    def cell(x: Tensor, state: State) -> State:
        (h,) = state
        given = x @ w.t() + wb
        z, reset = inner(given[:, : 2 * size] + h @ r_gates.t() + rb_gates).chunk(2, 1)
        if linear_before_reset:
            new = outer(given[:, 2 * size :] + reset * (h @ r_new.t() + rb_new))
        else:
            new = outer(given[:, 2 * size :] + (reset * h) @ r_new.t() + rb_new)
        return ((1 - z) * new + z * h,)

    return cell


def rnn_cell(w: Tensor, r: Tensor, b: Tensor, f: Sequence[Activation]) -> Cell:
    def cell(x: Tensor, state: State) -> State:
        return (f[0](x @ w.t() + state[0] @ r.t() + b),)

    return cell


def _run(x: Tensor, cell: Cell, state: State, lengths: Tensor | None, reverse: bool) -> Any:
    """The outputs (T, N, H) and the last state; beyond the length of a sequence outputs are 0, and
    its state stays."""
    outputs: list[Tensor] = []
    for time in reversed(range(x.shape[0])) if reverse else range(x.shape[0]):
        after = cell(x[time], state)
        if lengths is None:
            state, output = after, after[0]
        else:
            inside = (lengths > time).reshape(-1, 1)
            state = tuple(new.where(inside, old) for new, old in zip(after, state, strict=True))
            output = after[0].where(inside, 0)
        outputs.append(output)
    return Tensor.stack(outputs[::-1] if reverse else outputs), state


def _network(
    x: Tensor, r: Tensor, states: Sequence[Tensor | None], lengths: Tensor | None, direction: str,
    layout: int, cell_of: Callable[[int], Cell],
) -> tuple[Tensor, ...]:  # fmt: skip
    """Both directions one beside the other: outputs (T, D, N, H) and last states (D, N, H); the
    batch comes first with ``layout``."""
    x = x.transpose(0, 1) if layout else x
    found = []
    for number, reverse in enumerate(DIRECTIONS[direction.lower()]):
        first = tuple(_first(state, number, r, x, layout) for state in states)
        found.append(_run(x, cell_of(number), first, lengths, reverse))
    outputs = Tensor.stack([output for output, _ in found], 1)
    lasts = [Tensor.stack(parts) for parts in zip(*(state for _, state in found), strict=True)]
    if not layout:
        return outputs, *lasts
    return outputs.permute(2, 0, 1, 3), *(last.transpose(0, 1) for last in lasts)


def _first(state: Tensor | None, number: int, r: Tensor, x: Tensor, layout: int) -> Tensor:
    if state is None:
        return Tensor.zeros((x.shape[1], r.shape[-1]), dtype=x.dtype, device=x.device)
    return state[:, number] if layout else state[number]


def _bias(b: Tensor | None, number: int, r: Tensor, gates: int) -> Tensor:
    """Of inputs, and of hidden states after them."""
    if b is not None:
        return b[number]
    return Tensor.zeros((2 * gates * r.shape[-1],), dtype=r.dtype, device=r.device)


def _both(bias: Tensor) -> Tensor:
    given, hidden = bias.chunk(2)
    return given + hidden


def lstm(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    h: Tensor | None = None, c: Tensor | None = None, p: Tensor | None = None, *,
    activation_alpha: Sequence[float] | None = None, activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None, clip: float | None = None,
    direction: str = "forward", hidden_size: int | None = None, input_forget: int = 0,
    layout: int = 0,
) -> Any:  # fmt: skip
    if input_forget:
        raise ValueRangeError("[LSTM] gates of input and forgetting that are one are not here")
    names = activations or ("Sigmoid", "Tanh", "Tanh") * len(w)
    f = _activations(names, activation_alpha, activation_beta, clip)

    def cell(d: int) -> Cell:
        seen = None if p is None else p[d]
        return lstm_cell(w[d], r[d], _both(_bias(b, d, r, 4)), seen, f[3 * d : 3 * d + 3])

    return _network(x, r, (h, c), lengths, direction, layout, cell)


def gru(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    h: Tensor | None = None, *,
    activation_alpha: Sequence[float] | None = None, activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None, clip: float | None = None,
    direction: str = "forward", hidden_size: int | None = None, layout: int = 0,
    linear_before_reset: int = 0,
) -> Any:  # fmt: skip
    names = activations or ("Sigmoid", "Tanh") * len(w)
    f = _activations(names, activation_alpha, activation_beta, clip)

    def cell(d: int) -> Cell:
        return gru_cell(w[d], r[d], _bias(b, d, r, 3), f[2 * d : 2 * d + 2], linear_before_reset)

    return _network(x, r, (h,), lengths, direction, layout, cell)


def rnn(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    h: Tensor | None = None, *,
    activation_alpha: Sequence[float] | None = None, activation_beta: Sequence[float] | None = None,
    activations: Sequence[str] | None = None, clip: float | None = None,
    direction: str = "forward", hidden_size: int | None = None, layout: int = 0,
) -> Any:  # fmt: skip
    names = activations or ("Tanh",) * len(w)
    f = _activations(names, activation_alpha, activation_beta, clip)
    return _network(
        x, r, (h,), lengths, direction, layout,
        lambda d: rnn_cell(w[d], r[d], _both(_bias(b, d, r, 1)), f[d : d + 1]),
    )  # fmt: skip


OPERATORS: Operators = plain(LSTM=lstm, GRU=gru, RNN=rnn)
