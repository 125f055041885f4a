"""The pages of the docs run as they stand, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs import chapters
from docs.chapters import TOUR, pictures, run

PAGES = sorted(chapters.PAGES.rglob("*.md"))


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} >= {"index", "pytorch", "tinygrad", "reference"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(
    page: Path, device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a comment says behind a print is what it prints, and the pictures that are shown are
    those that are drawn."""
    for block in run(page, device, tmp_path):
        printed = capsys.readouterr().out.splitlines()
        told = re.findall(r"^ *print\(.*\)  # (\[.*)$", block, re.MULTILINE)
        assert [line for line in printed if line.startswith("[")] == told
    found = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert found == sorted(pictures(page))
    for name in found:
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")


def test_every_chapter_of_the_tour_has_a_picture() -> None:
    chapters = sorted(TOUR.glob("[0-9]*.md"))
    assert len(chapters) == 10
    assert not [page.stem for page in chapters if not pictures(page)]


def test_the_names_of_the_table_are_told() -> None:
    """What a page is made of: the table that tests hold against the package."""
    from tests.names.table import summary

    for here, others in summary().values():
        assert here
        assert all(others)
