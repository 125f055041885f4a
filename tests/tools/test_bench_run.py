"""The bench as a command: what it lists, what it refuses, what it reports as missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.benchmarks import cli, cold, limits, measure
from tools.benchmarks.contenders import CONTENDERS
from tools.benchmarks.process import WorkerError
from tools.benchmarks.workloads import (
    EVERYTHING,
    FIRST_STEPS,
    LOOPS,
    PROGRAMS,
    TRANSFORMS,
    WORKLOADS,
)

BENCH = Path(__file__).parents[2] / "tools" / "bench.py"


def bench(*arguments, **env):
    command = [sys.executable, str(BENCH), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})


@pytest.fixture
def fake_torch(tmp_path):
    """A module that is found in the place of PyTorch."""

    def write(text):
        (tmp_path / "torch.py").write_text(text)
        return {"PYTHONPATH": str(tmp_path)}

    return write


def test_list_names_every_workload_and_contender():
    text = bench("--list").stdout
    assert all(name in text for name in (*WORKLOADS, *TRANSFORMS, *LOOPS, *PROGRAMS))
    assert "cold_start" in text
    assert "tinygrad-cl" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["cnn"], "no workload cnn; there are: cnn_train"), (["--only", "mx"], "no contender mx")],
)
def test_an_unknown_name_is_refused_with_the_known_ones(arguments, message):
    result = bench(*arguments)
    assert result.returncode != 0
    assert message in result.stderr


def test_work_is_counted_by_hand_once():
    forward = 2 * 128 * (32 * 26 * 26 * 9 + 64 * 11 * 11 * 32 * 9 + 1600 * 128 + 128 * 10)
    image_gradient = 2 * 128 * 32 * 26 * 26 * 9  # that nobody needs
    assert WORKLOADS["cnn_train"].flops == 3 * forward - image_gradient
    assert WORKLOADS["chain"].bytes == 2 * 4 * 16 * 2**20


def test_a_missing_contender_is_reported(fake_torch, tmp_path):
    env = fake_torch("raise ImportError('not in this house')")
    out = tmp_path / "bench.json"
    result = bench("mlp_train", "--only", "torch", "--rounds", "1", "--json", str(out), **env)
    assert "not here: PyTorch is not installed (not in this house)" in result.stdout
    assert result.returncode == 0
    (row,) = json.loads(out.read_text())["workloads"][0]["rows"]
    assert row["unavailable"] is True


@pytest.mark.parametrize("text", ["def set_num_threads(n):\n    raise SystemExit(3)", "x = 1"])
def test_a_failing_contender_is_reported_and_fails_the_bench(fake_torch, text):
    result = bench("--cold", "--only", "torch", "--rounds", "1", **fake_torch(text))
    assert "torch " in result.stdout
    assert "failed: " in result.stdout
    assert result.returncode == 1


class Ruler:
    """In the place of the process that measures the machine: limits that are known."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def ask(self, do):
        assert do == "measure"
        return {"flops": 1e12, "bandwidth": 2e9}


