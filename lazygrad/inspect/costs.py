"""What tells costs before a change from those after it: of steps and kernels in two dumps, and of
the programs in this project's table of budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import NamedTuple

Costs = Mapping[str, int]  # by what is counted: "kernels", "bytes"
NONE: Costs = {}


class Change(NamedTuple):
    """What something costs, before and after; nothing where it was not there."""

    name: str
    before: Costs
    after: Costs

    @property
    def counted(self) -> list[str]:
        """All that is counted, in order."""
        return list(dict.fromkeys((*self.before, *self.after)))

    def __str__(self) -> str:
        """``cnn_train: 35 -> 33 kernels (-5.7%), 2_000 bytes``."""
        if not self.before or not self.after:
            known = self.before or self.after
            return f"{self.name}: {'gone' if self.before else 'new'}, {told(known, known)}"
        return f"{self.name}: {told(self.before, self.after)}"


def changes(before: Mapping[str, Costs], after: Mapping[str, Costs]) -> list[Change]:
    """Those whose costs differ, by name, in the order in which they are now."""
    names = dict.fromkeys((*after, *before))
    found = (Change(name, before.get(name, NONE), after.get(name, NONE)) for name in names)
    return [change for change in found if change.before != change.after]


def told(before: Costs, after: Costs) -> str:
    """In a line."""
    return ", ".join(
        f"{_became(before.get(what, 0), after.get(what, 0))} {what}{_ratio(before, after, what)}"
        for what in Change("", before, after).counted
    )


def text(found: Iterable[Change]) -> str:
    """A line each, with what differs."""
    return "\n".join(str(_differing(change)) for change in found)


def _differing(change: Change) -> Change:
    if not change.before or not change.after:
        return change
    names = [what for what in change.counted if change.before.get(what) != change.after.get(what)]
    before, after = ({w: side.get(w, 0) for w in names} for side in (change.before, change.after))
    return Change(change.name, before, after)


def _became(before: int, after: int) -> str:
    return f"{before:_}" if before == after else f"{before:_} -> {after:_}"


def _ratio(before: Costs, after: Costs, what: str) -> str:
    a, b = before.get(what, 0), after.get(what, 0)
    return f" ({b / a - 1:+.1%})" if a and a != b else ""


# -- as a page -------------------------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 sans-serif; margin: 2em; color-scheme: light dark; }}
table {{ font: 12px/1.3 monospace; border-collapse: collapse; }}
td, th {{ padding: .1em .6em; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }} .diff td {{ text-align: left; }}
.less, .diff_add {{ background: #2a84; }} .more, .diff_sub {{ background: #c334; }}
.diff_chg {{ background: #b904; }}
</style></head><body>
{body}
</body></html>
"""


def page(title: str, body: str) -> str:
    """One that needs nothing else."""
    return PAGE.format(title=escape(title), body=body)


def table(found: Iterable[Change]) -> str:
    """As HTML: less is better."""
    rows = list(found)
    names = list(dict.fromkeys(what for change in rows for what in change.counted))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *names))
    lines = [
        f"<tr><td>{escape(change.name)}</td>{''.join(_cell(change, what) for what in names)}</tr>"
        for change in rows
    ]
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _cell(change: Change, what: str) -> str:
    before, after = change.before.get(what, 0), change.after.get(what, 0)
    kind = "less" if after < before else "more" if after > before else ""
    shown = _became(before, after).replace("->", "→")
    return f'<td class="{kind}">{shown}{_ratio(change.before, change.after, what)}</td>'
