"""Recurrent networks, with PyTorch's names and layouts of parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.functional import recurrence
from lazygrad.functional.dropout import dropout
from lazygrad.functional.joining import cat, stack
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.utils.rnn import PackedSequence, pack_padded_sequence, padded_of
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}  # rows of weights, in hidden sizes


def _draw_uniform(module: Module, hidden_size: int) -> None:
    bound = 1 / math.sqrt(hidden_size) if hidden_size else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNBase(Module):
    """Layers of recurrent steps over a sequence (T, N, input_size), (N, T, input_size) with
    ``batch_first``, or (T, input_size); or over packed sequences.

    Layer ``k`` has ``weight_ih_l{k}`` (gates * hidden_size, inputs), ``weight_hh_l{k}`` (gates *
    hidden_size, hidden), ``bias_ih_l{k}`` and ``bias_hh_l{k}``, ``weight_hr_l{k}`` where hidden
    states are projected to ``proj_size``; with ``bidirectional`` also each with ``_reverse``. All
    start uniform within ``1 / sqrt(hidden_size)``.

    ``forward(input, hx=None)`` returns the hidden states of the last layer after each step, both
    directions side by side, and the last state (num_layers * directions, N, hidden) of each layer;
    an LSTM's is a pair, hidden and cell.

    >>> layer = nn.GRU(4, 8, num_layers=2, bidirectional=True, batch_first=True)
    >>> output, state = layer(lazygrad.zeros(5, 7, 4))
    >>> output.shape, state.shape
    ((5, 7, 16), (4, 5, 8))
    """

    @public
    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        proj_size: int = 0, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        if mode not in GATES:
            raise ValueRangeError(f"[{name}] mode must be one of {', '.join(GATES)}, got {mode!r}")
        require_range(name, 1, hidden_size=hidden_size, num_layers=num_layers)
        require_range(name, 0, input_size=input_size)
        require_range(name, 0, 1, dropout=dropout)
        require_range(name, 0, hidden_size - 1 if mode == "LSTM" else 0, proj_size=proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        made = {"device": device, "dtype": dtype}
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else self._out_size * len(self._suffixes)
            for suffix in self._suffixes:
                for kind, shape in self._shapes(inputs).items():
                    setattr(
                        self, f"{kind}_l{layer}{suffix}", Parameter(Tensor.empty(*shape, **made))
                    )
        self.reset_parameters()

    @property
    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def _out_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        rows = GATES[self.mode] * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, inputs),
            "weight_hh": (rows, self._out_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    def _weights(self, layer: int, suffix: str) -> recurrence.Parameters:
        own: dict[str, Any] = vars(self)
        place = f"l{layer}{suffix}"
        return (
            own[f"weight_ih_{place}"], own[f"weight_hh_{place}"], own.get(f"bias_ih_{place}"),
            own.get(f"bias_hh_{place}"), own.get(f"weight_hr_{place}"),
        )  # fmt: skip

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [
            [weight for weight in self._weights(layer, suffix) if weight is not None]
            for layer in range(self.num_layers)
            for suffix in self._suffixes
        ]

    def flatten_parameters(self) -> None:
        """Accepted as PyTorch's: there is nothing to flatten."""

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        _draw_uniform(self, self.hidden_size)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The hidden states after each step, and the last state."""
        if isinstance(input, PackedSequence):
            return self._of_packed(input, hx)
        if not isinstance(input, Tensor):
            raise ArgumentError(
                f"[{type(self).__name__}] input must be a Tensor or a PackedSequence, got "
                f"{shown(input)}"
            )
        self._check_input(input)
        batched = input.ndim == 3
        steps = input if batched else input.unsqueeze(1)
        steps = steps.transpose(0, 1) if batched and self.batch_first else steps
        states = self._states(steps, hx, batched)
        found, last = self._run(steps, states, None)
        if not batched:
            return found.squeeze(1), self._given([state.squeeze(1) for state in last])
        found = found.transpose(0, 1) if self.batch_first else found
        return found, self._given(last)

    def _of_packed(self, packed: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        steps = padded_of(packed)
        sizes = packed.batch_sizes.numpy()
        inside = Tensor(np.arange(sizes[0]) < sizes[:, None], device=steps.device)
        states = self._states(steps, hx, True)
        if packed.sorted_indices is not None and hx is not None:
            states = [state.index_select(1, packed.sorted_indices) for state in states]
        found, last = self._run(steps, states, inside)
        if packed.unsorted_indices is not None:
            last = [state.index_select(1, packed.unsorted_indices) for state in last]
        data = pack_padded_sequence(found, packed.lengths.tolist()).data
        return packed._replace(data=data), self._given(last)

    def _check_input(self, input: Tensor) -> None:
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            layout = "(N, T, " if self.batch_first else "(T, N, "
            raise ShapeError(
                f"[{type(self).__name__}] input must have shape {layout}{self.input_size}) or (T, "
                f"{self.input_size}), got {input.shape}"
            )
        if 0 in input.shape[:-1]:
            raise ShapeError(f"[{type(self).__name__}] no steps in an input of shape {input.shape}")

    def _states(self, steps: Tensor, hx: Any, batched: bool) -> list[Tensor]:
        """The first state: hidden, and for an LSTM the cell, (layers * directions, N, size)."""
        name, layers = type(self).__name__, self.num_layers * len(self._suffixes)
        sizes = [self._out_size, self.hidden_size] if self.mode == "LSTM" else [self._out_size]
        wanted = [(layers, steps.shape[1], size) for size in sizes]
        if hx is None:
            options: Any = {"dtype": steps.dtype, "device": steps.device}
            return [Tensor.zeros(*shape, **options) for shape in wanted]
        given = [hx] if self.mode != "LSTM" else hx
        if not isinstance(given, Sequence) or not all(isinstance(s, Tensor) for s in given):
            expected = "a pair of Tensors" if self.mode == "LSTM" else "a Tensor"
            raise ArgumentError(f"[{name}] hx must be {expected}, got {shown(hx)}")
        states = [state if batched else state.unsqueeze(1) for state in given]
        if [state.shape for state in states] != wanted:
            raise ShapeError(
                f"[{name}] states of shapes {[s.shape for s in given]} for an input of "
                f"{steps.shape[1]} sequences; expected {wanted}"
            )
        return list(states)

    def _run(
        self, steps: Tensor, states: list[Tensor], inside: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        last: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            found = []
            for suffix in self._suffixes:
                state = [part[len(last)] for part in states]
                weights = self._weights(layer, suffix)
                hidden, after = recurrence.run(
                    self.mode, steps, state, weights, bool(suffix), inside
                )
                found.append(hidden)
                last.append(after)
            steps = cat(found, -1) if len(found) > 1 else found[0]
            if self.dropout and layer < self.num_layers - 1:
                steps = dropout(steps, self.dropout, self.training)
        return steps, [stack(list(parts)) for parts in zip(*last, strict=True)]

    def _given(self, state: list[Tensor]) -> Any:
        return tuple(state) if self.mode == "LSTM" else state[0]

    def extra_repr(self) -> str:
        shown_sizes = f"{self.input_size}, {self.hidden_size}"
        optional = {
            "proj_size": (self.proj_size, 0),
            "num_layers": (self.num_layers, 1),
            "bias": (self.bias, True),
            "batch_first": (self.batch_first, False),
            "dropout": (self.dropout, 0.0),
            "bidirectional": (self.bidirectional, False),
        }
        named = [f"{name}={value}" for name, (value, default) in optional.items()
                 if value != default]  # fmt: skip
        return ", ".join([shown_sizes, *named])


class RNN(RNNBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu with ``nonlinearity="relu"``; see
    ``RNNBase``.

    >>> output, state = nn.RNN(4, 8, nonlinearity="relu")(lazygrad.zeros(7, 5, 4))
    >>> output.shape, state.shape
    ((7, 5, 8), (1, 5, 8))
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
        bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
        bidirectional: bool = False, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        _check_nonlinearity("RNN", nonlinearity)
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first,
            dropout, bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), gates in the order input, forget,
    cell, output; see ``RNNBase``.

    >>> layer = nn.LSTM(4, 8, proj_size=3)
    >>> output, (hidden, cell) = layer(lazygrad.zeros(7, 5, 4))
    >>> output.shape, hidden.shape, cell.shape
    ((7, 5, 3), (1, 5, 3), (1, 5, 8))
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        proj_size: int = 0, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, proj_size, device, dtype)  # fmt: skip


class GRU(RNNBase):
    """Gated recurrent units (Cho and others, 2014), gates in the order reset, update, new; see
    ``RNNBase``.

    >>> output, state = nn.GRU(4, 8)(lazygrad.zeros(7, 4))
    >>> output.shape, state.shape
    ((7, 8), (1, 8))
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, 0, device, dtype)  # fmt: skip


