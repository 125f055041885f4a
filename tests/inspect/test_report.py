"""Reports: what the page holds, and where its facts come from. tests/inspect/test_browser.py opens
one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, inspect, jit, nn
from lazygrad.errors import ConfigError, MissingExtraError, ValueRangeError
from lazygrad.inspect import commands, kernels, report
from lazygrad.inspect.lines import SIDES, Origin, lines_of
from lazygrad.inspect.reporting.drawing import kernels_drawn
from lazygrad.inspect.reporting.holding import HEIGHT, holding
from lazygrad.inspect.reporting.packing import unpacked
from lazygrad.inspect.reporting.page import SCRIPTS, TEMPLATES, libraries
from lazygrad.inspect.step import BACKWARD, FORWARD, UPDATE
from lazygrad.runtime import cache
from tests.inspect.network import batch, jitted_step


def script(page: str, name: str) -> Any:
    """What a script of the page reads."""
    (text,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    return json.loads(text)


def opened(page: str, plan: int = 0) -> Any:
    """What clicks open: pages of kernels and lines, texts, drawings."""
    (text,) = re.findall(rf'<script type="text/plain" id="p{plan}-packed">(.*?)</script>', page)
    return unpacked(text)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, str]]:
    """A network's step and the page about it, by device."""
    cache.clear()  # before the fixture that does so for each test
    found = {}
    for device in ("CPU", "GPU"):
        step, (x, y) = jitted_step(device), batch(device)
        path = report(step, x, y, path=tmp_path_factory.mktemp("report") / f"{device}.html")
        found[device] = step, path.read_text()
    return found


def test_a_page_holds_the_whole_step(device: str, pages: dict[str, tuple[Any, str]]) -> None:
    step, page = pages[device]
    expected = kernels(step)
    assert [row["name"] for row in script(page, "p0-data")["kernels"]] == [k.name for k in expected]
    clicked = opened(page)
    stages = clicked["drawings"]
    assert [stage["stage"] for stage in stages] == ["as built", "simplified", "partitioned"]
    assert {n for numbers in stages[1]["kernels"] for n in numbers} == set(range(len(expected)))
    assert {"conv1.weight", "images", "lr of Adam"} <= set(stages[1]["label"])
    assert all(len(stage["at"]) == 2 * len(stage["label"]) for stage in stages)
    assert "new exp_avg of conv1.weight" in page and "network.py" in page
    assert len(clicked["kernels"]) == len(expected)
    for text in ("new exp_avg of conv1.weight", "network.py", "sum0 += ", "for i0 &lt; "):
        assert text in "".join(clicked["kernels"]), text


def test_a_large_step_is_a_small_page(device: str, pages: dict[str, tuple[Any, str]]) -> None:
    step, page = pages[device]
    clicked, texts = opened(page), opened(page)["texts"]
    assert len(texts) == len(set(texts))
    shown = {int(n) for each in clicked["kernels"] for n in re.findall(r'data-text="(\d+)"', each)}
    assert shown == set(range(len(texts)))
    fixed = sum(len((TEMPLATES / name).read_text()) for name in ("style.css", *SCRIPTS))
    assert len(page) - fixed < 8_000 * len(kernels(step))  # 600 of them are less than 5 MB


def test_a_page_needs_nothing_else(device: str, pages: dict[str, tuple[Any, str]]) -> None:
    _, page = pages[device]
    assert not re.search(r"https?://|<link rel=.stylesheet|<script src|@import", page)
    assert len(page) < 1_000_000


def test_what_is_reported_does_not_change(device: str, tmp_path: Path) -> None:
    weight = Tensor(np.ones(3, np.float32), device=device).realize()

    @jit
    def step(x: Tensor) -> Tensor:
        weight.assign(weight + x)
        return weight.sum()

    x = Tensor(np.ones(3, np.float32), device=device)
    report(step, x, path=tmp_path / "report.html")
    assert weight.tolist() == [1.0, 1.0, 1.0]
    assert step(x).item() == 6.0
    assert "conv" not in report(step, path=tmp_path / "report.html").read_text()[:2000]
    assert weight.tolist() == [2.0, 2.0, 2.0]


