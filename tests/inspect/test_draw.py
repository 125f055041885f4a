"""Graphs as pictures: what is in them, and that boxes stand apart."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lazygrad import Tensor, inspect, jit
from lazygrad.errors import ValueRangeError
from lazygrad.inspect.grouped import groups
from lazygrad.inspect.layered import arranged, layers


def values() -> tuple[Tensor, Tensor]:
    return Tensor.linspace(-1, 1, 24).reshape(4, 6).realize(), Tensor.ones(4, 1).realize() * 2


def shown(path: Path) -> tuple[list[str], dict[str, str], list[str]]:
    """Names of boxes, their colours, and the key."""
    root = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    boxes = {}
    for box in root.iter(f"{space}g"):
        rect, name, _ = box.findall(f"{space}rect") + box.findall(f"{space}text")
        boxes[str(name.text)] = rect.get("fill", "")
    key = [str(text.text) for text in root.iter(f"{space}text") if text.get("class") == "key"]
    return list(boxes), boxes, key


def test_a_box_is_a_call_of_a_function(tmp_path: Path, device: str) -> None:
    x = Tensor.linspace(-1, 1, 24, device=device).reshape(4, 6).realize()
    names, _, key = shown(inspect.draw(x.softmax(-1).log() * 3, path=tmp_path / "a.svg"))
    assert names == ["x", "softmax", "log", "mul"]
    assert key == ["softmax_log_mul_4x6"]


def test_boxes_have_the_colours_of_their_kernels(tmp_path: Path) -> None:
    x, _ = values()
    y = (x @ x.T).relu().sum()
    names, colours, key = shown(inspect.draw(y, path=tmp_path / "a.svg", stage="simplified"))
    assert key == [kernel.name for kernel in inspect.kernels(y)] == ["matmul_relu_4x4", "sum_1x1"]
    assert {"MUL", "SUM (2,)", "MAX 0.0", "SUM (0, 1)"} < set(names)
    assert colours["MUL"] == colours["MAX 0.0"] != colours["SUM (0, 1)"]
    assert colours["x"] == "#fff"


def test_functions_are_drawn_with_their_arguments(tmp_path: Path) -> None:
    x, _ = values()

    @jit
    def step(x: Tensor) -> Tensor:
        return x.exp().sum()

    for function in (step, step.function):
        names, _, _ = shown(inspect.draw(function, x, path=tmp_path / "a.svg"))
        assert names == ["x", "exp", "sum"]
    step(x)
    with pytest.raises(ValueRangeError, match=r"give the arguments too: draw\(step, x\)"):
        inspect.draw(step, path=tmp_path / "b.svg")
    with pytest.raises(ValueRangeError, match="functions, as built, simplified, got 'raw'"):
        inspect.draw(x.exp(), path=tmp_path / "b.svg", stage="raw")
    with pytest.raises(ValueRangeError, match="the values are there already"):
        inspect.draw(x, path=tmp_path / "b.svg")
    assert not (tmp_path / "b.svg").exists()


def test_groups_hang_together_and_do_not_wait_for_each_other() -> None:
    line = [(0, 1), (1, 2), (2, 3)]
    assert groups("aabb", line) == [[0, 1], [2, 3]]
    assert groups("abaa", line) == [[0], [1], [2, 3]]
    assert groups([None] * 4, line) == [[0], [1], [2], [3]]
    # what is read past another group cannot be one with what reads it
    assert groups("aba", [(0, 1), (1, 2), (0, 2)]) == [[0], [1], [2]]


def graph(seed: int) -> tuple[list[float], list[Any]]:
    r = random.Random(seed)
    count = r.randint(1, 24)
    edges = [(r.randrange(b), b) for b in range(1, count) for _ in range(r.randint(0, 3))]
    return [r.uniform(20, 120) for _ in range(count)], list(dict.fromkeys(edges))


@pytest.mark.parametrize("seed", range(12))
def test_boxes_stand_apart_and_lines_lead_down(seed: int) -> None:
    widths, edges = graph(seed)
    found = arranged(widths, edges, 10.0)
    assert [layer for _, layer in found.boxes] == layers(len(widths), edges)
    by_layer: dict[int, list[tuple[float, float]]] = {}
    for (x, layer), width in zip(found.boxes, widths, strict=True):
        by_layer.setdefault(layer, []).append((x - width / 2, x + width / 2))
    for spans in by_layer.values():
        spans.sort()
        assert all(left[1] + 10 <= right[0] + 1e-6 for left, right in pairwise(spans))
    assert min(low for spans in by_layer.values() for low, _ in spans) >= -1e-6
    assert found.lines.keys() == set(edges)
    for (a, b), line in found.lines.items():
        assert (line[0], line[-1]) == (found.boxes[a], found.boxes[b])
        assert [layer for _, layer in line] == list(range(line[0][1], line[-1][1] + 1))
