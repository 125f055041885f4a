"""What the bench says about seconds that it is given."""

import math

import pytest

from tools.benchmarks.contenders import CONTENDERS
from tools.benchmarks.measure import Limits, Result, Row
from tools.benchmarks.neighbours import Watch, quietest
from tools.benchmarks.report import best_peer, ratio, record, summary, table
from tools.benchmarks.roofline import Point, draw, picture
from tools.benchmarks.workload import Workload

WORKLOAD = Workload("w", "a workload", build=None, flops=2e9, bytes=1e6)
LIMITS = Limits(flops=100e9, bandwidth=10e9)
CHECKS = [1.0, 0.9, 0.8, 0.7]


def row(name, seconds=(), checks=CHECKS, **more):
    return Row(CONTENDERS[name], list(seconds), checks=list(checks), steps=1, **more)


def test_the_limit_is_the_larger_of_arithmetic_and_traffic():
    assert LIMITS.seconds(WORKLOAD) == 2e9 / 100e9
    slow_memory = Limits(flops=100e9, bandwidth=1e6)
    assert slow_memory.seconds(WORKLOAD) == 1.0
    assert math.isnan(Limits().seconds(WORKLOAD))


def test_ratios_are_formed_within_a_round():
    ours = row("lazygrad-cpu", [1.0, 10.0, 1.0])
    peer = row("torch", [2.0, 20.0, 2.0])  # the same neighbour slowed both in round two
    assert ratio(ours, peer) == 0.5


def test_the_best_peer_is_not_ours():
    rows = [row("lazygrad-cpu", [0.1]), row("torch", [0.3]), row("tinygrad-cpu", [0.2])]
    assert best_peer(rows).contender.name == "tinygrad-cpu"
    assert best_peer(rows[:1]) is None


def test_the_record_compares_our_better_backend_with_the_best_peer():
    rows = [row("lazygrad-cpu", [0.4]), row("lazygrad-gpu", [0.1]), row("torch", [0.2])]
    data = record(WORKLOAD, Result(rows, LIMITS))
    assert data["best_peer"] == "torch"
    assert data["lazygrad_over_best_peer"] == 0.5
    assert data["limit_ms"] == pytest.approx(20.0)
    assert [r["over_limit"] for r in data["rows"]] == pytest.approx([20.0, 5.0, 10.0])
    assert "0.50 of the time of torch" in table(data)


def test_a_contender_that_is_not_here_is_listed_with_the_reason():
    rows = [
        row("torch", [0.2]),
        row("tinygrad-cl", checks=(), error="no OpenCL here", unavailable=True),
        row("tinygrad-cpu", checks=(), error="KeyError: 'x'"),
    ]
    text = table(record(WORKLOAD, Result(rows, LIMITS)))
    assert "not here: no OpenCL here" in text
    assert "failed: KeyError: 'x'" in text


def test_another_result_than_the_others_is_pointed_out():
    rows = [
        row("torch", [0.2]),
        row("tinygrad-cpu", [0.2], checks=[1.0, 0.9, 0.8, 0.7001]),
        row("lazygrad-cpu", [0.2], checks=[1.0, 0.9, 0.8, 0.5]),
    ]
    text = table(record(WORKLOAD, Result(rows, LIMITS)))
    assert [line.split()[0] for line in text.splitlines() if "RESULT DIFFERS" in line] == [
        "lazygrad-cpu"
    ]


def test_a_workload_may_tolerate_more():
    loose = Workload("w", "its steps magnify", build=None, flops=2e9, bytes=1e6, tolerance=0.5)
    rows = [row("torch", [0.2]), row("jax", [0.2], checks=[1.0, 0.9, 0.8, 0.5])]
    assert "RESULT DIFFERS" in table(record(WORKLOAD, Result(rows, LIMITS)))
    assert "RESULT DIFFERS" not in table(record(loose, Result(rows, LIMITS)))


def test_a_table_without_limits_can_be_read():
    rows = [row("torch", [1.5], checks=())]
    text = table(record(WORKLOAD, Result(rows), kind="cold"))
    assert "first finished step, cold caches" in text
    assert "1.50 s" in text


def test_busy_neighbours_are_mentioned():
    rows = [row("torch", [0.2])]
    assert "cores busy" not in table(record(WORKLOAD, Result(rows, LIMITS, 0.01)))
    assert "0.9 cores busy" in table(record(WORKLOAD, Result(rows, LIMITS, 0.9)))


def test_the_quietest_rounds_are_kept():
    kept = quietest([0.9, 0.0, 0.5, 0.1, 0.2], 3)
    assert kept == [1, 3, 4]
    measured = row("torch", [1.0, 2.0, 3.0, 4.0, 5.0])
    measured.keep(kept)
    assert measured.seconds == [2.0, 4.0, 5.0]
    failed = row("torch", [1.0, 2.0])
    failed.keep(kept)
    assert failed.seconds == [2.0]


