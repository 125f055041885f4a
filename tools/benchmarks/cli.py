"""The command line of `tools/bench.py`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from .cold import measure_cold
from .contenders import CONTENDERS, UNJITTED, Contender, choose
from .measure import Result, measure
from .report import OURS, Record, machine, record, summary, table
from .roofline import draw
from .workload import Workload
from .workloads import EVERYTHING, FIRST_STEPS, LOOPS, PROGRAMS, TRANSFORMS, WORKLOADS

COLD_START = "cold_start"  # a workload by name: the first step of the CNN, in a new process
UNJITTED_STEP = "unjitted"  # another one: its training step, jitted and not
FIRST = "first_steps"  # and another: the first two steps of several programs, in new processes
AS_WRITTEN = (*(ours + UNJITTED for ours in OURS), "torch", "torch-compile")
TRANSFORMING = (*OURS, "torch", "jax")
IN_LOOPS = (*OURS, *(ours + UNJITTED for ours in OURS), "torch")
COLD_ROUNDS = 3


def main() -> int:
    options = _parser().parse_args()
    if options.list:
        print(_listing())
        return 0
    workloads = _chosen(options.workload, options.cold)
    contenders = choose(options.only)
    about = machine(options.threads)
    print(f"{about['processor']}, {options.threads} threads, {about['date']}\n")
    records = []
    for data in _records(options, workloads, contenders):
        records.append(data)
        print(table(data) + "\n", flush=True)
        if options.json:
            options.json.write_text(json.dumps({**about, "workloads": records}, indent=1))
    if len(records) > 1:
        print(summary(records))
    if options.plot:
        draw(records, options.plot)
    return 1 if any("error" in row and not row["unavailable"] for row in _rows(records)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.py",
        description="Compare lazygrad with its peers, side by side; see the top of the file.",
    )
    parser.add_argument("workload", nargs="*", help="default: all of them; --list names them")
    parser.add_argument("--only", metavar="NAMES", help="contenders, separated by commas")
    parser.add_argument("--rounds", type=int, help=f"default: 9, and {COLD_ROUNDS} for cold starts")
    parser.add_argument("--threads", type=int, default=2, help="for every contender; default: 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a roofline picture")
    parser.add_argument(
        "--cold",
        action="store_true",
        help="for each workload, time process start to first finished step instead",
    )
    parser.add_argument("--list", action="store_true", help="name workloads and contenders")
    parser.add_argument("--verbose", action="store_true", help="show what the contenders print")
    return parser


def _listing() -> str:
    lines = ["workloads:"]
    lines += [f"  {workload.name:22} {workload.what}" for workload in WORKLOADS.values()]
    lines += [f"  {row.name:22} {row.what}" for row in (*TRANSFORMS.values(), *LOOPS.values())]
    lines += [f"  {COLD_START:22} process start to the first finished step of cnn_train"]
    lines += [f"  {UNJITTED_STEP:22} the training step of cnn_train, jitted and not"]
    lines += [f"  {FIRST:22} the first two steps of: {', '.join(FIRST_STEPS)}"]
    lines += ["programs, of which the first two steps are timed:"]
    lines += [f"  {program.name:22} {program.what}" for program in PROGRAMS.values()]
    lines += ["contenders (* only when named):"]
    for row in CONTENDERS.values():
        where = f" (in {', '.join(sorted(row.helps))}, or when named)" if row.helps else ""
        lines.append(f"  {row.name}{'' if row.default else ' *'}{where}")
    return "\n".join(lines)


def _chosen(names: list[str], cold: bool) -> list[str]:
    rows = [*WORKLOADS, *TRANSFORMS, *LOOPS, UNJITTED_STEP, COLD_START, FIRST]
    known = [*rows, *PROGRAMS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no workload {', '.join(unknown)}; there are: {', '.join(known)}")
    return names or ([COLD_START] if cold else rows)


def _records(
    options: argparse.Namespace, names: list[str], contenders: list[Contender]
) -> Iterator[Record]:
    for name in names:
        workload = EVERYTHING.get(name, WORKLOADS["cnn_train"])
        if name == UNJITTED_STEP:
            forms = [CONTENDERS[ours + form] for ours in OURS for form in ("", UNJITTED)]
            wanted = [row for row in forms if _wanted(row, options)]
            yield from _steady(options, workload, wanted, "unjitted")
        elif name == FIRST or name in PROGRAMS:
            for program in FIRST_STEPS if name == FIRST else (name,):
                workload = EVERYTHING[program]
                yield from _cold(options, workload, _named_or(AS_WRITTEN, options, workload))
        elif name in LOOPS:
            yield from _steady(options, workload, _named_or(IN_LOOPS, options, workload), "loop")
        elif name in TRANSFORMS:
            kind = "gradients" if workload.beside else "transform"
            yield from _steady(options, workload, _named_or(TRANSFORMING, options, workload), kind)
        elif options.cold or name == COLD_START:
            wanted = [row for row in contenders if options.only or not row.helps]
            yield from _cold(options, workload, wanted)
        else:
            yield from _steady(options, workload, contenders)


def _named_or(
    default: tuple[str, ...], options: argparse.Namespace, workload: Workload
) -> list[Contender]:
    """Those that `--only` names and that can run it, or else the default ones."""
    rows = choose(options.only or ",".join(default))
    return [row for row in rows if row.runs(workload, named=True)]


def _wanted(contender: Contender, options: argparse.Namespace) -> bool:
    """Whether ``--only`` leaves it in, jitted or not."""
    name = contender.name.removesuffix(UNJITTED)
    return not options.only or any(name in row.name for row in choose(options.only))


def _steady(
    options: argparse.Namespace,
    workload: Workload,
    contenders: list[Contender],
    kind: str = "steady",
) -> Iterator[Record]:
    taking_part = [row for row in contenders if row.runs(workload, bool(options.only))]
    rounds = options.rounds or 9
    forms = ("", workload.beside) if workload.beside else ("",)
    result = measure(
        workload, taking_part, rounds, options.threads, options.verbose, _progress, forms
    )
    _progress("")
    yield record(workload, result, kind)


def _cold(
    options: argparse.Namespace, workload: Workload, contenders: list[Contender]
) -> Iterator[Record]:
    taking_part = [row for row in contenders if not row.images_only]
    rounds = options.rounds or COLD_ROUNDS
    tables = measure_cold(
        workload, taking_part, rounds, options.threads, options.verbose, _progress
    )
    _progress("")
    for kind, rows in tables.items():
        yield record(workload, Result(rows), kind)


def _progress(text: str) -> None:
    """One line that overwrites itself, where someone is looking."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _rows(records: list[Record]) -> Iterator[Record]:
    for data in records:
        yield from data["rows"]
