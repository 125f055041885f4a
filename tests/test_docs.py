"""The pages of the docs run as they stand, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lazygrad

PAGES = sorted((Path(__file__).parent.parent / "docs" / "pages").rglob("*.md"))


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} >= {"index", "pytorch", "tinygrad", "reference"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(page: Path, device: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a comment says behind a print is what it prints."""
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        with lazygrad.config(backend=device):
            exec(compile(block, str(page), "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        told = re.findall(r"^ *print\(.*\)  # (\[.*)$", block, re.MULTILINE)
        assert [line for line in printed if line.startswith("[")] == told


def test_the_names_of_the_table_are_told() -> None:
    """What a page is made of: the table that tests hold against the package."""
    from tests.names.table import summary

    for here, others in summary().values():
        assert here
        assert all(others)
