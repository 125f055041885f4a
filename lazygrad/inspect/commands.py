"""What ``python -m lazygrad.inspect`` does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lazygrad.errors import DataError, MissingExtraError
from lazygrad.inspect import diff
from lazygrad.inspect.caches import disk_cache


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m lazygrad.inspect``"""
    parser = argparse.ArgumentParser(prog="python -m lazygrad.inspect")
    what = parser.add_subparsers(required=True)
    of_cache = what.add_parser("cache", help="what is kept compiled on disk")
    of_cache.add_argument("--clear", action="store_true", help="remove it all")
    of_cache.set_defaults(run=_cache)
    of_diff = what.add_parser("diff", help="what tells two dumps apart; status 1 if they differ")
    of_diff.add_argument("before", metavar="A", help="a folder of LAZYGRAD_DUMP, or a plan in it")
    of_diff.add_argument("after", metavar="B")
    of_diff.add_argument("--sources", action="store_true", help="with the lines of code, too")
    of_diff.add_argument("--html", metavar="FILE", type=Path, help="write a page as well")
    of_diff.set_defaults(run=_diff)
    of_show = what.add_parser("show", help="a dump as a page for the browser")
    of_show.add_argument("folder", type=Path, help="a folder of LAZYGRAD_DUMP, or a plan in it")
    of_show.add_argument("--html", metavar="FILE", type=Path, help="FOLDER/report.html by default")
    of_show.set_defaults(run=_show)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except (DataError, MissingExtraError) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # somebody has read enough: python -m lazygrad.inspect diff A B | head
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for what is still to be written
        return 1
    return status


def _cache(options: argparse.Namespace) -> int:
    print(disk_cache(clear=options.clear))
    return 0


def _diff(options: argparse.Namespace) -> int:
    found = diff.compare(options.before, options.after)
    if options.html is not None:
        options.html.write_text(diff.page(found))
    print(diff.text(found, sources=options.sources))
    return int(diff.differ(found))


def _show(options: argparse.Namespace) -> int:
    from lazygrad.inspect.reporting import gather, page  # with libraries that only this needs

    path = options.html or options.folder / "report.html"
    path.write_text(page.page(gather.dumped(options.folder)), encoding="utf-8")
    print(path)
    return 0
