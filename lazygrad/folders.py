"""Where lazygrad keeps files that it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

from lazygrad.config import settings


def cache_folder(name: str) -> Path:
    """The folder ``name`` in ``LAZYGRAD_CACHE_DIR``, or else in the user's cache folder (XDG Base
    Directory Specification)."""
    if settings.cache_dir:
        return Path(settings.cache_dir).expanduser() / name
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".cache"
    return base / "lazygrad" / name
