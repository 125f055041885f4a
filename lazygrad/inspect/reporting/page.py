"""A report as one file of HTML, that opens without a server or a network."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lazygrad import units
from lazygrad.errors import MissingExtraError
from lazygrad.inspect.reporting.packing import packed
from lazygrad.inspect.reporting.plans import PlanPage
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.inspect.step import PHASES
from lazygrad.runtime import registry

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
VIEWS = "overview", "source", "roofline", "memory", "graph", "kernels"
SCRIPTS = "app.js", "graph.js"
MOST_PLANS = 16  # of a program, those that took longest
LAYERED = (3, 11)  # the Python that the library takes which lays graphs out


def libraries() -> SimpleNamespace:
    """What a report is made with; ``layout`` is None where there is none for this Python.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import jinja2
        import pygments.lexers
        import squarify

        layout = import_module("fast_sugiyama") if sys.version_info >= LAYERED else None
    except ImportError as error:
        raise MissingExtraError(
            f"[report] a report needs {error.name}: pip install 'lazygrad[report]'"
        ) from error
    return SimpleNamespace(jinja2=jinja2, pygments=pygments, squarify=squarify, layout=layout)


def page(shown: Sequence[Shown]) -> str:
    """The report of plans.

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
    """
    used = libraries()
    longest = sorted(shown, key=lambda each: -each.times.whole * max(each.runs, 1))
    plans = [PlanPage(each, used) for each in longest[:MOST_PLANS]]
    templates = _templates()
    markup = used.jinja2.utils.markupsafe.Markup
    return str(
        templates.get_template("page.html.j2").render(
            title=f"{plans[0].shown.called if plans else 'nothing ran'} · lazygrad",
            made=f"{' '.join(sys.argv)}, {datetime.now():%Y-%m-%d %H:%M}",
            plans=plans,
            opened=[packed(_opened(number, plan)) for number, plan in enumerate(plans)],
            views=VIEWS,
            phases=PHASES,
            target=registry.backend(plans[0].shown.step.device).target if plans else None,
            style=markup((TEMPLATES / "style.css").read_text()),
            script=markup("\n".join((TEMPLATES / name).read_text() for name in SCRIPTS)),
        )
    )


def _opened(number: int, plan: PlanPage) -> dict[str, Any]:
    """What a click opens, of a plan of that number: the pages of kernels and lines, texts that
    several of them show, and drawings."""
    parts: Any = _templates().get_template("parts.html.j2").module  # macros
    return {
        "kernels": [parts.kernel_page(number, plan, page) for page in plan.pages],
        "lines": [parts.line_page(number, plan, line) for line in plan.lines.values()],
        "texts": plan.texts,
        "drawings": plan.drawings,
    }


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    made.filters |= {
        "duration": units.duration,
        "flops": units.flops,
        "size": units.size,
        "share": units.share,
        "css": lambda number: f"{number:.4g}" if abs(number) < 1000 else f"{number:.1f}",
        "phase": PHASES.index,
    }
    return made
