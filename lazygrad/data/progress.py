"""A progress bar where tqdm is installed and a terminal is watching, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def byte_progress(title: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """Yield a function to call with the number of bytes that have just arrived.

    Args:
        title: what stands in front of the bar.
        total: the number of bytes to come, if known.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda count: None
        return
    # disable=None: tqdm writes nothing unless stderr is a terminal
    with tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar:
        yield bar.update
