"""Recurrent networks and their cells, with parameters given."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, Input, floats_in, normal, ripples


def _parameters(mode: str, layers: int, both: bool, projected: int, bias: bool,
                sizes: tuple[int, int] = (3, 4)) -> list[Input]:  # fmt: skip
    """Of a network, in PyTorch's order."""
    inputs, hidden = sizes
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[mode] * hidden
    out = projected or hidden
    found = []
    for layer in range(layers):
        for _ in range(1 + both):
            width = inputs if layer == 0 else out * (1 + both)
            found += [normal(gates, width, scale=0.5), normal(gates, out, scale=0.5)]
            found += [normal(gates, scale=0.5)] * 2 * bias
            found += [normal(projected, hidden, scale=0.5)] * bool(projected)
    return found


def _derived(T: Any, module: Any, inputs: list[Any], given: Any, result: Any) -> list[Any]:
    """Results, and a loss's derivatives by the inputs and by each parameter."""
    results = floats_in(result)
    loss = sum((r * ripples(T, r, 1)).sum() for r in results)
    return [*results, *T.autograd.grad(loss, [*inputs, *module.parameters()])]


def _set(T: Any, module: Any, parameters: Any) -> None:
    own = list(module.parameters())
    with T.no_grad():
        for parameter, given in zip(own, parameters, strict=True):
            parameter.copy_(given)


def _network(mode: str, states: int = 0, **options: Any) -> Any:
    def call(T: Any, x: Any, *rest: Any) -> Any:
        module = getattr(T.nn, mode)(3, 4, **options)
        _set(T, module, rest[states:])
        inputs = [value.detach().requires_grad_() for value in (x, *rest[:states])]
        first = None if not states else inputs[1] if states == 1 else tuple(inputs[1:])
        return _derived(T, module, inputs, first, module(inputs[0], first))

    return call


def _case(label: str, mode: str, x: Input, states: list[Input] | None = None,
          **options: Any) -> Case:  # fmt: skip
    held = states or []
    parameters = _parameters(
        mode, options.get("num_layers", 1), options.get("bidirectional", False),
        options.get("proj_size", 0), options.get("bias", True),
    )  # fmt: skip
    call = _network(mode, len(held), **options)
    return Case(f"{mode}, {label}", call, [x, *held, *parameters], 0, atol=1e-5)


STEPS = normal(3, 2, 3)
NETWORKS = [
    _case("plain", "RNN", STEPS),
    _case("relu", "RNN", STEPS, [normal(1, 2, 4)], nonlinearity="relu"),
    _case("deep", "RNN", STEPS, num_layers=2, bidirectional=True, batch_first=True),
    _case("plain", "LSTM", STEPS, [normal(1, 2, 4), normal(1, 2, 4)]),
    _case("no batch", "LSTM", normal(3, 3), [normal(1, 4), normal(1, 4)]),
    _case("deep", "LSTM", STEPS, num_layers=2, bidirectional=True, bias=False),
    _case("projected", "LSTM", STEPS, [normal(2, 2, 2), normal(2, 2, 4)], num_layers=2,
          proj_size=2),
    _case("plain", "GRU", STEPS, [normal(1, 2, 4)]),
    _case("deep", "GRU", STEPS, num_layers=2, bidirectional=True, batch_first=True, dropout=0.0),
]  # fmt: skip


def _cell(mode: str, states: int, **options: Any) -> Any:
    def call(T: Any, x: Any, *rest: Any) -> Any:
        module = getattr(T.nn, mode)(3, 4, **options)
        _set(T, module, rest[states:])
        inputs = [value.detach().requires_grad_() for value in (x, *rest[:states])]
        first = None if not states else inputs[1] if states == 1 else tuple(inputs[1:])
        both = [module(inputs[0], first), module(inputs[0])]
        return _derived(T, module, inputs, first, both)

    return call


HELD = normal(2, 4)
CELLS = [
    Case("RNNCell", _cell("RNNCell", 1, nonlinearity="relu"),
         [normal(2, 3), HELD, *_parameters("RNN", 1, False, 0, True)], 0),
    Case("GRUCell", _cell("GRUCell", 1), [normal(2, 3), HELD, *_parameters("GRU", 1, False, 0,
                                                                          True)], 0),
    Case("LSTMCell", _cell("LSTMCell", 2),
         [normal(2, 3), HELD, normal(2, 4), *_parameters("LSTM", 1, False, 0, True)], 0),
    Case("LSTMCell, vector", _cell("LSTMCell", 2, bias=False),
         [normal(3), normal(4), normal(4), *_parameters("LSTM", 1, False, 0, False)], 0),
]  # fmt: skip


def _packed(mode: str, enforce_sorted: bool, lengths: list[int], **options: Any) -> Any:
    def call(T: Any, x: Any, *parameters: Any) -> Any:
        module = getattr(T.nn, mode)(3, 4, **options)
        _set(T, module, parameters)
        own = x.detach().requires_grad_()
        rnn = T.nn.utils.rnn
        packed = rnn.pack_padded_sequence(own, lengths, enforce_sorted=enforce_sorted)
        found, last = module(packed)
        padded, counts = rnn.pad_packed_sequence(found, padding_value=-1.0, total_length=5)
        return [counts, _derived(T, module, [own], None, [packed.data, found.data, padded, last])]

    return call


def _sequences(T: Any, a: Any, b: Any, c: Any) -> Any:
    rnn = T.nn.utils.rnn
    padded = rnn.pad_sequence([a, b, c], batch_first=True, padding_value=-1.0)
    packed = rnn.pack_sequence([a, b, c], enforce_sorted=False)
    return [
        padded, rnn.pad_sequence([a, b, c], padding_side="left"), packed.data, packed.batch_sizes,
        packed.sorted_indices, packed.unsorted_indices, rnn.unpack_sequence(packed),
        rnn.unpad_sequence(padded, T.tensor([2, 4, 1]), batch_first=True),
    ]  # fmt: skip


CASES = [
    *NETWORKS,
    *CELLS,
    Case("packed, GRU", _packed("GRU", True, [4, 2, 1], bidirectional=True),
         [normal(4, 3, 3), *_parameters("GRU", 1, True, 0, True)], 0, atol=1e-5),
    Case("packed, LSTM", _packed("LSTM", False, [2, 4, 1], num_layers=2),
         [normal(4, 3, 3), *_parameters("LSTM", 2, False, 0, True)], 0, atol=1e-5),
    Case("sequences", _sequences, [normal(2, 3), normal(4, 3), normal(1, 3)], 1),
]  # fmt: skip
