"""``tools/check_kernels.py``: dumped kernels of workloads build, and pass their own check."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazygrad import config
from lazygrad.runtime.bundle import Bundle
from tools import check_kernels

WORKLOADS = ("sum_rows", "cumsum")  # small ones; the command checks all


def test_kernels_of_workloads_are_right(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with config(backend=device):
        assert check_kernels.main([*WORKLOADS, "--keep", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == list(WORKLOADS)
    assert all("kernels, 0 wrong" in line for line in printed)
    for name, line in zip(WORKLOADS, printed, strict=True):
        assert len(list((tmp_path / name).glob("plan_*/*/bundle.json"))) <= int(line.split()[1])


def test_a_wrong_one_is_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the text in the folder that is compiled."""
    read = check_kernels.read_bundle

    def spoiled(folder: Path) -> Bundle:
        (source,) = folder.glob("kernel.*")
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


def test_an_unknown_workload(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check_kernels.main(["nothing"])
    assert "no workload nothing; there are cnn_train" in capsys.readouterr().err
