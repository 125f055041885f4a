"""Data sets by name."""

import pytest

from lazygrad import data
from lazygrad.errors import DataError


def test_names():
    assert list(data.DATASETS) == ["digits", "mnist", "fashion-mnist", "cifar10"]


def test_load():
    assert len(data.load("digits").test) == 355


def test_unknown_name():
    with pytest.raises(DataError, match=r"unknown data set 'mnits'; known: digits, mnist, "):
        data.load("mnits")
