"""The README's examples run as they stand, on both backends."""

import re
from pathlib import Path

import pytest

import lazygrad
from lazygrad.config import SETTINGS

README = Path(__file__).parent.parent / "README.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.slow
def test_the_examples_train_and_explain(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "readme"}
    with lazygrad.config(backend=device):
        for block in blocks():
            exec(compile(block, str(README), "exec"), names)
    printed = capsys.readouterr().out
    accuracy = float(re.search(r"test accuracy ([\d.]+)", printed).group(1))
    assert accuracy > 0.9
    assert "['softmax_64x1000']" in printed


def test_every_setting_of_the_readme_exists() -> None:
    known = {row.variable for row in SETTINGS.values()}
    named = set(re.findall(r"`(LAZYGRAD_[A-Z_]+|BACKEND|OPENCL_DEVICE)=", README.read_text()))
    assert named == known
