"""``lazygrad.inspect``: what would run, in numbers and in words, without running it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, jit, manual_seed, nn
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.inspect.commands import main
from lazygrad.runtime import disk
from tests.inspect.network import batch, jitted_step


def total(device: str) -> Tensor:
    x = Tensor(np.ones((4, 3), np.float32), device=device)
    return (x.exp() + 1).sum(1)


def test_kernels_and_their_sources(device: str) -> None:
    y = total(device)
    (kernel,) = inspect.kernels(y)
    (source,) = inspect.sources(y)
    assert kernel.name == "exp_add_sum_4x1"
    assert kernel.name in source and "exp" in source
    comment = "#" if device == "CPU" else "//"
    assert source.startswith(f"{comment} y[i0] = sum[k0](exp(")
    assert f"\n{comment} buffers:" in source
    with config(repr="lazy"):
        assert "lazy" in repr(y)  # nothing was computed


def test_an_explanation_names_kernels_lines_and_reasons(device: str) -> None:
    text = inspect.explain(total(device))
    assert "exp_add_sum_4x1" in text
    assert "test_asked.py" in text
    assert "it writes the output result" in text
    assert "side by side" not in text


def test_kernels_in_one_launch_are_said_to_be(device: str) -> None:
    x = Tensor(np.ones(5, np.float32), device=device)
    text = inspect.explain(x.exp(), x.reshape(5, 1).expand(5, 3).sin())
    assert ("2 kernels side by side" in text) == (device == "GPU")


def test_what_is_there_needs_no_kernel(device: str) -> None:
    x = Tensor([1.0], device=device)
    assert inspect.explain(x) == "already realised"
    assert inspect.kernels(x) == inspect.sources(x) == ()


def test_kernels_of_a_jitted_function(device: str) -> None:
    double = jit(lambda x: x * 2)
    with pytest.raises(ValueRangeError, match=r"\[kernels\] <lambda> was not called yet"):
        inspect.kernels(double)
    double(Tensor([1.0], device=device))
    assert [kernel.name for kernel in inspect.kernels(double)] == ["mul_1"]


def test_the_plan_cache_counts(device: str) -> None:
    before = inspect.plan_cache().hits, inspect.plan_cache().misses
    for _ in range(3):
        Tensor(np.ones(7919, np.float32), device=device).add(7919).realize()
    assert (inspect.plan_cache().hits, inspect.plan_cache().misses) == (
        before[0] + 2,
        before[1] + 1,
    )


# -- the disk cache --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of an empty disk cache, in use."""
    with config(cache=True, cache_dir=str(tmp_path)):
        yield tmp_path / "compiled"


def fill(folder: Path) -> None:
    """Three plans, a program and two results of the tuner, each last used on a day of its own."""
    keys = [("plan", 1), ("plan", 2), ("plan", 3), ("binary", 1), ("tuned", 1), ("tuned", 2), "x"]
    for day, key in enumerate(keys, 1):
        disk.put(key, bytes(2**20 if key == ("binary", 1) else 1000))
        used = datetime(2026, 1, day, 12, 30).timestamp()
        os.utime(folder / disk._name(key), (used, used))


def test_what_the_disk_cache_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect.disk_cache() == f"{folder}: 0 files, 0 B of 268 MB"
    fill(folder)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == (
        f"{folder}: 7 files, 1.08 MB of 268 MB\n"
        "  plans         3 files   12.3 kB  last used 2026-01-01 12:30 to 2026-01-03 12:30\n"
        "  programs       1 file   1.05 MB  last used 2026-01-04 12:30 to 2026-01-04 12:30\n"
        "  tuning        2 files   8.19 kB  last used 2026-01-05 12:30 to 2026-01-06 12:30\n"
        "  others         1 file    4.1 kB  last used 2026-01-07 12:30 to 2026-01-07 12:30\n"
    )


