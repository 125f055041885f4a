"""Each name of PyTorch is here, or the table says what to use instead, or why not."""

from __future__ import annotations

import re

import pytest

import lazygrad
import lazygrad.nn.functional
from lazygrad.errors import MissingNameError
from lazygrad.names import BINDINGS, ELSEWHERE, NOT_HERE, PROGRAMS, answer
from tests.names.table import OWNERS, is_here, theirs

MISSING = [
    f"{owner}.{name}"
    for owner, names in theirs().items()
    for name in names
    if not is_here(owner, name)
]


def test_something_is_said_of_every_name_that_is_not_here() -> None:
    assert [name for name in MISSING if answer(name) is None] == []


@pytest.mark.parametrize(
    "row", [*ELSEWHERE, *BINDINGS, *PROGRAMS, *NOT_HERE], ids=lambda row: row.text[:40]
)
def test_every_row_is_about_names_that_are_not_here(row: object) -> None:
    assert any(re.fullmatch(row.pattern, name) for name in MISSING)  # type: ignore[attr-defined]


def test_most_names_are_here() -> None:
    """Of those that are about dense tensors of real numbers, and that PyTorch documents."""
    others = (*BINDINGS, *PROGRAMS, *NOT_HERE)
    for owner in ("torch", "torch.Tensor", "torch.nn.functional"):
        missing = [name for name in MISSING if name.rpartition(".")[0] == owner]
        apply = [n for n in missing if not any(re.fullmatch(r.pattern, n) for r in others)]
        here = len(theirs()[owner]) - len(missing)
        assert here / (here + len(apply)) >= 0.95, owner


@pytest.mark.parametrize("owner", OWNERS)
def test_a_name_that_is_not_here_answers(owner: str) -> None:
    names = [name.rpartition(".")[2] for name in MISSING if name.rpartition(".")[0] == owner]
    asked = lazygrad.zeros(2) if owner == "torch.Tensor" else OWNERS[owner]
    for name in names:
        if is_here(owner, name):
            continue  # a module that another test has imported since
        with pytest.raises(MissingNameError) as error:
            getattr(asked, name)
        assert str(error.value).endswith(f"no name {name!r}: {answer(f'{owner}.{name}')}")


def test_a_misspelt_name_is_guessed() -> None:
    with pytest.raises(MissingNameError, match=r"\[lazygrad\] no name 'sofmax': did you mean sof"):
        _ = lazygrad.sofmax
    with pytest.raises(MissingNameError, match=r"\[nn\] no name 'Linaer': did you mean Linear\?"):
        _ = lazygrad.nn.Linaer
    with pytest.raises(MissingNameError, match=r"\[functional\].*did you mean relu"):
        _ = lazygrad.nn.functional.reul
    with pytest.raises(AttributeError, match="it is not in lazygrad"):
        _ = lazygrad.quite_another_thing
    x = lazygrad.zeros(2)
    with pytest.raises(MissingNameError, match=r"\[Tensor\] no name 'squeze': did you mean sque"):
        _ = x.squeze
    assert not hasattr(x, "__cuda_array_interface__")
