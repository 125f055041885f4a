"""Rows of seconds become a table to read and a JSON record to keep."""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Container, Sequence
from typing import Any

from .contenders import UNJITTED
from .kinds import KINDS, PARTS, Column, duration, factor
from .measure import CHECKED_STEPS, Result, Row
from .neighbours import QUIET
from .workload import Workload

OURS = ("lazygrad-cpu", "lazygrad-gpu")

Record = dict[str, Any]


def machine(threads: int) -> Record:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()


def record(workload: Workload, result: Result, kind: str = "steady") -> Record:
    """Everything about one table, ready for JSON."""
    rows, limits = [row for row in result.rows if not row.form], result.limits
    beside = {row.contender.name: row for row in result.rows if row.form}
    best = best_peer(rows)
    limit = limits.seconds(workload)
    expected = _expected(rows)
    return {
        "workload": workload.name,
        "what": workload.what,
        "kind": kind,
        "flops": workload.flops,
        "bytes": workload.bytes,
        "sgemm_gflops": limits.flops / 1e9,
        "copy_gbytes": limits.bandwidth / 1e9,
        "neighbour_cores": result.neighbours,
        "limit_ms": limit * 1e3,
        "best_peer": best.contender.name if best else None,
        "lazygrad_over_best_peer": _ours_over(rows, best),
        "unjitted_over_jitted": _unjitted(rows),
        "rows": [
            _row(row, best, limit, expected, workload.tolerance)
            | _beside(row, beside.get(row.contender.name))
            for row in rows
        ],
    }


def best_peer(rows: list[Row]) -> Row | None:
    peers = [row for row in rows if row.seconds and not row.contender.ours]
    return min(peers, key=lambda row: statistics.median(row.seconds), default=None)


def ratio(row: Row, other: Row | None) -> float | None:
    """The median of the ratios within each round: what slowed a round slowed both."""
    if other is None or not row.seconds:
        return None
    pairs = zip(row.seconds, other.seconds, strict=False)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def _ours_over(rows: list[Row], best: Row | None) -> float | None:
    by_name = {row.contender.name: row for row in rows}
    ratios = [ratio(by_name[name], best) for name in _ours(by_name)]
    return min((value for value in ratios if value is not None), default=None)


def _ours(names: Container[str]) -> list[str]:
    """Of each backend that is there: jitted, or else as it is."""
    forms = ([name for name in (ours, ours + UNJITTED) if name in names] for ours in OURS)
    return [found[0] for found in forms if found]


def _unjitted(rows: list[Row]) -> dict[str, float]:
    """By contender, where both forms ran: how much longer a step takes without jit."""
    by_name = {row.contender.name: row for row in rows}
    pairs = {name: by_name.get(name + UNJITTED) for name in by_name}
    ratios = {name: ratio(row, by_name[name]) for name, row in pairs.items() if row is not None}
    return {name: value for name, value in ratios.items() if value is not None}


def _expected(rows: list[Row]) -> float | None:
    """The result that most contenders agree on."""
    last = [row.checks[-1] for row in rows if len(row.checks) == CHECKED_STEPS]
    return statistics.median_low(last) if last else None


def _row(
    row: Row, best: Row | None, limit: float, expected: float | None, tolerance: float
) -> Record:
    out: Record = {"contender": row.contender.name, "version": row.version}
    if row.error:
        out |= {"error": row.error, "unavailable": row.unavailable}
    if not row.seconds:
        return out
    milliseconds = sorted(second * 1e3 for second in row.seconds)
    median = statistics.median(milliseconds)
    return out | {
        "median_ms": median,
        "min_ms": milliseconds[0],
        "max_ms": milliseconds[-1],
        "rounds_ms": [second * 1e3 for second in row.seconds],
        "steps_per_round": row.steps,
        "over_best_peer": ratio(row, best),
        "over_limit": None if math.isnan(limit) else median / (limit * 1e3),
        "cores": statistics.median(row.cores) if row.cores else None,
        "memory_mb": row.memory / 1e6,
        "checks": row.checks,
        "agrees": _agrees(row.checks, expected, tolerance),
    }