def test_lazygrad_runs_a_workload(tmp_path, monkeypatch, capsys):
    out = tmp_path / "bench.json"
    for name, value in (("WARM_UP", 0.0), ("TURN", 0.0), ("MOST_ROUNDS", 1)):
        monkeypatch.setattr(measure, name, value)
    monkeypatch.setattr(measure, "_ruler", lambda threads, verbose: Ruler())
    arguments = ["mlp_train", "--only", "lazygrad-cpu", "--rounds", "2", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", ["bench.py", *arguments])
    assert cli.main() == 0
    (table,) = json.loads(out.read_text())["workloads"]
    workload = WORKLOADS["mlp_train"]
    assert table["limit_ms"] == max(workload.flops / 1e12, workload.bytes / 2e9) * 1e3
    (row,) = table["rows"]
    assert row["over_limit"] == pytest.approx(row["median_ms"] / table["limit_ms"])
    assert len(row["checks"]) == measure.CHECKED_STEPS
    assert row["checks"] == sorted(row["checks"], reverse=True)  # the loss falls
    assert "lazygrad-cpu" in capsys.readouterr().out


def test_the_limits_are_those_of_the_fastest_product_and_of_a_copy(monkeypatch):
    monkeypatch.setattr(limits, "SIDE", 64)
    monkeypatch.setattr(limits, "COPY", 1000)
    peaks = limits.Peaks(2)
    assert peaks.begin() == {}
    ran = []
    peaks.products = [lambda p=p: (p(), ran.append(p)) for p in peaks.products]
    monkeypatch.setattr(limits, "_best_of", lambda times, call: (call(), 0.5)[1])
    assert peaks.measure() == {"flops": 2 * 64**3 / 0.5, "bandwidth": 2 * 4 * 1000 * 2 / 0.5}
    assert len(ran) == len(peaks.products) >= 1
    for (_copy, numbers), value in zip(peaks.pairs, (1, 2), strict=True):
        numbers[:] = value
    peaks._copy()
    assert all(np.array_equal(*pair) for pair in peaks.pairs)


def test_who_takes_part_in_what() -> None:
    compiled, contiguous = CONTENDERS["torch-compile"], CONTENDERS["torch-contiguous"]
    assert compiled.runs(WORKLOADS["cnn_infer"], named=False)
    assert not compiled.runs(WORKLOADS["chain"], named=False)
    assert compiled.runs(WORKLOADS["chain"], named=True)
    assert contiguous.runs(WORKLOADS["conv"], named=False)
    assert not contiguous.runs(WORKLOADS["chain"], named=True)
    assert CONTENDERS["torch-compile"].helps <= WORKLOADS.keys()
    for name in (*LOOPS, *PROGRAMS):
        who = {row.framework for row in CONTENDERS.values() if row.runs(EVERYTHING[name], True)}
        assert who == {"lazygrad", "torch"}
    for workload in TRANSFORMS.values():
        who = {row.framework for row in CONTENDERS.values() if row.runs(workload, True)}
        assert who == {"lazygrad", "torch", "jax"}


class Starter:
    """In the place of a worker: a first step of 3 s, a second of 2 s, later ones of about 1 s."""

    started = ()

    def __init__(self, name, workload, threads, env, verbose):
        self.later = iter([2.0, 1.2, 1.0, 1.1])
        self.fails = name == "torch"
        assert ("POCL_CACHE_DIR" in env) != name.startswith("lazygrad")  # as its users start it
        Starter.started += ((name, workload, env["XDG_CACHE_HOME"]),)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def begun(self):
        return {"version": "1", "seconds": 3.0}

    def ask(self, do, steps):
        assert (do, steps) == ("run", 1)
        if self.fails:
            raise WorkerError("it died")
        return {"seconds": next(self.later)}


def test_first_steps_are_timed_with_empty_and_with_filled_caches(monkeypatch):
    monkeypatch.setattr(cold, "Worker", Starter)
    monkeypatch.setattr(Starter, "started", ())
    contenders = [CONTENDERS["lazygrad-cpu"], CONTENDERS["torch"]]
    tables = cold.measure_cold(PROGRAMS["lstm"], contenders, 2, 2, False, lambda text: None)
    assert list(tables) == ["cold", "cold steps", "warm", "warm steps"]
    for caches in ("cold", "warm"):
        assert len(tables[caches][0].seconds) == 2
        ours, dead = tables[caches + " steps"]
        assert ours.seconds == [5.0, 5.0]
        assert ours.parts == [(3.0, 2.0, 1.0)] * 2
        assert (dead.seconds, dead.error) == ([], "it died")
    ours = [start for start in Starter.started if start[0] == "lazygrad-cpu"]
    assert [workload for _, workload, _ in ours] == ["lstm"] * 4
    first, again, second, _ = (cache for *_, cache in ours)
    assert first == again != second  # a new folder each round, which the warm start finds filled


def test_first_steps_and_loops_run_who_writes_them_so(monkeypatch, capsys):
    asked = []

    def steps(workload, contenders, *rest):
        asked.append((workload.name, [row.name for row in contenders]))
        return {}

    def loops(workload, contenders, *rest):
        asked.append((workload.name, [row.name for row in contenders], rest[-1]))
        return measure.Result([])

    monkeypatch.setattr(cli, "measure_cold", steps)
    monkeypatch.setattr(cli, "measure", loops)
    unjitted = ["lazygrad-cpu-unjitted", "lazygrad-gpu-unjitted"]

    def run(*arguments):
        asked.clear()
        monkeypatch.setattr(sys, "argv", ["bench.py", *arguments])
        assert cli.main() == 0
        return asked

    expected = [(name, [*unjitted, "torch", "torch-compile"]) for name in FIRST_STEPS]
    assert run("first_steps") == expected
    assert run("unet", "--only", "jax,lazygrad-cpu,torch-contiguous") == [
        ("unet", ["lazygrad-cpu"])
    ]
    everyone = ["lazygrad-cpu", "lazygrad-gpu", *unjitted, "torch"]
    assert run("loop_state") == [("loop_state", everyone, ("", "-prepared"))]
    assert run("loop_state", "--only", "torch,jax") == [
        ("loop_state", ["torch"], ("", "-prepared"))
    ]
    assert run("cnn_infer", "--only", "torch") == [("cnn_infer", ["torch"], ("",))]
