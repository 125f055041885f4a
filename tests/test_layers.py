"""The order of layers holds: `tools/check_layers.py` finds nothing to say about this tree."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_imports_point_downwards_only():
    command = [sys.executable, str(ROOT / "tools" / "check_layers.py")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, "\n" + result.stdout + result.stderr
