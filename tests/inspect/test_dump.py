"""Dumps: a folder a plan, in which every kernel is complete and runs by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, jit, nn
from lazygrad.errors import ConfigError
from lazygrad.func import scan
from lazygrad.inspect import rerun
from lazygrad.inspect.dump import ABOUT, INDEX, STORY
from lazygrad.inspect.step import Step
from lazygrad.runtime.bundle import DATA, INPUTS, read_bundle
from tests.inspect.network import batch, jitted_step

SUFFIX = {"CPU": ".py", "GPU": ".cl"}


@pytest.fixture
def dumped(device: str, tmp_path: Path) -> Path:
    """The dump of the warm step of a network, with inputs."""
    step, (x, y) = jitted_step(device), batch(device)
    step(x, y)
    with config(dump=str(tmp_path), dump_inputs=True):
        step(x, y)
        step(x, y)
    (plan,) = tmp_path.glob("plan_*")
    return plan


def kernels(plan: Path) -> list[Path]:
    return sorted(path.parent for path in plan.glob(f"*/{DATA}"))


def test_a_warm_step_is_dumped_once_and_runs_from_its_folder(
    device: str, dumped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kernel builds, and computes on the real inputs what the interpreter does; so does the
    step as it was launched, without the model."""
    step = Step.from_json((dumped / "step.json").read_text())
    folders = kernels(dumped)
    assert len(folders) == len({kernel.same_as for kernel in step.kernels})
    for folder in folders:
        assert (folder / f"kernel{SUFFIX[device]}").exists()
        assert (folder / INPUTS).exists()
    assert rerun.main(dumped, []) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"step on {device}, real inputs\nright: ")
    for folder in folders[4:7]:
        assert rerun.main(folder, []) == 0
        name = read_bundle(folder).head.name
        assert f"{name} on {device}, real inputs\nright: " in capsys.readouterr().out


def test_the_story_of_a_step(dumped: Path) -> None:
    text = (dumped / STORY).read_text()
    places = [text.index(f"## {phase}\n") for phase in ("Forward", "Backward and update", "Update")]
    assert places == sorted(places)
    assert "It is given `" in text and "`images (5x1x8x8)`" in text
    assert "reads `images (5x1x8x8)`, `conv1.weight" in text
    for number, folder in enumerate(kernels(dumped)):
        assert f"{number}. **[" in text
        assert f"]({folder.name})" in text
    about = (kernels(dumped)[5] / ABOUT).read_text()
    assert "FLOP, " in about and "out0[" in about
    index = (dumped.parent / INDEX).read_text()
    assert f"[{dumped.name}]({dumped.name}/{STORY}): `step`: " in index


def test_a_wrong_kernel_is_told_of_with_where_it_differs(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = Tensor(np.ones(12, np.float32), device=device)
    inspect.dump(x.exp() + 1, path=tmp_path)
    (folder,) = kernels(tmp_path / "plan_000")
    assert rerun.main(folder, []) == 0
    change(folder, "1.0", "2.0")
    assert rerun.main(folder, []) == 1
    printed = capsys.readouterr().out
    assert "(changed)" in printed
    assert "wrong: buffer 0 differs in 12 of 12 elements, by up to 1; the first is" in printed
    before, after = {"CPU": ("exp", ""), "GPU": ("EXP_float8(in", "(in")}[device]
    change(folder, before, f"nothing_that_is_there{after}")
    assert rerun.main(folder, []) == 1
    assert "nothing_that_is_there" in capsys.readouterr().err


def change(folder: Path, before: str, after: str) -> None:
    (source,) = folder.glob("kernel.*")
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, after))


