"""LAZYGRAD_OVERRIDE: changed kernels run instead of the generated ones, if they are right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, jit, nn
from lazygrad.errors import ConfigError, OverrideError

X = np.linspace(-1, 1, 12, dtype=np.float32)


def f(x: Tensor) -> Tensor:
    return x.exp() + 1


@pytest.fixture
def source(device: str, tmp_path: Path) -> Path:
    """The dumped source of what ``f`` computes."""
    (plan,) = inspect.dump(f, Tensor(X, device=device), path=tmp_path)
    (found,) = plan.glob("*/kernel.*")
    return found


def change(source: Path, before: str, after: str) -> None:
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, after))


@pytest.mark.parametrize("jitted", [False, True])
@pytest.mark.parametrize("tune", [False, True])
def test_a_right_one_runs_and_is_reported(
    device: str, source: Path, capsys: pytest.CaptureFixture[str], jitted: bool, tune: bool
) -> None:
    mark = {"CPU": "# mine\n", "GPU": "// mine\n"}[device]
    source.write_text(mark + source.read_text() + f"{mark.strip()} {jitted} {tune}\n")
    run, x = jit(f) if jitted else f, Tensor(X, device=device)
    with config(override=str(source.parents[2]), tune=tune):
        found = run(x).numpy()
        again = run(Tensor(X, device=device)).numpy()
        assert inspect.sources(f, x) == (source.read_text(),)
    np.testing.assert_allclose(found, np.exp(X) + 1, rtol=1e-6)
    np.testing.assert_array_equal(found, again)
    printed = capsys.readouterr().err
    assert printed.count(f"{source} is right, and takes ") == 1
    assert "of the time)" in printed
    assert "mine" not in inspect.sources(f, x)[0]  # without the setting


def test_it_is_the_changed_one_that_runs(device: str, source: Path) -> None:
    """Within what rounding may do, so that the check lets it pass."""
    change(source, "1.0", "1.00001")
    with config(override=str(source.parent)):
        found = f(Tensor(X, device=device)).numpy()
    assert abs(found - (np.exp(X) + 1)).min() > 5e-6


@pytest.mark.parametrize("jitted", [False, True])
def test_kernels_in_loops_are_changed(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], jitted: bool
) -> None:
    """On memory that starts elsewhere in each step; a wrong one is refused there, too."""
    model = nn.GRU(2, 3, device=device)
    steps = np.linspace(-1, 1, 40, dtype=np.float32).reshape(20, 1, 2)

    def run() -> np.ndarray:
        call = jit(lambda x: model(x)[0]) if jitted else lambda x: model(x)[0]
        return call(Tensor(steps, device=device)).numpy()

    with config(dump=str(tmp_path)):
        right = run()
    sources = [*tmp_path.glob("plan_*/*/*/kernel.*")]
    assert len(sources) > 1
    mark = {"CPU": "# mine\n", "GPU": "// mine\n"}[device]
    for source in sources:
        source.write_text(f"{mark}{source.read_text()}{mark.strip()} {jitted}\n")
    with config(override=str(tmp_path)):
        np.testing.assert_array_equal(run(), right)
    told = capsys.readouterr().err
    assert [told.count(f"{source} is right, and takes ") for source in sources] == [1] * len(
        sources
    )
    gates = next(source for source in sources if "1.0" in source.read_text())
    change(gates, "1.0", "1.5")
    with config(override=str(tmp_path)), pytest.raises(OverrideError, match="in 3 of 3 elements"):
        run()
    np.testing.assert_array_equal(run(), right)


@pytest.mark.parametrize("jitted", [False, True])
def test_a_wrong_one_is_refused_with_where_it_differs(
    device: str, source: Path, jitted: bool
) -> None:
    change(source, "1.0", "1.5")
    expected = (
        rf"\[override\] {source} does not compute .* replaces: buffer 0 differs in 12 of 12 "
        r"elements, by up to 0.5; the first is element 0: 1.86\d* instead of 1.36\d*"
    )
    with config(override=str(source.parent)):
        for _ in range(2):  # it stays wrong
            with pytest.raises(OverrideError, match=expected):
                (jit(f) if jitted else f)(Tensor(X, device=device)).numpy()
    np.testing.assert_allclose(f(Tensor(X, device=device)).numpy(), np.exp(X) + 1, rtol=1e-6)


def test_what_is_not_written_is_wrong(device: str, source: Path) -> None:
    lines = source.read_text().splitlines()
    store = {"CPU": "out=out0", "GPU": "STORE_float8("}[device]
    last = max(number for number, line in enumerate(lines) if store in line)
    lines[last] = {"CPU": "            pass", "GPU": ""}[device]
    source.write_text("\n".join(lines))
    left = {"CPU": r"0\.3678\d* instead of 1\.3678", "GPU": "nan instead of"}[device]
    with config(override=str(source.parent)), pytest.raises(OverrideError, match=left):
        f(Tensor(X, device=device)).numpy()


def test_one_that_fails_or_does_not_compile_says_so(device: str, source: Path) -> None:
    text = source.read_text()
    before, after = {"CPU": ("exp", ""), "GPU": ("EXP_float8(in", "(in")}[device]
    source.write_text(text.replace(before, f"unknown_name{after}"))
    expected = rf"\[override\] {source} does not compile\n(.|\n)*unknown_name"
    with config(override=str(source.parent)), pytest.raises(OverrideError, match=expected):
        f(Tensor(X, device=device)).numpy()
    if device == "CPU":
        source.write_text(text.replace("def run():", "def run():\n            1 / 0"))
        expected = r"\[override\] .* fails: ZeroDivisionError"
        with config(override=str(source.parent)), pytest.raises(OverrideError, match=expected):
            f(Tensor(X, device=device)).numpy()


def test_a_step_whose_kernels_are_joined(device: str, tmp_path: Path) -> None:
    """A changed kernel in the middle of others, one of which is a routine."""

    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        a = (x.reshape(3, 4) @ x.reshape(4, 3)).exp()
        (inverse,) = (a.sum() + a).sin().reshape(1, 3, 3).inverse()
        return inverse * 2 + 1, a.sum(0)

    x = Tensor(X, device=device)
    expected = [value.numpy() for value in step(x)]
    (plan,) = inspect.dump(step, x, path=tmp_path)
    for source in plan.glob("*/kernel.*"):
        source.write_text(source.read_text() + {"CPU": "# mine", "GPU": "// mine"}[device] + "\n")
    with config(override=str(plan)):
        jitted = jit(step)
        for _ in range(2):
            for found, right in zip(jitted(x), expected, strict=True):
                np.testing.assert_allclose(found.numpy(), right, rtol=1e-5)
        changed = [text for text in inspect.sources(jitted) if "mine" in text]
    assert len(changed) == len(list(plan.glob("*/kernel.*")))


def test_what_is_changed_while_a_program_runs_is_seen(device: str, source: Path) -> None:
    run, x = jit(f), Tensor(X, device=device)
    with config(override=str(source.parent)):
        run(x)
        change(source, "1.0", "7.0")
        with pytest.raises(OverrideError):
            run(x)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="expected a folder that is there"),
        config(override=str(tmp_path / "missing")),
    ):
        pass


@pytest.mark.slow
def test_from_the_environment(source: Path, device: str) -> None:
    change(source, "1.0", "1.5")
    program = (
        "import numpy as np; from lazygrad import Tensor; "
        "x = Tensor(np.linspace(-1, 1, 12, dtype=np.float32)); print((x.exp() + 1).numpy())"
    )
    env = {**os.environ, "LAZYGRAD_OVERRIDE": str(source.parent), "BACKEND": device}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "differs in 12 of 12 elements" in done.stderr
