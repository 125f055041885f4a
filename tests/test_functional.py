"""The functions of the package and of nn.functional: Tensor's methods, written once."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lazygrad
import lazygrad.nn.functional as F
from lazygrad import Tensor
from lazygrad.errors import ArgumentError, ShapeError

PACKAGE = "lazygrad.functional."
# with other arguments than the method, or a property there
ALONE = {"where", "randint", "normal", "randint_like", "real"}
OTHERS = {"unfold"}  # methods that are other functions under the same name, in PyTorch too


def functions(owner: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: found
        for name, found in vars(owner).items()
        if inspect.isfunction(found) and (found.__module__ or "").startswith(PACKAGE)
    }


FOUND = [(owner, name) for owner in (lazygrad, F) for name in functions(owner)]


def test_there_are_many() -> None:
    assert len(functions(lazygrad)) >= 120
    assert len(functions(F)) >= 110


@pytest.mark.parametrize(
    ("owner", "name"), FOUND, ids=lambda value: getattr(value, "__name__", value)
)
def test_the_method_is_the_function(owner: ModuleType, name: str) -> None:
    alone = ALONE if owner is lazygrad else ALONE | OTHERS
    if name not in alone and hasattr(Tensor, name):
        assert getattr(Tensor, name) is getattr(owner, name)


@pytest.mark.parametrize(
    ("owner", "name"), FOUND, ids=lambda value: getattr(value, "__name__", value)
)
def test_what_is_no_tensor_is_named(owner: ModuleType, name: str) -> None:
    function = getattr(owner, name)
    first = next(iter(inspect.signature(function).parameters.values()))
    if first.annotation != "Tensor":
        return
    with pytest.raises(ArgumentError, match=rf"^\[{name}\] {first.name} must be a Tensor, got 'a'"):
        function("a")


def test_every_function_has_a_docstring_and_a_signature() -> None:
    for owner, name in FOUND:
        function = getattr(owner, name)
        assert function.__doc__, name
        assert inspect.signature(function).return_annotation != inspect.Signature.empty, name


def test_no_submodule_hides_a_function() -> None:
    known = functions(lazygrad)
    for module in pkgutil.iter_modules(lazygrad.__path__):
        importlib.import_module(f"lazygrad.{module.name}")
    assert functions(lazygrad) == known
    assert not isinstance(lazygrad.jit, ModuleType)


def test_a_tensor_of_what_is_given(device: str) -> None:
    made = lazygrad.tensor([[1, 2], [3, 4]], dtype="float32", device=device, requires_grad=True)
    assert (made.shape, made.dtype.name, made.device) == ((2, 2), "float32", device)
    (made * made).sum().backward()
    assert made.grad is not None
    assert made.grad.tolist() == [[2, 4], [6, 8]]
    copied = lazygrad.tensor(made)
    assert not copied.requires_grad
    assert copied.tolist() == made.tolist()
    with pytest.raises(ShapeError, match=r"^\[tensor\] the rows of nested data"):
        lazygrad.tensor([[1], [2, 3]])


def test_where_takes_the_condition_first(device: str) -> None:
    x = Tensor([1.0, -2.0], device=device)
    assert lazygrad.where(x > 0, x, 0.0).tolist() == x.where(x > 0, 0.0).tolist() == [1, 0]


def test_arguments_by_pytorchs_names(device: str) -> None:
    x = Tensor(np.float32([[1.0, -2.0, 3.0]]), device=device)
    weight = Tensor(np.float32([[1.0, 2.0, 3.0]]), device=device)
    assert lazygrad.cat(tensors=[x, x], dim=1).shape == (1, 6)
    assert lazygrad.add(input=x, other=x, alpha=2).tolist() == [[3, -6, 9]]
    assert F.linear(input=x, weight=weight).tolist() == [[6]]
    assert F.relu(input=x).tolist() == [[1, 0, 3]]
    assert F.one_hot(tensor=Tensor([1], device=device), num_classes=2).tolist() == [[0, 1]]
    scores = F.scaled_dot_product_attention(query=x, key=x, value=weight)
    assert scores.tolist() == weight.tolist()


def test_files_stay_small() -> None:
    folder = Path(lazygrad.__file__).parent
    files = [folder / "tensor_class.py", *(folder / "functional").glob("*.py")]
    lengths = {file.name: file.read_text().count("\n") for file in files}
    assert {name: n for name, n in lengths.items() if n >= 400} == {}