def test_the_disk_cache_is_emptied(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(folder)
    main(["cache", "--clear"])
    assert capsys.readouterr().out == f"{folder}: removed 7 files, 1.08 MB\n"
    assert list(folder.iterdir()) == []
    assert disk.get(("plan", 1)) is None


def test_a_disk_cache_without_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with config(cache_dir=str(tmp_path / "file")):
        assert inspect.disk_cache() == "no folder for what is compiled"


@pytest.mark.slow
def test_the_command(device: str, folder: Path) -> None:
    """A process that computes something leaves what another one lists."""
    env = {**os.environ, "BACKEND": device, "LAZYGRAD_CACHE": "1"}
    env["LAZYGRAD_CACHE_DIR"] = str(folder.parent)
    code = "from lazygrad import Tensor; print((Tensor([1.0, 2.0]) * 3).numpy())"

    def run(*arguments: str) -> str:
        process = subprocess.run(
            [sys.executable, *arguments], env=env, capture_output=True, text=True, check=True
        )
        assert process.stderr == ""
        return process.stdout

    run("-c", code)
    first, *rows = run("-m", "lazygrad.inspect", "cache").splitlines()
    assert first.startswith(f"{folder}: ")
    sorts = [row.split()[0] for row in rows]
    assert sorts == (["plans", "programs"] if device == "GPU" else ["plans"])
    assert "removed" in run("-m", "lazygrad.inspect", "cache", "--clear")
    assert list(folder.iterdir()) == []


# -- what can be looked into -----------------------------------------------------------------------


def test_jitted_functions_and_functions_with_arguments(device: str) -> None:
    double = jit(lambda x: x * 2)
    x, y = Tensor([1.0], device=device), Tensor([1.0, 2.0], device=device)
    double(x)
    assert [kernel.name for kernel in inspect.kernels(double)] == ["mul_1"]
    assert [kernel.name for kernel in inspect.kernels(double, y)] == ["mul_2"]
    assert double.captures == 2
    assert [kernel.name for kernel in inspect.kernels(lambda x, by: x * by, y, by=3)] == ["mul_2"]
    assert "mul_2" in inspect.sources(double, y)[0]
    assert "reads by (2) float32" in inspect.explain(lambda x, by: x * by, y, by=y + 1)
    assert isinstance(inspect.steps(double, y)[0], inspect.Step)


def test_a_jitted_method_and_a_module(device: str) -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(Tensor([3.0], device=device))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factor

        @jit
        def fast(self, x: Tensor) -> Tensor:
            return self.forward(x) + 1

    scale, x = Scale(), Tensor([1.0, 2.0], device=device)
    assert [kernel.name for kernel in inspect.kernels(scale, x)] == ["mul_2"]
    assert [kernel.name for kernel in inspect.kernels(scale.fast, x)] == ["mul_add_2"]
    assert "reads factor (1) float32" in inspect.explain(scale.fast, x)


def test_a_function_without_arguments(device: str) -> None:
    x = Tensor([1.0, 2.0], device=device)
    assert [kernel.name for kernel in inspect.kernels(lambda: x.exp())] == ["exp_2"]


def test_nothing_else_can_be_looked_into() -> None:
    with pytest.raises(ArgumentError, match=r"\[explain\] got 3 .* tensors, jitted functions"):
        inspect.explain(3)
    with pytest.raises(ArgumentError, match=r"\[explain\] got path='x' \(str\); what there is"):
        inspect.explain(Tensor([1.0]), path="x")


def test_looking_runs_nothing_and_changes_nothing(device: str) -> None:
    step, (x, y) = jitted_step(device), batch(device)
    weight = inspect.steps(step, x, y)[0]
    assert sum(buffer.role == "output" for buffer in weight.buffers) > 12
    first = step(x, y).item()
    assert step.captures == 1
    assert first == pytest.approx(training_step_loss(device), rel=1e-5)


def training_step_loss(device: str) -> float:
    manual_seed(0)
    return float(jitted_step(device)(*batch(device)).item())


def test_the_sources_of_a_loop_are_complete(device: str) -> None:
    """With what stands before the code of each kernel of its body."""
    model = nn.GRU(2, 3, device=device)
    x = Tensor(np.ones((20, 1, 2), np.float32), device=device).realize()
    output, _ = model(x)
    (loop,) = inspect.loops(output)
    (source,) = [text for text in inspect.sources(output) if "20 times:" in text.splitlines()[0]]
    for step in loop.body.steps:
        assert step.kernel.name in source
    assert source.count(" buffers:\n") == len(loop.body.steps)
    if device == "CPU":
        assert source.count("\nfrom numpy import") == len(loop.body.steps)  # and the constants
        assert "c1 = array(1.0, float32)" in source