def test_the_script_runs_in_a_process_of_its_own_and_on_another_device(tmp_path: Path) -> None:
    x = Tensor(np.ones(12, np.float32), device="CPU")
    (plan,) = inspect.dump((x.exp() + 1).sqrt(), path=tmp_path)
    (folder,) = kernels(plan)

    def run(*arguments: str) -> str:
        command = [sys.executable, str(folder / "run.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        return done.stdout

    assert run("--seed", "3").startswith("exp_add_sqrt_12 on CPU, made up inputs, seed 3\nright: ")


def test_another_device_runs_what_it_generates_itself(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"CPU": "GPU", "GPU": "CPU"}[device]
    (plan,) = inspect.dump(Tensor(np.ones(12, np.float32), device=device).exp(), path=tmp_path)
    assert rerun.main(kernels(plan)[0], ["--device", other]) == 0
    assert capsys.readouterr().out.startswith(f"exp_12 on {other}, made up inputs, seed 0\nright: ")
    assert rerun.main(plan, ["--device", other]) == 1
    assert f"planned for {device}, not for {other}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.log().sqrt(),  # of what is negative: other inputs are made up
        lambda x: x.reshape(-1).cumsum(0),
        lambda x: x.max(1).indices,
        lambda x: x[x.long().abs()],
        lambda x: x.half() @ x.half().T,
        lambda x: x.bfloat16().softmax(-1),
        lambda x: x.double().sin().sum(),
        lambda x: (x > 0).any(0),
        lambda x: (x.T @ x + Tensor.eye(4, device=x.device) * 9).cholesky(),
        lambda x: Tensor.cat([x, x * 2], 1),
    ],
)  # fmt: skip
def test_kernels_of_every_kind_run_by_themselves(device: str, tmp_path: Path, make: object) -> None:
    x = Tensor(np.arange(20, dtype=np.float32).reshape(5, 4) / 10, device=device)
    (plan,) = inspect.dump(make(x), path=tmp_path)
    for folder in (plan, *kernels(plan)):
        lines, right = rerun.rerun(read_bundle(folder))
        assert right, lines


def test_large_constants_are_part_of_a_module(tmp_path: Path) -> None:
    x = Tensor(np.ones((9, 30), np.float32), device="CPU")
    (plan,) = inspect.dump(x * Tensor.arange(30, device="CPU").float().sqrt(), path=tmp_path)
    for folder in kernels(plan):
        assert rerun.rerun(read_bundle(folder))[1]


def test_a_used_folder_goes_on(device: str, tmp_path: Path) -> None:
    x = Tensor(np.ones(3, np.float32), device=device)
    (first,) = inspect.dump(x.exp(), path=tmp_path)
    kept = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    (second,) = inspect.dump(x.sin(), path=tmp_path)
    assert (first.name, second.name) == ("plan_000", "plan_001")
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_a_graph_is_kept_where_it_is_known(device: str, tmp_path: Path) -> None:
    with config(dump=str(tmp_path)):
        Tensor(np.ones(3, np.float32), device=device).exp().realize()
    assert "EXP(" in (tmp_path / "plan_000" / "graph.txt").read_text()


