"""``--resume`` of whatever a file may hold: a run that goes on, or an error that names the file."""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, load_state, save_state
from lazygrad.config import config
from lazygrad.examples import checkpoint
from lazygrad.examples.cnn import main, train
from lazygrad.examples.options import parse_options

SHORT = ["--dataset", "digits", "--limit", "100", "--batch-size", "50"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch."""
    path = tmp_path_factory.mktemp("runs") / "run"
    with config(backend="CPU"):
        train(parse_options([*SHORT, "--epochs", "1", "--save", str(path)]))
    return path


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said about a file that is no run."""
    with config(backend="CPU"):
        assert main([*SHORT, "--epochs", "2", "--resume", str(path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: [") and str(path) in message
    return message


RAW = {
    "empty": b"",
    "short": b"\x10",
    "text": b"epoch: 3\n" * 100,
    "pickle": pickle.dumps({"epoch": 3}),
    "zip": b"PK\x03\x04" + bytes(100),
    "huge header": (1 << 50).to_bytes(8, "little") + b"{}",
    "negative header": b"\xff" * 16,
    "no JSON": (4).to_bytes(8, "little") + b"{x}}",
    "deep JSON": (60_000).to_bytes(8, "little") + b"[" * 60_000,
    "no tensors": (2).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize("content", RAW.values(), ids=RAW.keys())
def test_files_of_other_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "run"
    path.write_bytes(content)
    refused(path, capsys)


def test_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a folder" in refused(tmp_path, capsys)


def test_every_truncation(tmp_path: Path, capsys: pytest.CaptureFixture[str], saved: Path) -> None:
    content = saved.read_bytes()
    for kept in (0, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "run").write_bytes(content[:kept])
        refused(tmp_path / "run", capsys)


class Parts:
    """A saved run, to be changed."""

    def __init__(self, path: Path) -> None:
        self.tensors, self.metadata = load_state(path)
        self.optimizer, self.options, self.history = (
            json.loads(self.metadata[key]) for key in ("optimizer", "options", "history")
        )

    def write(self, path: Path) -> None:
        documents = {"optimizer": self.optimizer, "options": self.options, "history": self.history}
        texts = {key: json.dumps(value) for key, value in documents.items()}
        save_state(path, self.tensors, {**self.metadata, **texts})

    def optimizer_item(self, name: str) -> list[Any]:
        """The pair of a key and its value in the optimizer's state_dict."""
        return next(item for item in self.optimizer["items"] if item[0] == name)

    def group(self) -> list[list[Any]]:
        return self.optimizer_item("param_groups")[1][0]["items"]  # type: ignore[no-any-return]

    def set_option_of_group(self, name: str, value: Any) -> None:
        next(item for item in self.group() if item[0] == name)[1] = value


def drop(parts: Parts, name: str) -> None:
    del parts.tensors[next(key for key in parts.tensors if key.startswith(name))]


def reshape(parts: Parts, name: str, value: Tensor) -> None:
    parts.tensors[next(key for key in parts.tensors if key.startswith(name))] = value


CHANGES: dict[str, Callable[[Parts], object]] = {
    "no model": lambda p: [drop(p, "model.") for _ in range(10)],
    "a parameter is missing": lambda p: drop(p, "model.conv1"),
    "a parameter of another shape": lambda p: reshape(p, "model.conv1", Tensor.zeros(3)),
    "a parameter too many": lambda p: p.tensors.update({"model.extra": Tensor(1.0)}),
    "a moment is missing": lambda p: drop(p, "optimizer.state.0"),
    "a moment of another shape": lambda p: reshape(p, "optimizer.state.0", Tensor.zeros(3)),
    "no state": lambda p: p.optimizer["items"].remove(p.optimizer_item("state")),
    "no groups": lambda p: p.optimizer["items"].remove(p.optimizer_item("param_groups")),
    "groups are a number": lambda p: p.optimizer_item("param_groups").__setitem__(1, 3),
    "state is a list": lambda p: p.optimizer_item("state").__setitem__(1, [1, 2]),
    "state of words": lambda p: p.optimizer_item("state").__setitem__(
        1, {"items": [["x", {"items": []}]]}
    ),
    "moments are numbers": lambda p: p.optimizer_item("state").__setitem__(
        1, {"items": [[0, {"items": [["exp_avg", 1.0], ["exp_avg_sq", 1.0], ["step", 1.0]]}]]}
    ),
    "the optimizer is a list": lambda p: setattr(p, "optimizer", [1]),
    "the optimizer is null": lambda p: setattr(p, "optimizer", None),
    "a rate that is no number": lambda p: p.set_option_of_group("lr", "fast"),
    "a rate of NaN": lambda p: p.set_option_of_group("lr", math.nan),
    "a negative rate": lambda p: p.set_option_of_group("lr", -1),
    "betas that are none": lambda p: p.set_option_of_group("betas", [2, 3, 4]),
    "params that are none": lambda p: p.set_option_of_group("params", [0, 1]),
    "steps of NaN": lambda p: reshape(p, "optimizer.state.0.step", Tensor(math.nan)),
    "negative steps": lambda p: reshape(p, "optimizer.state.0.step", Tensor(-1.0)),
    "several steps": lambda p: reshape(p, "optimizer.state.0.step", Tensor([1.0, 2.0])),
    "options are a list": lambda p: setattr(p, "options", [1]),
    "no options": lambda p: setattr(p, "options", {}),
    "an unknown data set": lambda p: p.options.update(dataset="imagenet"),
    "a data set that is a list": lambda p: p.options.update(dataset=["digits"]),
    "an unknown optimizer": lambda p: p.options.update(optimizer="magic"),
    "no batch": lambda p: p.options.update(batch_size=0),
    "a batch that is a text": lambda p: p.options.update(batch_size="64"),
    "a batch of true": lambda p: p.options.update(batch_size=True),
    "an enormous batch": lambda p: p.options.update(batch_size=10**30),
    "an infinite rate": lambda p: p.options.update(lr=math.inf),
    "a seed that is a text": lambda p: p.options.update(seed="0"),
    "an enormous seed": lambda p: p.options.update(seed=10**30),
    "a limit of half": lambda p: p.options.update(limit=0.5),
    "the history is a list": lambda p: setattr(p, "history", [1]),
    "the history lacks epochs": lambda p: p.history.pop("losses"),
    "epochs of NaN": lambda p: p.history.update(steps=[math.nan]),
    "a negative epoch": lambda p: p.history.update(steps=[-1, 2]),
    "more steps than losses": lambda p: p.history.update(steps=[3]),
    "losses that are texts": lambda p: p.history.update(losses=["low", "lower"]),
    "more epochs than accuracies": lambda p: p.history.update(steps=[1, 2]),
    "an attribute that there is not": lambda p: p.history.update(epochs=3),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_runs_that_are_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    saved: Path,
    change: Callable[[Parts], object],
) -> None:
    parts = Parts(saved)
    change(parts)
    parts.write(tmp_path / "run")
    refused(tmp_path / "run", capsys)


@pytest.mark.parametrize("key", ["optimizer", "options", "history"])
@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000, "NaN", '{"tensor": "none"}'])
def test_metadata_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], saved: Path, key: str, text: str | None
) -> None:
    tensors, metadata = load_state(saved)
    if text is None:
        del metadata[key]
    else:
        metadata[key] = text
    save_state(tmp_path / "run", tensors, metadata)
    refused(tmp_path / "run", capsys)


def test_a_state_that_the_example_did_not_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_state(tmp_path / "run", {"weight": Tensor.zeros(3)}, {"epoch": "3"})
    assert "was not written by this example's --save" in refused(tmp_path / "run", capsys)


# -- killed runs ----------------------------------------------------------------------------------

# Dies while it saves for the third time.
KILLED = """
import os, signal, sys
from lazygrad.examples.cnn import main
saves, replace = [], os.replace
def third_is_the_last(*paths):
    saves.append(paths)
    if len(saves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)
os.replace = third_is_the_last
main(sys.argv[1:])
"""


def test_a_killed_run_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    with config(backend="CPU"):
        expected = train(parse_options([*SHORT, "--epochs", "4", "--save", str(whole)]))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *SHORT, "--epochs", "4", "--save", str(killed)],
        env={**os.environ, "BACKEND": "CPU"},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert checkpoint.load(killed).history.epochs == 2
    assert len(os.listdir(tmp_path)) == 3  # and what it was writing
    resume = ["--epochs", "4", "--resume", str(killed), "--save", str(killed)]
    with config(backend="CPU"):
        assert train(parse_options([*SHORT, *resume])) == expected
    assert sorted(os.listdir(tmp_path)) == ["killed", "whole"]
    left, right = load_state(whole)[0], load_state(killed)[0]
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name].numpy(), right[name].numpy(), err_msg=name)