class Scaling:
    """With a jitted method."""

    @jit
    def scaled(self, x: Tensor, *, by: float = 2.0) -> Tensor:
        return (x * by).sin()


def test_a_method_is_reported_with_its_graph(tmp_path: Path) -> None:
    x, path = Tensor(np.ones(3, np.float32), device="CPU"), tmp_path / "report.html"
    page = report(Scaling().scaled, x, by=3.0, path=path).read_text()
    assert "SIN" in opened(page)["drawings"][0]["label"]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.exp(),
        lambda x: (
            x.T @ x + Tensor.eye(4, device="CPU") * 9
        ).cholesky(),  # a routine between kernels
        lambda x: x[x.long() % 4],
        lambda x: Tensor.cat([x, x * 2], 1).long(),  # no floating-point operations
        lambda x: x.cumsum(0),
        lambda x: nn.GRU(4, 3, device="CPU")(x.reshape(4, 1, 4).bfloat16().float())[0],  # a loop
    ],
)
def test_values_are_reported(make: Any, tmp_path: Path) -> None:
    x = Tensor(np.ones((4, 4), np.float32), device="CPU")
    page = report(make(x), path=tmp_path / "report.html").read_text()
    assert "test_report.py" in page


def test_where_nothing_runs(tmp_path: Path) -> None:
    x = Tensor(np.ones(3, np.float32), device="CPU")
    with pytest.raises(ValueRangeError, match="nothing would run"):
        report(x.realize(), path=tmp_path / "report.html")
    page = report(jit(lambda x: x), x, path=tmp_path / "report.html").read_text()
    assert script(page, "p0-data")["kernels"] == []


def test_a_kernel_of_several_lines_counts_for_each(pages: dict[str, tuple[Any, str]]) -> None:
    (step,) = inspect.steps(pages["CPU"][0])
    seconds = [1.0] * len(step.kernels)
    lines = lines_of(step, seconds)
    assert sum(line.seconds for line in lines.values()) == pytest.approx(sum(seconds))
    text = Path(__file__).with_name("network.py").read_text().splitlines()
    sides = {
        text[line.number - 1].strip(): {side for side in SIDES if line.sides[side].kernels}
        for line in lines.values()
        if line.file.endswith("network.py")
    }
    assert sides["return self.fc(self.conv1(x).relu().flatten(1))"] == {FORWARD, BACKWARD}
    assert sides["optimizer.step()"] == {UPDATE}
    assert Origin.read("a (b) (cell.py:3)") == ("a (b)", "cell.py", 3)
    assert Origin.read("unknown").place == "no line"


def test_who_holds_the_peak() -> None:
    x = Tensor(np.ones((64, 64), np.float32), device="CPU")
    (step,) = inspect.steps(((x @ x).contiguous() @ x).sum())
    held, matrix = holding(step), 4 * 64 * 64
    assert held.peak == max(held.bytes_at) == held.bytes_at[held.at]
    assert held.peak == sum(value.nbytes for value in held.holders)
    assert [value.nbytes for value in held.holders[:2]] == [matrix, matrix]  # x, and x @ x
    assert {value.role for value in held.holders[:2]} == {"input", "temporary"}
    assert [tenant.value.nbytes for tenant in held.tenants][:1] == [matrix]


def test_temporaries_are_drawn_where_they_lie() -> None:
    """Two small ones, side by side, where the large one was that they are made of."""
    x = Tensor(np.ones((64, 64), np.float32), device="CPU")
    rows = (x @ x).contiguous().cumsum(0).contiguous()
    (step,) = inspect.steps((rows[:32].contiguous() @ x).sum() + (rows[32:].contiguous() @ x).sum())
    held = holding(step)
    places = {(value.memory, value.start) for value in (t.value for t in held.tenants)}
    assert len(places) < len(held.tenants)
    assert held.allocated < held.unshared
    for tenant in held.tenants:
        assert tenant.y == pytest.approx(HEIGHT * tenant.value.start / held.allocated)
        assert tenant.y + HEIGHT * tenant.value.nbytes / held.allocated <= HEIGHT


