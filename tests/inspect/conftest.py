"""Each test looks at plans of its own."""

from __future__ import annotations

import pytest

from lazygrad.runtime import cache


@pytest.fixture(autouse=True)
def no_plans() -> None:
    """A plan tells of the lines that it was first made for, which may be another test's."""
    cache.clear()
