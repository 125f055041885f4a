"""The code on pages, run as it stands; with the pictures that it draws.

The tests run all pages with it, and the docs are built with what it draws: pictures of a page that
draws some are kept nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

import lazygrad

PAGES = Path(__file__).parent / "pages"
TOUR = PAGES / "tour"
STYLE = Path(__file__).parent / "pictures.mplstyle"


def blocks(page: Path) -> list[str]:
    """The code of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def pictures(page: Path) -> list[str]:
    """The files that a page shows and that do not lie beside it."""
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text())
    return [name for name in shown if not (page.parent / name).exists()]


def run(page: Path, device: str, folder: Path) -> Iterator[str]:
    """Each block in turn, in ``folder``, where it draws."""
    names: dict[str, Any] = {"__name__": page.stem}
    here = os.getcwd()
    for block in blocks(page):
        os.chdir(folder)
        try:
            with lazygrad.config(backend=device), mpl.rc_context(fname=STYLE):
                exec(compile(block, str(page), "exec"), names)
        finally:
            os.chdir(here)
        yield block


def drawn(page: Path, folder: Path) -> dict[str, bytes]:
    """The pictures of a page, by name; what its code prints is not shown."""
    wanted = pictures(page)
    if not wanted:
        return {}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for _ in run(page, "CPU", folder):
            pass
    return {name: (folder / name).read_bytes() for name in wanted}
