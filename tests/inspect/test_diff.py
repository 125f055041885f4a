"""What tells two dumps from each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, jit
from lazygrad.inspect import diff, words
from lazygrad.inspect.commands import main
from lazygrad.runtime import cache
from tests.inspect.network import batch, training_step

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def dump(device: str, path: Path, function: Callable[[Tensor], object], fuse: bool = True) -> Path:
    with config(fuse=fuse):
        inspect.dump(function, Tensor(X, device=device), path=path)
    return path


def step(x: Tensor) -> Tensor:
    return x.exp().sum(0) * 2


def kinds(before: Path, after: Path) -> list[str]:
    return [change.kind for each in diff.compare(before, after) for change in each.changes]


def test_the_same_step_has_no_differences(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = dump(device, tmp_path / "a", step), dump(device, tmp_path / "b", step)
    assert main(["diff", str(a), str(b)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["  1 kernel as before"]


def test_merged_and_split(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is one kernel, or one an operation."""
    a = dump(device, tmp_path / "a", step, fuse=False)
    b = dump(device, tmp_path / "b", step)
    assert kinds(a, b) == ["merged"]
    assert kinds(b, a) == ["split"]
    page = tmp_path / "page.html"
    assert main(["diff", str(a), str(b), "--sources", "--html", str(page)]) == 1
    printed = capsys.readouterr().out
    assert "3 -> 1 kernels" in printed
    assert "> merged: exp_3x4 and sum_1x4 and mul_4 -> exp_sum_mul_" in printed
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "merged: exp_3x4" in text
    assert "http" not in text  # it needs no network


def test_changed_new_and_gone(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def two(by: float, more: bool) -> Callable[[Tensor], object]:
        def step(x: Tensor) -> object:
            first = x.exp() * by
            return (first, x.sum(1)) if more else first

        return step

    a = dump(device, tmp_path / "a", two(2.0, more=False))
    b = dump(device, tmp_path / "b", two(3.0, more=True))
    assert kinds(a, b) == ["changed", "new"]
    assert kinds(b, a) == ["changed", "gone"]
    main(["diff", str(a), str(b)])
    printed = capsys.readouterr().out
    assert "~ changed: exp_mul_3x4 (24 FLOP, 96 bytes)" in printed
    assert "+ new: sum_3x1 (12 FLOP, 60 bytes)" in printed
    assert any(line.strip().startswith("-") and "2.0" in line for line in printed.splitlines())


def test_lines_may_move(tmp_path: Path) -> None:
    """A kernel that somebody changed, below lines that are new."""
    program = "from lazygrad import Tensor\n{}\ndef step(x):\n    return (x * {}).exp(), x.sum(0)\n"
    for name, above, by in (("a", "", 2.0), ("b", "# more\n\n", 3.0)):
        names: dict[str, Callable[[Tensor], object]] = {}
        exec(compile(program.format(above, by), "/nowhere/program.py", "exec"), names)
        inspect.dump(names["step"], Tensor(X, device="CPU"), path=tmp_path / name)
    assert kinds(tmp_path / "a", tmp_path / "b") == ["changed"]


def test_a_changed_source_is_a_change(device: str, tmp_path: Path) -> None:
    a, b = dump(device, tmp_path / "a", step), dump(device, tmp_path / "b", step)
    (source,) = b.glob("plan_000/*/kernel.*")
    source.write_text(source.read_text().replace("2.0", "2.00"))
    assert kinds(a, b) == ["changed"]


def test_plans_are_compared_by_what_is_called_and_of_the_latest_run(
    device: str, tmp_path: Path
) -> None:
    x = Tensor(X, device=device)
    fast, other = jit(step), jit(lambda x: x.sin())
    with config(dump=str(tmp_path / "a")):
        fast(x)
        other(x)
    with config(dump=str(tmp_path / "b")):
        other(x)
        fast(x)
    found = diff.compare(tmp_path / "a", tmp_path / "b")
    assert [each.before.step.called for each in found] == ["step", "<lambda>"]
    assert not diff.differ(found)
    (tmp_path / "b" / "plan_000" / "run.txt").write_text("an earlier run\n")
    found = diff.compare(tmp_path / "a", tmp_path / "b")
    assert [each.after is None for each in found] == [False, True]
    assert diff.differ(found)
    assert "only in the first dump" in diff.text(found)
    assert not diff.differ(diff.compare(tmp_path / "a" / "plan_001", tmp_path / "b" / "plan_000"))


def test_a_step_that_is_jitted_in_one_dump_only(device: str, tmp_path: Path) -> None:
    """It has its name in one; what else there is stays in its order."""
    for name, jitted in (("a", True), ("b", False)):
        cache.clear()  # plans that are dumped are told apart by whose they are
        step, x = training_step(device), batch(device)
        run = jit(step) if jitted else step
        with config(dump=str(tmp_path / name)):
            if not jitted:
                x[0].exp().realize()
            run(*x).item()
            if jitted:
                x[0].exp().realize()
    for first, second in (("a", "b"), ("b", "a")):
        found = diff.compare(tmp_path / first, tmp_path / second)
        assert not diff.differ(found)
        steps = [(each.before.step.called, each.after.step.called) for each in found]
        assert [sorted(names) for names in steps] == [["", "step"], ["", ""]]
        assert diff.text(found).startswith(f"step in {tmp_path / first / 'plan_00'}")
    found = diff.compare(tmp_path / "a" / "plan_000", tmp_path / "b" / "plan_000")
    assert [each.after is None for each in found] == [True, False]  # another step


def test_what_is_no_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert f"{tmp_path} holds no dump" in capsys.readouterr().err


def test_who_has_read_enough_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``head -1`` does: what is written later goes nowhere, and is no error."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writing, "w"))
    words.tell("a line")
    print("another one", flush=True)
    sys.stdout.close()
