"""The names and signatures of the standard."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any

import pytest

import lazygrad
import lazygrad.array_api as xp
from lazygrad.errors import MissingNameError, ValueRangeError
from tests.array_api import standard

EXTENSIONS = ("linalg",)
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def listed(text: str) -> Iterator[tuple[str, Signature]]:
    """Names, and signatures of ``name(x, /, *, axis=None)``."""
    for line in text.split("\n"):
        name, _, rest = line.strip().partition("(")
        if name:
            meant = eval(f"lambda {rest.removesuffix(')')}: None", {"inf": xp.inf})
            yield name, inspect.signature(meant)


def assert_takes(function: Callable[..., Any], asked: Signature) -> None:
    """Whether every call that ``asked`` allows is one of ``function``, with the same defaults."""
    given = list(inspect.signature(function).parameters.values())
    for place, parameter in enumerate(asked.parameters.values()):
        if parameter.kind is Parameter.KEYWORD_ONLY:
            found = next(p for p in given if p.name == parameter.name)
            assert found.kind in NAMED
        else:
            found = given[place]
            assert found.kind in (parameter.kind, Parameter.POSITIONAL_OR_KEYWORD)
            if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
                assert found.name == parameter.name
        assert found.default == parameter.default or parameter.kind not in NAMED, found.name
    required = [p for p in given[len(asked.parameters) :] if p.kind in NAMED]
    assert all(p.default is not Parameter.empty for p in required)


@pytest.mark.parametrize("chapter", standard.CHAPTERS)
def test_functions_of_a_chapter(chapter: str) -> None:
    place = getattr(xp, chapter) if chapter in EXTENSIONS else xp
    for name, asked in listed(standard.CHAPTERS[chapter]):
        function = getattr(place, name)
        assert_takes(function, asked)
        assert function.__doc__, name


def test_methods_and_attributes_of_an_array() -> None:
    x = xp.ones((2, 2))
    for name, asked in listed(standard.METHODS):
        own = asked.replace(parameters=list(asked.parameters.values())[1:])
        assert_takes(getattr(x, name), own)
    for name in standard.ATTRIBUTES:
        getattr(x, name)


def test_constants_and_dtypes() -> None:
    assert xp.__array_api_version__ == "2024.12"
    for name in standard.CONSTANTS:
        getattr(xp, name)
    for name in ("bool", *standard.INTEGERS, *standard.FLOATS):
        assert getattr(xp, name).name == name


def test_there_are_no_complex_numbers() -> None:
    for name in ("complex64", "complex128", "fft"):
        assert not hasattr(xp, name)


def test_an_array_knows_its_namespace() -> None:
    x = lazygrad.tensor([1.0])
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ValueRangeError, match="'1999.12'"):
        x.__array_namespace__(api_version="1999.12")
    with pytest.raises(MissingNameError):
        x.__array_name__  # noqa: B018


def test_info() -> None:
    info = xp.__array_namespace_info__()
    for name, asked in listed(standard.INFO):
        assert_takes(getattr(info, name), asked)
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert info.default_device() in info.devices()
    assert info.default_dtypes() == {
        "real floating": xp.float32,
        "integral": xp.int64,
        "indexing": xp.int64,
    }
    assert sorted(info.dtypes()) == sorted(("bool", *standard.INTEGERS, *standard.FLOATS))
    assert sorted(info.dtypes(kind="integral")) == sorted(standard.INTEGERS)
    assert list(info.dtypes(kind=("bool", "real floating"))) == ["bool", *standard.FLOATS]
    assert info.dtypes(kind="complex floating") == {}
