"""The bench as a command: what it lists, what it refuses, what it reports as missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.benchmarks.contenders import CONTENDERS
from tools.benchmarks.workloads import WORKLOADS

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
    assert all(name in text for name in WORKLOADS)
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


@pytest.mark.slow
def test_lazygrad_runs_a_workload(tmp_path):
    out = tmp_path / "bench.json"
    arguments = ["mlp_train", "--only", "lazygrad-cpu", "--rounds", "1", "--json", str(out)]
    result = bench(*arguments, "--verbose")
    assert result.returncode == 0, result.stdout + result.stderr
    (row,) = json.loads(out.read_text())["workloads"][0]["rows"]
    assert row["median_ms"] > 0
    assert row["checks"][-1] < row["checks"][0]  # the loss falls


def test_who_takes_part_in_what() -> None:
    compiled, contiguous = CONTENDERS["torch-compile"], CONTENDERS["torch-contiguous"]
    assert compiled.runs(WORKLOADS["cnn_infer"], named=False)
    assert not compiled.runs(WORKLOADS["chain"], named=False)
    assert compiled.runs(WORKLOADS["chain"], named=True)
    assert contiguous.runs(WORKLOADS["conv"], named=False)
    assert not contiguous.runs(WORKLOADS["chain"], named=True)
    assert CONTENDERS["torch-compile"].helps <= WORKLOADS.keys()
