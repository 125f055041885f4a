"""The tour: its facts are checked by itself; what is tested here is that it checks them."""

from argparse import Namespace
from collections.abc import Iterator

import pytest

from lazygrad.config import config
from lazygrad.errors import LazygradError
from lazygrad.examples import autodiff_tour
from lazygrad.examples.autodiff_tour import STEPS, tour
from lazygrad.examples.facts import Fact, shown

SHORT = STEPS[:1] + STEPS[2:3] + STEPS[5:9]  # the others take seconds where all is compiled anew


def test_the_whole_tour(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tour.png"
    with config(backend="CPU"):
        assert autodiff_tour.main(["--plot", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line[:1].isdigit()][:10] == [
        f"{number}. {step.__doc__}" for number, step in enumerate(STEPS, 1)
    ]
    assert "42 facts, all as they have to be" in lines
    assert path.read_bytes().startswith(b"\x89PNG")


def test_steps_on_each_backend(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autodiff_tour, "STEPS", SHORT)
    with config(backend=device):
        assert tour(Namespace(plot=None)) == 20


def test_what_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> Iterator[Fact]:
        """Arithmetic"""
        yield Fact("two and two", 5, 4)

    monkeypatch.setattr(autodiff_tour, "STEPS", (wrong,))
    with pytest.raises(LazygradError, match="two and two: 4 is right"):
        tour(Namespace(plot=None))


def test_numbers_are_shown_on_a_line() -> None:
    assert shown([1.0, 0.25, -1e-7]) == "1 0.25 0"
    assert shown(range(100)) == "0 1 ... 99"
