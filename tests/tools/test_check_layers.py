"""The layer check itself: each rule fires on a small tree made for it, and only there."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[2] / "tools" / "check_layers.py"

CLEAN = {
    "lazygrad/__init__.py": "from lazygrad.tensor_class import Tensor",
    "lazygrad/errors.py": "",
    "lazygrad/ops.py": "from lazygrad import errors",
    "lazygrad/graph.py": "from .ops import Op\nfrom lazygrad.errors import E",
    "lazygrad/lang/__init__.py": "from lazygrad.lang.conv import conv2d",
    "lazygrad/lang/conv.py": "from ..graph import Node\nfrom lazygrad.lang import movement",
    "lazygrad/lang/movement.py": "import lazygrad.graph",
    "lazygrad/kernel/__init__.py": "from lazygrad.ops import Op",
    "lazygrad/schedule/__init__.py": "from lazygrad import kernel, lang",
    "lazygrad/tensor_class.py": "from lazygrad import lang",
    "lazygrad/plugin.py": "from lazygrad.kernel import Kernel",
    "lazygrad/examples/cnn.py": "from lazygrad import Tensor",
    "backends/lazygrad_numpy/__init__.py": "import numpy as np\nfrom lazygrad.plugin import Kernel",
    "backends/lazygrad_numpy/render.py": "import os\nfrom lazygrad import plugin\nfrom . import x",
}


@pytest.fixture
def violations(tmp_path):
    """Write CLEAN with some files replaced or added; return what the check prints."""

    def run(**changes: str) -> list[str]:
        files = {**CLEAN, **{_path(name): text for name, text in changes.items()}}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        command = [sys.executable, str(CHECKER), str(tmp_path)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.stderr == ""
        assert result.returncode == (1 if result.stdout else 0)
        return result.stdout.splitlines()

    return run


def _path(name: str) -> str:
    folder = "backends" if name.startswith("lazygrad_") else "lazygrad"
    return f"{folder}/{name.replace('__', '/')}.py"


def test_a_clean_tree_has_no_violation(violations):
    assert violations() == []


def test_an_upward_import_names_file_and_line(violations):
    lines = violations(ops="import math\n\nfrom lazygrad.lang import conv2d")
    assert lines[-1] == (
        "lazygrad/ops.py:3: lazygrad.ops (layer 1) imports lazygrad.lang (layer 3): "
        "imports point downwards only"
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from lazygrad.tensor_class import Tensor",
        "def f():\n    from .tensor_class import Tensor",
        "def f():\n    from . import tensor_class",
        "try:\n    import lazygrad.tensor_class\nexcept ImportError:\n    pass",
        "import importlib\nmodule = importlib.import_module('lazygrad.tensor_class')",
    ],
)
def test_hidden_imports_count(violations, text):
    lines = violations(errors=text)
    (line,) = [line for line in lines if line.startswith("lazygrad/errors.py:2: lazygrad.errors (")]
    assert "imports lazygrad.tensor_class" in line


def test_rooms_on_one_layer_are_independent(violations):
    (line,) = violations(kernel__index="from lazygrad.lang import conv2d")
    assert "(layer 3) imports lazygrad.lang (layer 3)" in line


def test_the_package_itself_is_above_its_parts(violations):
    lines = violations(tensor_class="from lazygrad import Tensor")
    assert any(
        "lazygrad.tensor_class (layer 8) imports lazygrad (layer 10)" in line for line in lines
    )


def test_a_cycle_inside_a_package_is_found(violations):
    lines = violations(lang__movement="def f():\n    from lazygrad.lang.conv import conv2d")
    assert [line for line in lines if "import cycle: lazygrad.lang." in line]


def test_a_cycle_between_parts_of_a_room_is_found(violations):
    (line,) = violations(
        nn__a="from lazygrad.optim.b import x",
        optim__b="",
        optim__d="from lazygrad.nn.c import x",
        nn__c="",
    )
    assert "cycle between parts: " in line


def test_imports_for_typing_alone_are_exempt(violations):
    guarded = "if TYPE_CHECKING:\n    from lazygrad.tensor_class import Tensor"
    assert violations(errors=guarded) == []
    lines = violations(errors=guarded + "\nelse:\n    from lazygrad.tensor_class import Tensor")
    assert lines
    assert all("errors.py:2:" not in line for line in lines)


def test_an_unlisted_module_says_where_to_add_it(violations):
    (line,) = violations(novel="")
    assert line == (
        "lazygrad/novel.py:1: lazygrad.novel is on no layer: add 'novel' to ROOMS in "
        "tools/check_layers.py"
    )


@pytest.mark.parametrize("name", ["pyopencl", "pyopencl.array", "lazygrad_numpy"])
def test_the_core_names_no_device(violations, name):
    (line,) = violations(runtime__x=f"def f():\n    import {name}")
    assert f"imports {name}: the core names no device" in line


@pytest.mark.parametrize("name", ["lazygrad.lang", "lazygrad", "lazygrad_opencl", "pyopencl"])
def test_a_backend_sees_the_plugin_module_alone(violations, name):
    (line,) = violations(lazygrad_numpy__device=f"import {name}")
    assert f"imports {name}: a backend imports lazygrad.plugin" in line
