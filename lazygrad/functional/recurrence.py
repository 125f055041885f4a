"""Steps of recurrent networks, for the layers that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad.bridge import optional, read, wrap
from lazygrad.lang import recurrence
from lazygrad.lang.recurrence import State, Weights

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


# Weights of inputs and of hidden states, their biases, and what projects hidden states.
Parameters = tuple["Tensor", "Tensor", "Tensor | None", "Tensor | None", "Tensor | None"]


def _weights(parameters: Parameters) -> Weights:
    ih, hh, *rest = parameters
    return Weights(read(ih), read(hh), *map(optional, rest))


def step(mode: str, x: Tensor, state: Sequence[Tensor], parameters: Parameters) -> list[Tensor]:
    """The state after one input (N, I)."""
    own = State(*map(read, state))
    after = recurrence.step(mode, read(x), own, _weights(parameters))
    return [wrap(part, mode) for part in after if part is not None]


def run(
    mode: str,
    x: Tensor,
    state: Sequence[Tensor],
    parameters: Parameters,
    reverse: bool,
    inside: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """The hidden states (T, N, H) after each input of ``x`` (T, N, I), and the last state."""
    own = State(*map(read, state))
    found, last = recurrence.run(
        mode, read(x), own, _weights(parameters), reverse, optional(inside)
    )
    return wrap(found, mode), [wrap(part, mode) for part in last if part is not None]
