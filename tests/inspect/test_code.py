"""Code that people read: what stands before it, names, and nothing that says nothing."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, config, inspect, nn, optim
from lazygrad.inspect import colour
from lazygrad.runtime.bundle import read_bundle

X = np.linspace(-2, 2, 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
LONGEST = 120  # characters
SAYS_NOTHING = {  # by pattern, of a line of OpenCL C
    "times one": r"(?<![\w.])1 \* |\* 1(?![\w.])",
    "times zero": r"(?<![\w.])0 \*|\* 0(?![\w.])",
    "times minus one": r"\* \(?-1(?:\.0f)?\)?(?![\w.])",
    "plus zero": r"[-+] 0(?![\w.])(?! \?)",
    "a literal that is computed": r"\((?:int|uint)\)\((?:true|false|\d+)\)",
    "what negates twice": r"- -|--\w|!!|~~",
    "brackets in brackets": r"\(\((\w+)\)\)|\(\(\([^()]*\)\)\)",
    "a cast of a cast": r"\((\w+)\)\(\1\)",
}


class Training(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.LayerNorm(128)
        self.out = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.conv(x).relu().max_pool2d(2).flatten(1)))


def training(device: str) -> Callable[[Tensor], Tensor]:
    lazygrad.manual_seed(0)
    model = Training().to(device)
    optimizer = optim.AdamW(model.parameters())
    labels = Tensor([1, 2], device=device)

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).cross_entropy(labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


CASES: dict[str, Callable[[Tensor], Any]] = {
    "softmax": lambda x: x.reshape(6, 64).softmax(-1),
    "pool": lambda x: x.max_pool2d(3, 2, 1, return_indices=True),
    "cumsum": lambda x: x.reshape(6, 64).cumsum(1),
    "picked": lambda x: x.reshape(6, 64)[x[0, 0, 0].long().abs() % 6],
}


@pytest.fixture(params=["training", *CASES])
def folder(request: pytest.FixtureRequest, device: str, tmp_path: Path) -> Path:
    """A dump of the kernels of a case."""
    make = training(device) if request.param == "training" else CASES[request.param]
    inspect.dump(make, Tensor(X, device=device).realize(), path=tmp_path)
    return tmp_path


def test_kernels_begin_with_what_they_are_and_say_nothing_twice(folder: Path) -> None:
    sources = sorted(folder.rglob("kernel.*"))
    assert sources
    for source in sources:
        mark = {".py": "#", ".cl": "//"}[source.suffix]
        text = source.read_text()
        head, _, code = text.partition("\n\n")
        listed = [line.removeprefix(mark).strip() for line in head.splitlines()]
        assert " =" in listed[0], f"{source} begins with its formula"
        _axes_are_those_of(listed, code)
        _buffers_are_those_of(listed, code)
        assert max(map(len, text.splitlines())) <= LONGEST, source
        if source.suffix == ".py":
            assert _unused(ast.parse(text)) == set(), source
        else:
            _is_plain(code[code.index("void ") :], source)
        assert not read_bundle(source.parent).is_changed


def _axes_are_those_of(listed: list[str], code: str) -> None:
    """Every axis of the head is in the code under its name, or it is said where it is."""
    start, stop = (listed.index(title) if title in listed else 0 for title in ("axes:", "buffers:"))
    axes = re.findall(r"(\w+) < \d+(.*?)(?=\w+ < \d|$)", " ".join(listed[start + 1 : stop]))
    for axis, said in axes if start else ():
        joined = re.search(r"\(a part of (\w+) in the code\)", said)
        if joined:
            assert axis in joined[1].split("_") and joined[1] in code
        elif "(not named in the code)" not in said:
            assert re.search(rf"\b{axis}\b", code), axis


def _buffers_are_those_of(listed: list[str], code: str) -> None:
    buffers = [line.partition(":")[0] for line in listed[listed.index("buffers:") + 1 :]]
    assert buffers and all(re.fullmatch(r"(?:out|in)\d+", name) for name in buffers)
    assert all(re.search(rf"\b{name}(?:_bytes)?\b", code) for name in buffers)


def _unused(module: ast.Module) -> set[str]:
    """What is assigned or imported, and not used."""
    names = [node for node in ast.walk(module) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            stored |= {alias.name for alias in node.names}
    return stored - {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _is_plain(code: str, source: Path) -> None:
    for line in code.splitlines():
        for what, pattern in SAYS_NOTHING.items():
            assert not re.search(pattern, line), f"{what} in {source}: {line}"
        declared = re.match(r"\s+(?:__global )?const [\w *]*?\b(\w+) = ", line)
        if declared:
            uses = re.findall(rf"\b{declared[1]}\b", code)
            assert len(uses) > 1, f"{declared[1]} is not used in {source}"


def test_a_softmax_on_each_device(tmp_path: Path) -> None:
    """What one reads in it."""
    x = Tensor(X, device="CPU").realize()
    inspect.dump(lambda x: x.reshape(6, 64).softmax(-1), x, path=tmp_path)
    (source,) = tmp_path.rglob("kernel.py")
    assert """
        def run():
            max_rows(in1, max_0)
            subtract(in1, max_0, out=difference_0)
            exp(difference_0, out=out0)
            dot(out0, ones_0, out=sum_0)
            divide(out0, sum_0, out=out0)
""" in source.read_text()
    x = Tensor(X, device="GPU").realize()
    (source_of_gpu,) = inspect.sources(lambda x: x.reshape(6, 64).softmax(-1), x)
    assert re.search(r"for \(int i0 = .*; i0 < 6; i0\+\+\)|int i0 = ", source_of_gpu)
    assert re.search(r"max_\d+ = MAXIMUM\(max_\d+, in1_\d+\);", source_of_gpu)
    assert re.search(r"EXP_float\d+\(in1_\d+ - max_\d+\)", source_of_gpu)


def test_comments_before_code_change_nothing(device: str, tmp_path: Path) -> None:
    inspect.dump(Tensor(X, device=device).exp(), path=tmp_path)
    (source,) = tmp_path.rglob("kernel.*")
    mark, text = {".py": "#", ".cl": "//"}[source.suffix], source.read_text()
    source.write_text(f"{mark} mine\n{text}")
    assert not read_bundle(source.parent).is_changed
    source.write_text(text.replace("exp(", "sin(", 1 + text.count("exp(")))
    assert read_bundle(source.parent).is_changed


def test_colour_is_for_terminals(
    device: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = Tensor(X, device=device).realize()

    def told() -> str:
        with config(debug=5):
            (x.exp() + 1).realize()
        return capsys.readouterr().err

    plain = told()
    assert "\033" not in plain and "for i0 < 2" in plain and "768 FLOP, 3.07 kB moved" in plain
    monkeypatch.setattr(colour, "is_wanted", lambda stream: True)
    coloured = told()
    assert colour.BOLD in coloured
    untimed = re.compile(r"^.* [mun]?s .*$", re.M)
    assert untimed.sub("", re.sub(r"\033\[\d*m", "", coloured)) == untimed.sub("", plain)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_where_colour_is_wanted(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colour.is_wanted(Terminal()) is wanted
    assert not colour.is_wanted(io.StringIO())
