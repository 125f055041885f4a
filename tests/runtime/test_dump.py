"""LAZYGRAD_DUMP and LAZYGRAD_DEBUG: files and lines that a person can read."""

import re

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor
from lazygrad.config import read_environment
from lazygrad.errors import ConfigError, DeviceError
from lazygrad.runtime import cache


@pytest.fixture(autouse=True)
def no_cached_plans() -> None:
    """Plans are reported when they are made, so none may be left from an earlier test."""
    cache.clear()


def convolution(device: str) -> Tensor:
    x = Tensor(np.ones((2, 3, 8, 8), np.float32), device=device)
    w = Tensor(np.ones((16, 3, 3, 3), np.float32), device=device)
    return x.conv2d(w).relu()


EXPECTED = {
    1: r"\d+ kernels? in \d+ launch(es)?, [\d.]+ kFLOP, [\d.]+ kB moved",
    2: r"[mu]s +[\d.]+% +[\d.]+ [MG]FLOP/s +[\d.]+ [MG]B/s +conv2d_relu_2x16x6x6",
    3: r"a kernel of its own because",
    4: r"conv2d_relu_2x16x6x6",
    5: r"i0",
    6: r"%\d+ = MUL\(%\d+, %\d+\)",
}


@pytest.mark.parametrize("level", sorted(EXPECTED))
def test_each_debug_level_adds_its_part(
    device: str, capsys: pytest.CaptureFixture[str], level: int
) -> None:
    with lazygrad.config(debug=level):
        convolution(device).realize()
    printed = capsys.readouterr().err
    for lower in range(1, level + 1):
        assert re.search(EXPECTED[lower], printed), f"level {lower} is missing"


def test_silent_by_default(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    convolution(device).realize()
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


def test_unknown_settings_are_errors_that_list_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"LAZYGRAD_DEBGU.*LAZYGRAD_DEBUG"):
        read_environment({"LAZYGRAD_DEBGU": "1"})
    with pytest.raises(ConfigError, match=r"LAZYGRAD_DEBUG='9'.*0 to 6"):
        read_environment({"LAZYGRAD_DEBUG": "9"})
    with pytest.raises(ConfigError, match=r"LAZYGRAD_OPENCL_TYPE='TPU'.*CPU or GPU"):
        read_environment({"LAZYGRAD_OPENCL_TYPE": "TPU"})
    with pytest.raises(ConfigError, match=r"'debgu'.*debug"), lazygrad.config(debgu=1):
        pass


def test_settings_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), lazygrad.config(debug=3):
        raise KeyError
    assert read_environment({}).debug == 0


def test_an_unknown_backend_lists_the_installed_ones() -> None:
    with pytest.raises(DeviceError, match=r"unknown backend 'TPU'.*CPU, GPU"):
        Tensor([1.0], device="TPU")
    with pytest.raises(DeviceError, match="BACKEND"), lazygrad.config(backend="TPU"):
        pass
    with pytest.raises(DeviceError, match=r"'cudda' \(did you mean cuda\?\)"):
        Tensor([1.0]).to("cudda")