def test_debug_output_of_a_warm_step(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    double = jit(lambda x: x * 2)
    x = Tensor(np.ones(3, np.float32), device=device)
    double(x)
    for _ in range(2):  # in each block once
        with config(debug=3):
            double(x)
            double(x)
        assert capsys.readouterr().err.count("a kernel of its own because") == 1
    double(x)
    assert capsys.readouterr().err == ""


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        expected = rf"dump=.*expected a folder, or where one can be made; {tmp_path / 'file'} is"
        with pytest.raises(ConfigError, match=expected), config(dump=str(path)):
            pass


def test_what_is_no_bundle_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rerun.main(tmp_path, []) == 1
    assert f"{tmp_path} is no kernel or plan of a dump that this" in capsys.readouterr().err
    (plan,) = inspect.dump(Tensor([1.0], device="CPU").exp(), path=tmp_path)
    head = plan / "bundle.json"
    head.write_text(json.dumps({**json.loads(head.read_text()), "texts": ["missing.py"]}))
    assert rerun.main(plan, []) == 1
    assert "missing.py" in capsys.readouterr().err


def test_a_loop_is_a_step_of_a_dump(device: str, tmp_path: Path) -> None:
    """And so are the kernels in its body, by themselves."""
    model = nn.GRU(2, 3, device=device)
    x = Tensor(np.ones((20, 1, 2), np.float32), device=device).realize()
    output, _ = model(x)
    (loop,) = inspect.loops(output)
    with config(dump=str(tmp_path), dump_inputs=True):
        output.realize()
    plan = tmp_path / "plan_000"
    step = Step.from_json((plan / "step.json").read_text())
    (row,) = [kernel for kernel in step.kernels if kernel.name == loop.name]
    folder = plan / f"{row.number:03d}_{row.name}"
    assert f"{loop.length} times:" in (folder / "about.txt").read_text()
    lines, right = rerun.rerun(read_bundle(plan))
    assert right
    assert lines[1] == f"right: {len(step.kernels)} kernels, and the launches as they are"
    lines, right = rerun.rerun(read_bundle(folder))
    assert right and lines[1] == rerun.RIGHT_LOOP
    bodies = sorted(folder.glob("*/bundle.json"))
    assert [each.parent.name[4:] for each in bodies] == [s.kernel.name for s in loop.body.steps]
    for each in bodies:
        lines, right = rerun.rerun(read_bundle(each.parent))
        assert right and lines[:2] == [
            f"{each.parent.name[4:]} on {device}, real inputs",
            rerun.RIGHT,
        ]
        about = (each.parent / "about.txt").read_text()
        assert f"in each of the 20 steps of {loop.name}" in about
    story = (plan / "plan.md").read_text()
    assert story.count("   - in each of its 20 steps\n") == 1
    links = [f"[{f.parent.name[4:]}]({folder.name}/{f.parent.name})" for f in bodies]
    assert [link for link in links if f"     - **{link}**, " in story] == links


def test_a_story_tells_of_loops_in_loops(tmp_path: Path) -> None:
    def outer(carry: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return scan(lambda c, y: (c * 0.5 + y.sin(), c), carry, x)

    x = Tensor(np.ones((20, 30, 2), np.float32), device="CPU").realize()
    found, _ = scan(outer, Tensor(np.zeros(2, np.float32), device="CPU"), x)
    (plan,) = inspect.dump(found, path=tmp_path)
    story = (plan / "plan.md").read_text()
    lines = [line for line in story.splitlines() if "in each of its" in line]
    assert lines == ["   - in each of its 20 steps", "       - in each of its 30 steps"]
    for link in re.findall(r"\]\((.*?)\)", story):
        assert (plan / link / "about.txt").exists()


def test_a_wrong_loop_is_told_of(device: str, tmp_path: Path) -> None:
    """Its own text, or a kernel of its body in the interpreter's eyes."""
    model = nn.GRU(2, 3, device=device)
    x = Tensor(np.ones((20, 1, 2), np.float32), device=device).realize()
    (plan,) = inspect.dump(model(x)[0], path=tmp_path)
    (programs,) = plan.glob("*/programs")
    for text in programs.iterdir():
        text.write_text(text.read_text().replace("1.0", "1.5"))
    lines, right = rerun.rerun(read_bundle(programs.parent))
    assert not right and lines[0].startswith(f"{programs.parent.name[4:]} (changed) on {device}")
    assert lines[1].startswith("wrong: beside its kernels one by one, buffer 0 differs in ")


PAGE = Path(__file__).parents[2] / "docs" / "pages" / "inspect" / "compared.md"


def test_what_a_dump_holds_is_what_the_docs_say(device: str, tmp_path: Path) -> None:
    """Beside other tools."""
    with config(dump=str(tmp_path), dump_inputs=True):
        jitted_step(device)(*batch(device))
    (plan,) = (
        f.parent for f in tmp_path.glob("*/step.json") if '"called": "step"' in f.read_text()
    )
    step = Step.from_json((plan / "step.json").read_text())
    files = [path for path in plan.iterdir() if path.is_file()]
    bundles = [path.parent for path in plan.glob("*/bundle.json")]
    assert len(bundles) == len({kernel.same_as for kernel in step.kernels})
    of_each = {len(list(folder.iterdir())) for folder in bundles}
    assert of_each == {6}
    assert f"{len(files)} files and the programs of the step, 6 a kernel" in PAGE.read_text()
    assert all(kernel.origins or "repack" in kernel.name for kernel in step.kernels)