def test_layers_are_from_top_to_bottom(pages: dict[str, tuple[Any, str]]) -> None:
    (step,) = inspect.steps(pages["GPU"][0])
    drawing = kernels_drawn(libraries().layout, step)
    below = [drawing["at"][2 * number + 1] for number in range(len(step.kernels))]
    for number, kernel in enumerate(step.kernels):
        assert all(below[before] < below[number] for before in kernel.waits_for)
    places = [*zip(drawing["at"][::2], drawing["at"][1::2], strict=True)]
    assert len(set(places)) == len(places)


def test_a_dump_is_shown(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.clear()  # a graph is known of what is planned while someone looks
    step, (x, y) = jitted_step(device), batch(device)
    with config(dump=str(tmp_path)):
        step(x, y)
    assert commands.main(["show", str(tmp_path)]) == 0
    path = Path(capsys.readouterr().out.strip())
    page = path.read_text()
    assert path == tmp_path / "report.html"
    assert opened(page)["drawings"][0]["stage"] == "as built"
    assert "self.conv1" in page.replace('<i class="b">self</i>', "self")
    assert commands.main(["show", str(tmp_path / "nothing")]) == 2
    assert "holds no dump: LAZYGRAD_DUMP=" in capsys.readouterr().err


PROGRAM = """
from lazygrad import Tensor
x = Tensor([[1.0, 2.0]])
print((x.exp() * 3).tolist())
print(x.softmax(-1).sum().item())
"""


def test_a_program_is_reported_at_its_end(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    path = tmp_path / "report.html"
    environ = os.environ | {"LAZYGRAD_REPORT": str(path), "BACKEND": "CPU"}
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, env=environ
    )
    assert f"{path} shows what ran" in done.stderr
    page = path.read_text()
    names = {row["name"] for n in range(2) for row in script(page, f"p{n}-data")["kernels"]}
    assert names == {"exp_mul_1x2", "softmax_sum_1x1"}
    assert opened(page, 1)["drawings"][0]["stage"] == "as built"


def test_a_report_is_a_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="expected a file to write, not a folder"),
        config(report=str(tmp_path)),
    ):
        pass


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "squarify", None)
    with pytest.raises(
        MissingExtraError, match=r"needs squarify: pip install 'lazygrad\[report\]'"
    ):
        report(Tensor([1.0]).exp(), path=tmp_path / "report.html")


def test_without_a_layout_graphs_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lazygrad.inspect.reporting.page.LAYERED", (99, 0))
    page = report(Tensor([1.0], device="CPU").exp(), path=tmp_path / "report.html").read_text()
    assert "takes Python" in page
    assert opened(page)["drawings"] == []


# -- notebooks -------------------------------------------------------------------------------------


def test_notebooks_show_tensors_functions_and_explanations() -> None:
    x = Tensor(np.ones((2, 3), np.float32), device="CPU")
    shown = (x * 2)._repr_html_()
    assert "2 × 3, float32 on CPU" in shown and "[2., 2., 2.]" in shown
    with config(repr="lazy"):
        assert "not computed yet" in (x * 3)._repr_html_()
    double = jit(lambda x: x * 2)
    assert "not called yet" in double._repr_html_()
    double(x)
    assert "traced 1 ×; 1 kernels in 1 launches" in double._repr_html_()
    assert "<code>mul_2x3</code>" in double._repr_html_()
    told = inspect.explain(x.exp())
    assert told.startswith("[lazygrad] CPU: 1 kernel")
    assert "<code>exp_2x3</code>" in told._repr_html_()  # type: ignore[attr-defined]
