"""Steps of recurrent networks, and what they make of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lazygrad.graph import Node
from lazygrad.lang.activation import relu
from lazygrad.lang.elementwise import add, mul, sub, where
from lazygrad.lang.join import stack
from lazygrad.lang.linalg import linear
from lazygrad.lang.loops import Operands, is_long, loop, stand_in
from lazygrad.lang.movement import chunk, narrow, reshape, unsqueeze
from lazygrad.lang.transcendental import sigmoid, tanh


class Weights(NamedTuple):
    """Of one direction of one layer: of inputs, of hidden states, their biases, and what projects
    hidden states."""

    ih: Node
    hh: Node
    bias_ih: Node | None
    bias_hh: Node | None
    hr: Node | None = None


class State(NamedTuple):
    """What goes on from step to step: hidden (N, H), and the cell of an LSTM."""

    hidden: Node
    cell: Node | None = None


def _rnn_tanh(gates: Node, state: State, weights: Weights) -> State:
    return State(tanh(add(gates, linear(state.hidden, weights.hh, weights.bias_hh))))


def _rnn_relu(gates: Node, state: State, weights: Weights) -> State:
    return State(relu(add(gates, linear(state.hidden, weights.hh, weights.bias_hh))))


def _lstm(gates: Node, state: State, weights: Weights) -> State:
    gates = add(gates, linear(state.hidden, weights.hh, weights.bias_hh))
    enter, forget, value, leave = chunk(gates, 4, -1)
    held = state.hidden if state.cell is None else state.cell
    cell = add(mul(sigmoid(forget), held), mul(sigmoid(enter), tanh(value)))
    hidden = mul(sigmoid(leave), tanh(cell))
    return State(hidden if weights.hr is None else linear(hidden, weights.hr), cell)


def _gru(gates: Node, state: State, weights: Weights) -> State:
    reset, update, new = chunk(gates, 3, -1)
    own = chunk(linear(state.hidden, weights.hh, weights.bias_hh), 3, -1)
    value = tanh(add(new, mul(sigmoid(add(reset, own[0])), own[2])))
    share = sigmoid(add(update, own[1]))
    return State(add(mul(sub(1.0, share), value), mul(share, state.hidden)))


STEPS: dict[str, Callable[[Node, State, Weights], State]] = {
    "RNN_TANH": _rnn_tanh,
    "RNN_RELU": _rnn_relu,
    "LSTM": _lstm,
    "GRU": _gru,
}


def step(mode: str, x: Node, state: State, weights: Weights) -> State:
    """The state after one input (N, I)."""
    return STEPS[mode](linear(x, weights.ih, weights.bias_ih), state, weights)


def run(
    mode: str, x: Node, state: State, weights: Weights, reverse: bool, inside: Node | None
) -> tuple[Node, State]:
    """The hidden states (T, N, H) after each input of ``x`` (T, N, I), and the last state.

    Args:
        reverse: from the last input to the first.
        inside: bool (T, N), which inputs there are; the others leave the state as it is, and give
            a hidden state of 0.
    """
    gates = linear(x, weights.ih, weights.bias_ih)  # of all inputs at once
    if is_long(gates.shape[0]):
        return _looped(mode, gates, state, weights, reverse, inside)
    count = gates.shape[0]
    found: list[Node] = []
    for t in reversed(range(count)) if reverse else range(count):
        there = None if inside is None else _at(inside, t)
        output, state = _after(mode, _at(gates, t), state, weights, there)
        found.append(output)
    return stack(found[::-1] if reverse else found, 0), state


def _looped(
    mode: str, gates: Node, state: State, weights: Weights, reverse: bool, inside: Node | None
) -> tuple[Node, State]:
    """The same as one loop, whose plan does not depend on the number of inputs."""
    first = [part for part in state if part is not None]
    carries = {stand_in(part.shape, part): part for part in first}
    at = stand_in(gates.shape[1:], gates)
    xs = {at: gates}
    there = None
    if inside is not None:
        there = stand_in(inside.shape[1:], inside)
        xs[there] = inside
    output, after = _after(mode, at, State(*carries), weights, there)
    last = [part for part in after if part is not None]
    made = loop(Operands(carries, xs, {}), last, [output], gates.shape[0], reverse=reverse)
    return made.stacked(made.inner[output]), State(*map(made.final, range(len(first))))


def _at(x: Node, t: int) -> Node:
    return reshape(narrow(x, 0, t, 1), x.shape[1:])


def _after(
    mode: str, gates: Node, state: State, weights: Weights, there: Node | None
) -> tuple[Node, State]:
    """The hidden state that one input gives, and the state after it."""
    after = STEPS[mode](gates, state, weights)
    if there is None:
        return after.hidden, after
    inside = unsqueeze(there, -1)
    return where(inside, after.hidden, 0.0), _kept(inside, after, state)


def _kept(there: Node, after: State, before: State) -> State:
    hidden = where(there, after.hidden, before.hidden)
    if after.cell is None or before.cell is None:
        return State(hidden)
    return State(hidden, where(there, after.cell, before.cell))
