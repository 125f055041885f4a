"""Dumps that another version has written: an error says so, wherever one is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect
from lazygrad.errors import DataError
from lazygrad.inspect import commands, rerun

Change = Callable[[dict[str, Any]], object]


def dumped(folder: Path) -> Path:
    """The folder of a plan of one kernel."""
    (plan,) = inspect.dump(Tensor(np.ones(3, np.float32), device="CPU").exp(), path=folder)
    return plan


def change(file: Path, how: Change) -> None:
    content = json.loads(file.read_text())
    how(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda step: step["kernels"][0].pop("part"), "a StepKernel has other fields: part"),
        (lambda step: step["buffers"][0].update(kind=1), "a StepBuffer has other fields: kind"),
        (lambda step: step.update(kept=2), "2 is no list"),
        (lambda step: step["kernels"][0].update(number="0"), "'0' is no int"),
        (lambda step: step.clear(), "a Step has other fields: buffers, called"),
    ],
)
def test_a_step(how: Change, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = dumped(tmp_path)
    change(plan / "step.json", how)
    for command in (["diff", str(tmp_path), str(plan)], ["show", str(tmp_path)]):
        assert commands.main(command) == 2
        error = capsys.readouterr().err
        assert f"{plan} is no dump that this version reads (step.json: " in error
        assert said in error and "dump it again" in error


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda head: head.pop("key"), "'key'"),
        (lambda head: head["texts"].append("more.py"), "more.py"),
        (lambda head: head["texts"].clear(), "0 texts of 1"),
        (lambda head: head.update(texts=3), "not iterable"),
    ],
)
def test_a_kernel(
    how: Change, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kernel,) = dumped(tmp_path).glob("*/bundle.json")
    change(kernel, how)
    assert rerun.main(kernel.parent, []) == 1
    error = capsys.readouterr().err
    assert f"{kernel.parent} is no kernel or plan of a dump that this version reads" in error
    assert said in error and "dump it again" in error
    x = Tensor(np.ones(5, np.float32), device="CPU")
    with config(override=str(tmp_path)), pytest.raises(DataError, match="dump it again"):
        x.sin().realize()


def test_files_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = dumped(tmp_path)
    for file, commanded in (("texts.json", ["show"]), ("run.txt", ["diff", str(plan)])):
        (plan / file).unlink()
        assert commands.main([*commanded, str(tmp_path)]) == 2
        assert f"this version reads ({file}: " in capsys.readouterr().err