def test_a_watch_counts_what_others_took(monkeypatch):
    clock, busy = iter([10.0, 12.0]), iter([100.0, 103.0])
    monkeypatch.setattr("tools.benchmarks.neighbours.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("tools.benchmarks.neighbours._busy_seconds", lambda: next(busy))
    watch = Watch()
    assert watch.cores == 0.0
    watch.start()
    watch.stop(own=2.0)
    assert watch.cores == 0.5


def test_unjitted_steps_are_compared_with_jitted_ones():
    rows = [row("lazygrad-gpu", [0.2, 0.4]), row("lazygrad-gpu-unjitted", [0.3, 0.6])]
    data = record(WORKLOAD, Result(rows, LIMITS))
    assert data["unjitted_over_jitted"] == pytest.approx({"lazygrad-gpu": 1.5})
    assert "lazygrad-gpu: un-jitted takes 1.50 of the time of jitted" in table(data)


def test_the_first_steps_are_shown_one_by_one():
    parts = [(1.0, 0.2, 0.1), (3.0, 0.4, 0.3), (2.0, 0.3, 0.2)]
    ours = row("lazygrad-gpu-unjitted", [1.2, 3.4, 2.3], checks=(), parts=parts)
    rows = [ours, row("torch", [1.15], checks=(), parts=[(1.0, 0.15, 0.1)])]
    data = record(WORKLOAD, Result(rows), kind="cold steps")
    assert data["lazygrad_over_best_peer"] == pytest.approx(1.2 / 1.15)
    text = table(data)
    assert "first and second step together, cold caches" in text
    header, line = text.splitlines()[1:3]
    assert header.split()[-3:] == ["first", "second", "later"]
    assert line.split()[-6:] == ["2.00", "s", "300.00", "ms", "200.00", "ms"]
    assert summary([data]).splitlines()[1].split()[:3] == ["w,", "cold", "steps"]


def test_a_loop_is_compared_with_the_prepared_one():
    rows = [
        row("lazygrad-cpu", [0.3, 0.6]),
        row("lazygrad-cpu", [0.2, 0.4], checks=[2.0] * 4, form="-prepared"),
        row("torch", [0.4, 0.8]),
        row("torch", [0.1, 0.1], form="-prepared"),
    ]
    data = record(WORKLOAD, Result(rows), kind="loop")
    assert data["best_peer"] == "torch"  # the prepared loops are no contenders
    assert [r["contender"] for r in data["rows"]] == ["lazygrad-cpu", "torch"]
    assert [r["over_beside"] for r in data["rows"]] == pytest.approx([1.5, 6.0])
    line = table(data).splitlines()[2]
    assert line.split()[-3:] == ["300.00", "ms", "1.50"]
    assert "RESULT DIFFERS" not in table(data)  # what the prepared ones compute is their affair


def test_a_prepared_loop_that_fails_is_told():
    rows = [
        row("torch", [0.1]),
        row("torch", error="KeyError: 'x'", form="-prepared"),
    ]
    data = record(WORKLOAD, Result(rows), kind="loop")
    assert "failed: prepared: KeyError: 'x'" in table(data)
    assert "over_beside" not in data["rows"][0]


def test_what_is_not_counted_has_no_limit():
    loop = Workload("l", "a loop", build=None)
    assert math.isnan(LIMITS.seconds(loop))
    (data,) = record(loop, Result([row("torch", [0.2])], LIMITS), kind="loop")["rows"]
    assert data["over_limit"] is None


def test_jitted_or_not_each_backend_is_in_the_summary_once():
    names = ("lazygrad-cpu", "lazygrad-cpu-unjitted", "lazygrad-gpu-unjitted", "torch")
    rows = [row(name, [time]) for name, time in zip(names, (0.4, 0.1, 0.3, 0.2), strict=True)]
    data = record(WORKLOAD, Result(rows, LIMITS))
    assert data["lazygrad_over_best_peer"] == pytest.approx(1.5)
    assert summary([data]).splitlines()[1].split()[-2:] == ["2.00", "1.50"]


def test_the_summary_has_a_line_a_table():
    rows = [row("lazygrad-cpu", [0.4]), row("lazygrad-gpu", [0.1]), row("torch", [0.2])]
    text = summary([record(WORKLOAD, Result(rows, LIMITS)), record(WORKLOAD, Result(rows[:2]))])
    header, line = text.splitlines()
    assert header.split() == ["best", "peer", "lazygrad", "/peer", "/limit", "CPU/peer", "GPU/peer"]
    assert line.split() == [
        *("w", "torch", "200.00", "ms", "lazygrad-gpu", "100.00", "ms"),
        *("0.50", "5.00", "2.00", "0.50"),
    ]


def test_the_roofline_shows_rates_and_intensities(tmp_path):
    stream = Workload("s", "a stream", build=None, flops=0, bytes=1e9)
    rows = [row("lazygrad-gpu", [0.1]), row("torch", [0.2]), row("jax", error="failed")]
    records = [
        record(WORKLOAD, Result(rows, LIMITS)),
        record(stream, Result(rows, LIMITS)),
        record(stream, Result(rows, LIMITS), kind="cold"),
    ]
    shown = picture(records)
    assert (shown.peak, shown.bandwidth) == (100.0, 10.0)
    assert shown.contractions == (
        Point("w", "lazygrad-gpu", 2000.0, pytest.approx(20.0)),
        Point("w", "torch", 2000.0, pytest.approx(10.0)),
    )
    assert shown.streams == (
        Point("s", "lazygrad-gpu", 0.0, pytest.approx(10.0)),
        Point("s", "torch", 0.0, pytest.approx(5.0)),
    )
    draw(records, tmp_path / "roofline.png")
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")
