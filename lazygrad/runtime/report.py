"""What LAZYGRAD_DEBUG prints and LAZYGRAD_DUMP writes."""

from __future__ import annotations

from typing import Any


def planned(compiled: Any, roots: Any) -> None: ...


def run_timed(launches: Any, raw: Any) -> None:
    for launch in launches:
        launch.program.launch_timed([raw[p] for p in launch.positions])
