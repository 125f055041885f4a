"""``expect_kernels`` and ``profile``: they look at what runs inside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, expect_kernels, jit
from lazygrad.errors import KernelCountError, LazygradError
from lazygrad.runtime.watching import observing
from tests.inspect.network import batch, jitted_step


def tensor(device: str) -> Tensor:
    return Tensor(np.ones((4, 3), np.float32), device=device)


def test_as_many_as_expected(device: str) -> None:
    x, double = tensor(device), jit(lambda x: x * 2)
    with expect_kernels(1):
        x.softmax(-1).realize()
    for _ in range(2):
        with expect_kernels(1):
            double(x)
    with expect_kernels(0):
        x.exp()

    @expect_kernels(2)
    def both() -> None:
        double(x)
        (x + 1).realize()

    both()
    both()
    assert observing.observers == ()


def test_one_too_many_is_told_with_its_lines_and_reason(device: str) -> None:
    x = tensor(device)
    with pytest.raises(KernelCountError) as caught, expect_kernels(1):
        x.exp().realize()
        x.sin().realize()
    text = str(caught.value)
    assert text.startswith("[expect_kernels] expected 1 kernel, got 2: exp_4x3, sin_4x3\n")
    assert "] sin_4x3\n" in text and "] exp_4x3\n" not in text
    assert "from sin (test_observers.py:" in text
    assert "a kernel of its own because it writes the output" in text
    assert isinstance(caught.value, AssertionError)


def test_too_few_and_other_errors(device: str) -> None:
    x = tensor(device)
    expected = "expected 3 kernels, got 1: exp_4x3$"
    with pytest.raises(KernelCountError, match=expected), expect_kernels(3):
        x.exp().realize()
    with pytest.raises(KernelCountError, match="nothing ran; realize"), expect_kernels(1):
        x.exp()
    with pytest.raises(KeyError), expect_kernels(3):
        raise KeyError
    assert observing.observers == ()


def test_a_profile_of_a_training_step(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step, (x, y) = jitted_step(device), batch(device)
    step(x, y)
    path = tmp_path / "trace.json"
    with lazygrad.profile(path) as found:
        for _ in range(3):
            step(x, y)
    kernels = found.by_kernel()
    names = [name for name in kernels if name.startswith("conv2d_relu")]
    assert names
    assert all(row.calls == 3 and row.flops > 0 for name in names for row in [kernels[name]])
    total = sum(row.seconds for row in kernels.values())
    assert total == pytest.approx(found.device_seconds)
    assert sum(row.seconds for row in found.by_line().values()) == pytest.approx(total)
    assert found.device_seconds < found.end - found.start
    (update,) = (row for row in found.by_line().values() if "Adam.step" in row.labels)
    assert update.calls % 3 == 0
    printed = capsys.readouterr().out
    assert "network.py:32  Adam.step" in printed
    assert "on the device in 3 runs; on the host" in printed

    events = json.loads(path.read_text())["traceEvents"]
    names = [event["name"] for event in events]
    assert names.count("run step") == 3
    launched = [event for event in events if "args" in event and event["ph"] == "X"]
    assert len(launched) == 3 * len(found.runs[0].step.kernels)
    assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in launched)
    assert {"labels", "images"} <= {name for e in launched for name in e["args"]["reads"]}


def test_a_profile_can_be_silent_and_changes_no_value(
    device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    x = tensor(device)
    with lazygrad.profile(show=False) as found:
        y = (x * 2).numpy()
        with expect_kernels(1):
            (x * 3).realize()
    np.testing.assert_array_equal(y, 2 * np.ones((4, 3)))
    assert [row.calls for row in found.by_kernel().values()] == [2]
    assert capsys.readouterr().out == ""


def test_a_profile_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with lazygrad.profile():
        pass
    assert "0 on the device in 0 runs" in capsys.readouterr().out


def test_errors_are_lazygrads() -> None:
    assert issubclass(KernelCountError, LazygradError)