def _check_nonlinearity(name: str, nonlinearity: str) -> None:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueRangeError(
            f'[{name}] nonlinearity must be "tanh" or "relu", got {nonlinearity!r}'
        )


# -- one step --------------------------------------------------------------------------------------


class RNNCellBase(Module):
    """One step of a recurrent layer: (N, input_size) or (input_size), and a state.

    >>> cell, state = nn.GRUCell(4, 8), lazygrad.zeros(5, 8)
    >>> for step in lazygrad.zeros(7, 5, 4):
    ...     state = cell(step, state)
    >>> state.shape
    (5, 8)
    """

    def _set_up(
        self, input_size: int, hidden_size: int, bias: bool, device: str | None, dtype: Any,
        mode: str,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        require_range(name, 0, input_size=input_size)
        require_range(name, 1, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows, made = GATES[mode] * hidden_size, {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(Tensor.empty(rows, input_size, **made))
        self.weight_hh = Parameter(Tensor.empty(rows, hidden_size, **made))
        self.bias_ih = Parameter(Tensor.empty(rows, **made)) if bias else None
        self.bias_hh = Parameter(Tensor.empty(rows, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        _draw_uniform(self, self.hidden_size)

    def _step(self, mode: str, input: Tensor, state: Sequence[Tensor] | None) -> list[Tensor]:
        name = type(self).__name__
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"[{name}] input must have shape (N, {self.input_size}) or ({self.input_size},), "
                f"got {input.shape}"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            options: Any = {"dtype": input.dtype, "device": input.device}
            state = [Tensor.zeros(*shape, **options)] * (2 if mode == "LSTM" else 1)
        if any(part.shape != shape for part in state):
            raise ShapeError(
                f"[{name}] states of shapes {[part.shape for part in state]} for an input of shape "
                f"{input.shape}; expected {shape}"
            )
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None)
        return recurrence.step(mode, input, state, weights)

    def extra_repr(self) -> str:
        shown_bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{shown_bias}"


class RNNCell(RNNCellBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu with ``nonlinearity="relu"``.

    >>> nn.RNNCell(4, 8)(lazygrad.zeros(5, 4)).shape
    (5, 8)
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        _check_nonlinearity("RNNCell", nonlinearity)
        self.nonlinearity = nonlinearity
        mode = f"RNN_{nonlinearity.upper()}"
        self._set_up(input_size, hidden_size, bias, device, dtype, mode)

    @public
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        state = None if hx is None else [hx]
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, state)[0]


class GRUCell(RNNCellBase):
    """One step of a ``GRU``.

    >>> nn.GRUCell(4, 8)(lazygrad.zeros(5, 4), lazygrad.zeros(5, 8)).shape
    (5, 8)
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._set_up(input_size, hidden_size, bias, device, dtype, "GRU")

    @public
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, None if hx is None else [hx])[0]


class LSTMCell(RNNCellBase):
    """One step of an ``LSTM``; its state is a pair, hidden and cell.

    >>> hidden, cell = nn.LSTMCell(4, 8)(lazygrad.zeros(5, 4))
    >>> hidden.shape, cell.shape
    ((5, 8), (5, 8))
    """

    @public
    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._set_up(input_size, hidden_size, bias, device, dtype, "LSTM")

    @public
    def forward(self, input: Tensor, hx: Sequence[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        hidden, cell = self._step("LSTM", input, hx)
        return hidden, cell