def _beside(row: Row, other: Row | None) -> Record:
    """What a row says about more than its own steps: the parts of their time, and how it compares
    with the workload that is measured beside it."""
    out: Record = {}
    for number, name in enumerate(PARTS if row.parts else ()):
        out[f"{name}_ms"] = statistics.median(parts[number] for parts in row.parts) * 1e3
    if other and other.error and not row.error:
        out["error"] = f"{other.form.removeprefix('-')}: {other.error}"
    if other and other.seconds and row.seconds:
        out["beside_ms"] = statistics.median(other.seconds) * 1e3
        out["over_beside"] = ratio(row, other)
    return out


def _agrees(checks: list[float], expected: float | None, tolerance: float) -> bool | None:
    if not checks or expected is None:
        return None
    return math.isclose(checks[-1], expected, rel_tol=tolerance, abs_tol=1e-6)


def table(data: Record) -> str:
    """The table of one record."""
    kind = KINDS[data["kind"]]
    lines = [" - ".join(filter(None, (f"{data['workload']}: {data['what']}", kind.what)))]
    if kind.limit:
        lines.append(_limit_line(data))
    lines.append(
        f"  {'contender':22} {'median':>10} {'min':>10} {'max':>10} {'/peer':>7}"
        + "".join(f" {column.title:>{column.width}}" for column in kind.columns)
    )
    lines += [_table_row(row, kind.columns) for row in data["rows"]]
    if data["lazygrad_over_best_peer"] is not None:
        ours, peer = data["lazygrad_over_best_peer"], data["best_peer"]
        lines.append(f"  lazygrad's better backend takes {ours:.2f} of the time of {peer}")
    lines += [
        f"  {name}: un-jitted takes {value:.2f} of the time of jitted"
        for name, value in data["unjitted_over_jitted"].items()
    ]
    if data["neighbour_cores"] > QUIET:
        lines.append(f"  (others kept {data['neighbour_cores']:.1f} cores busy meanwhile)")
    return "\n".join(lines)


def summary(records: list[Record]) -> str:
    """One line a table: the best peer, the better backend of lazygrad, and each backend's ratio."""
    lines = [
        f"{'':24} {'best peer':>27} {'lazygrad':>22} {'/peer':>6} {'/limit':>6} {'CPU/peer':>8} "
        f"{'GPU/peer':>8}"
    ]
    lines += [_summary_row(data) for data in records if data["best_peer"]]
    return "\n".join(lines)


def _summary_row(data: Record) -> str:
    rows = {row["contender"]: row for row in data["rows"] if "median_ms" in row}
    peer = rows[data["best_peer"]]
    names = _ours(rows)
    ours = [rows[name] for name in names]
    title = data["workload"] + KINDS[data["kind"]].short
    line = f"{title:24} {data['best_peer']:>16} {duration(peer['median_ms']):>10}"
    if not ours:
        return line
    best = min(ours, key=lambda row: row["median_ms"])
    by_backend = {name.removesuffix(UNJITTED): rows[name]["over_best_peer"] for name in names}
    each = [by_backend.get(name) for name in OURS]
    return (
        f"{line} {best['contender'].removesuffix(UNJITTED):>12} {duration(best['median_ms']):>9} "
        f"{factor(data['lazygrad_over_best_peer']):>6} {factor(best['over_limit']):>6} "
        + " ".join(f"{factor(value):>8}" for value in each)
    )


def _limit_line(data: Record) -> str:
    if math.isnan(data["limit_ms"]):
        return "  (the machine's limits could not be measured)"
    return (
        f"  limit {duration(data['limit_ms'])}: {data['flops'] / 1e9:.3g} GFLOP at "
        f"{data['sgemm_gflops']:.0f} GFLOP/s, {data['bytes'] / 1e6:.3g} MB at "
        f"{data['copy_gbytes']:.1f} GB/s"
    )


def _table_row(row: Record, columns: Sequence[Column]) -> str:
    name = f"  {row['contender']:22}"
    if "median_ms" not in row:
        return f"{name} {'not here' if row.get('unavailable') else 'failed'}: {row['error']}"
    times = " ".join(f"{duration(row[key]):>10}" for key in ("median_ms", "min_ms", "max_ms"))
    line = f"{name} {times} {factor(row['over_best_peer']):>7}"
    for column in columns:
        line += f" {column.show(row.get(column.key)):>{column.width}}"
    if row["agrees"] is False:
        line += f"  RESULT DIFFERS: {row['checks'][-1]:.6g}"
    if "error" in row:
        line += f"  then failed: {row['error']}"
    return line
