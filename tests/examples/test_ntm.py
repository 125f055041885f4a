"""The neural Turing machine: its addresses, its task, and that it learns."""

from argparse import Namespace

import numpy as np
import pytest

import lazygrad as lg
from lazygrad.config import config
from lazygrad.examples.ntm import Head, copy_task, main, trained

SMALL = ["--width", "2", "--slots", "2", "--longest", "1", "--batch-size", "4"]


def test_the_task() -> None:
    inputs, targets, mask = (part.numpy() for part in copy_task(1, 5, 20, 3))
    assert inputs.shape == (11, 20, 4)
    lengths = 11 - inputs[:, :, -1].sum(0).astype(int)  # the sign lasts to the end
    assert {*lengths} == {1, 2, 3, 4, 5}
    for row, length in enumerate(lengths):
        asked = mask[:, row, 0] == 1
        assert [*np.flatnonzero(asked)] == [*range(length + 1, 2 * length + 1)]
        np.testing.assert_array_equal(targets[asked, row], inputs[:length, row, :3])
        assert not inputs[length:, row, :3].any()


@pytest.mark.parametrize(("move", "slot"), [(0, 1), (1, 2), (2, 3)])
def test_a_head_moves(device: str, move: int, slot: int) -> None:
    """By location alone, and one shift alone: an address goes back, stays, or goes on."""
    with config(backend=device), lg.no_grad():
        head = Head(1, 2)
        head.linear.weight.zero_()
        bias = [0.0, 0.0, 0.0, -30.0, 0.0, 0.0, 0.0, 10.0]  # key, strength, gate, shifts, sharpness
        bias[4 + move] = 30.0
        head.linear.bias.copy_(lg.tensor(bias))
        last = (lg.arange(5) == 2).float().reshape(1, 5)
        address = head(lg.zeros(1, 1), lg.ones(1, 5, 2), last)
        np.testing.assert_allclose(address.numpy(), np.eye(5)[[slot]], atol=1e-6)


def test_it_learns(device: str) -> None:
    options = Namespace(steps=30, batch_size=8, lr=2e-2, longest=1, slots=3, width=2, seed=0)
    with config(backend=device):
        _, losses = trained(options)
    assert losses[0] > 0.65
    assert sum(losses[-5:]) / 5 < 0.5


def test_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, weights = tmp_path / "ntm.png", tmp_path / "ntm.safetensors"
    with config(backend="CPU"):
        assert main([*SMALL, "--steps", "1", "--plot", str(picture), "--save", str(weights)]) == 0
    assert "sequences of 1, trained on up to 1: " in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "controller.weight" in lg.load_state(weights)[0]
