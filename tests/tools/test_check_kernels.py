"""``tools/check_kernels.py``: dumped kernels of all workloads build, and pass their own check."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazygrad import config
from lazygrad.runtime.bundle import Bundle
from tools import check_kernels
from tools.check_kernels import STEPS, check


@pytest.mark.parametrize("name", STEPS)
def test_kernels_of_workloads_are_right(device: str, name: str, tmp_path: Path) -> None:
    with config(backend=device):
        plans = check(name, tmp_path)
    assert [problem for plan in plans for problem in plan.problems()] == []
    kernels = sum(len(plan.checked) for plan in plans)
    assert kernels >= len(plans) > 0


def test_a_wrong_one_is_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the text in the folder that is compiled."""
    read = check_kernels.read_bundle

    def spoiled(folder: Path) -> Bundle:
        for source in folder.glob("kernel.*"):
            text = source.read_text().replace("add(", "subtract(")
            source.write_text(text.replace("from numpy import ", "from numpy import subtract, "))
        return read(folder)

    monkeypatch.setattr(check_kernels, "read_bundle", spoiled)
    with config(backend="CPU"):
        assert check_kernels.main(["cumsum"]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.split()[:5] == ["cumsum", "5", "kernels,", "2", "wrong,"]
    assert len(rest) == 2
    assert "kernel 4 cumsum_8000x125: buffer 0 differs in " in rest[-1]


def test_a_right_step_and_where_it_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with config(backend="CPU"):
        assert check_kernels.main(["sum_rows", "--keep", str(tmp_path)]) == 0
    assert "1 kernels, 0 wrong, " in capsys.readouterr().out
    assert (tmp_path / "sum_rows" / "plan_000" / "000_sum_4096x1" / "run.py").exists()


def test_an_unknown_workload(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check_kernels.main(["nothing"])
    assert "no workload nothing; there are cnn_train" in capsys.readouterr().err
