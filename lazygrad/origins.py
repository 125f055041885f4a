"""Whose line made a node: the public function that ran, and the user's line that called it."""

from __future__ import annotations

from types import FrameType

from lazygrad.graph import Origin

OURS, EXAMPLES = "lazygrad", "lazygrad.examples"  # examples count as users
OPTIMIZERS = "lazygrad.optim"  # what they compute is theirs: "Adam.step", not each operation of it


def is_users(frame: FrameType) -> bool:
    """Whether it runs code outside of this package."""
    module = frame.f_globals.get("__name__", "")
    return not module.startswith(OURS) or module.startswith(EXAMPLES)


def origin_of(frame: FrameType, label: str | None) -> Origin:
    """The public function that ``frame`` runs, and the user's line that called it: the first frame
    outside this package."""
    name = label or frame.f_code.co_name.strip("_")
    caller: FrameType | None = frame
    optimizing = None
    while caller is not None:
        module = caller.f_globals.get("__name__", "")
        if not module.startswith(OURS) or module.startswith(EXAMPLES):  # as is_users, uncalled
            if optimizing is not None:
                owner = type(optimizing.f_locals.get("self")).__name__
                name = f"{owner}.{optimizing.f_code.co_name}"
            return Origin(name, caller.f_code.co_filename, caller.f_lineno)
        if module.startswith(OPTIMIZERS):
            optimizing = caller
        caller = caller.f_back
    return Origin(name, "", 0)
