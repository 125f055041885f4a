"""The CNN example as a user runs it: it learns, is saved, goes on, and says what is wrong."""

import numpy as np
import pytest

from lazygrad.config import config
from lazygrad.examples import checkpoint
from lazygrad.examples.cnn import main, train
from lazygrad.examples.options import parse_options

SHORT = ["--dataset", "digits", "--limit", "200", "--batch-size", "50"]


@pytest.fixture(params=["CPU", "GPU"], autouse=True)
def backend(request):
    if request.param == "GPU":
        pytest.importorskip("pyopencl")
    with config(backend=request.param):
        yield request.param


def run(*arguments):
    return train(parse_options([*SHORT, *map(str, arguments)]))


def arrays(path):
    saved = checkpoint.load(path)
    tensors = dict(saved.model)
    checkpoint._take_tensors(saved.optimizer, "optimizer", tensors)
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def test_a_resumed_run_is_the_uninterrupted_run(tmp_path):
    whole, half, rest = (tmp_path / name for name in ("whole", "half", "rest"))
    expected = run("--epochs", 3, "--save", whole)
    run("--epochs", 1, "--save", half)
    got = run("--epochs", 3, "--resume", half, "--save", rest)
    assert got == expected
    left, right = arrays(whole), arrays(rest)
    assert left.keys() == right.keys()
    assert len(left) > 16  # 8 parameters, and two moments of each
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_jit_changes_nothing():
    jitted = run("--epochs", 1)
    plain = run("--epochs", 1, "--no-jit")
    np.testing.assert_allclose(plain.losses, jitted.losses, rtol=1e-4)


def test_seeds_differ():
    assert run("--epochs", 1).losses != run("--epochs", 1, "--seed", 1).losses


def test_what_is_printed(tmp_path, capsys):
    path, picture = tmp_path / "new" / "run", tmp_path / "curve.png"
    assert main([*SHORT, "--epochs", "1", "--save", str(path), "--plot", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "<Dataset digits: 200 images of 1x8x8 in 10 classes>"
    assert lines[2].startswith("SmallCNN with 53,002 parameters, adam at 0.001, batches of 50")
    assert lines[3].startswith("epoch 1 of 1: loss 2.")
    assert lines[-2:] == [f"written: {path}", f"written: {picture}"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def error_of(capsys, *arguments):
    assert main([*SHORT, "--epochs", "2", *map(str, arguments)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    return message


def test_resume_from_another_data_set(tmp_path, capsys):
    run("--epochs", 1, "--save", tmp_path / "run")
    message = error_of(capsys, "--dataset", "mnist", "--resume", tmp_path / "run")
    assert "holds a run with --dataset digits, which cannot go on with --dataset mnist" in message


def test_resume_from_a_truncated_file(tmp_path, capsys):
    path = tmp_path / "run"
    run("--epochs", 1, "--save", path)
    path.write_bytes(path.read_bytes()[:-100])
    assert str(path) in error_of(capsys, "--resume", path)


def test_resume_from_nothing(tmp_path, capsys):
    assert "No such file" in error_of(capsys, "--resume", tmp_path / "nothing")


def test_an_interrupted_save_keeps_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "run"
    run("--epochs", 1, "--save", path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main([*SHORT, "--epochs", "2", "--resume", str(path), "--save", str(path)]) == 130
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_the_digits_are_learned():
    options = ["--dataset", "digits", "--epochs", "15", "--lr", "0.002"]
    history = train(parse_options(options))
    assert history.test_accuracy[-1] >= 0.97
