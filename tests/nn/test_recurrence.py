"""Long sequences in recurrent networks are one loop: the same values, a plan of one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, inspect, nn
from lazygrad.lang import loops
from lazygrad.nn.utils.rnn import pack_padded_sequence

KINDS = {
    "RNN": (nn.RNN, {"nonlinearity": "relu"}),
    "LSTM": (nn.LSTM, {"proj_size": 2}),
    "GRU": (nn.GRU, {}),
}


def network(kind: str, device: str, **options: Any) -> Any:
    made, more = KINDS[kind]
    model = made(2, 3, **more, **options)
    rng = np.random.default_rng(1)
    for parameter in model.parameters():
        values = rng.standard_normal(parameter.shape).astype(np.float32)
        parameter.data = Tensor(values * 0.4)
    return model.to(device)


def derived(kind: str, device: str, lengths: list[int] | None) -> list[np.ndarray[Any, Any]]:
    """What a network gives, and all gradients; of several lengths in both directions."""
    model = network(kind, device, bidirectional=lengths is not None)
    values = np.random.default_rng(2).standard_normal((3, 2, 2)).astype(np.float32)
    x = Tensor(values, device=device, requires_grad=True)
    output, last = model(pack_padded_sequence(x, lengths) if lengths else x)
    output = output.data if lengths else output
    states = last if isinstance(last, tuple) else (last,)
    sum(y.square().sum() for y in (output, *states)).backward()
    found = [output, *states, x.grad, *(p.grad for p in model.parameters())]
    return [value.numpy() for value in found]


def assert_equal_to_unrolled(
    kind: str, device: str, lengths: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = derived(kind, "CPU", lengths)
    monkeypatch.setattr(loops, "LONG", 1)
    for one, other in zip(derived(kind, device, lengths), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_gives_what_its_steps_give(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_equal_to_unrolled(kind, "CPU", None, monkeypatch)


def test_also_of_sequences_of_several_lengths(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_equal_to_unrolled("GRU", device, [3, 1], monkeypatch)


def gradients(device: str, length: int) -> list[Tensor]:
    model = network("GRU", device)
    output, _ = model(Tensor(np.zeros((length, 2, 2), np.float32), device=device))
    output.square().mean().backward()
    return [parameter.grad for parameter in model.parameters()]


def test_the_plan_of_a_training_step_does_not_depend_on_the_length(device: str) -> None:
    counts = [len(inspect.kernels(*gradients(device, length))) for length in (16, 200)]
    assert counts[0] == counts[1] <= 20
    found = inspect.loops(*gradients(device, 200))
    assert [loop.length for loop in found] == [200, 200]  # forward and back


def test_so_are_long_inputs_of_ctc() -> None:
    def plan(length: int) -> tuple[int, list[int]]:
        scores = Tensor(np.zeros((length, 2, 5), np.float32), requires_grad=True)
        targets = Tensor([[1, 2], [3, 0]])
        nn.functional.ctc_loss(scores, targets, Tensor([length] * 2), Tensor([2, 1])).backward()
        return len(inspect.kernels(scores.grad)), [x.length for x in inspect.loops(scores.grad)]

    (short, _), (long, lengths) = plan(20), plan(100)
    assert short == long and lengths == [99, 99]
