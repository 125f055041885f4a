"""Run the test suite of the Python array API standard on lazygrad.array_api.

    make array-api SUITE=path
    python tools/array_api.py PATH [--backends CPU GPU] [ARGUMENTS OF PYTEST ...]

PATH is a checkout of data-apis/array-api-tests with its submodule. Nothing is left out but complex
dtypes, of which there are none. What fails because a Tensor follows PyTorch where the standard says
otherwise stands in array_api_differences.txt; any other failure is told, and makes the exit status
1. A run with few examples may not find all that differs: `--max-examples 100` tells more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIFFERENCES = Path(__file__).with_name("array_api_differences.txt")
SETTINGS = {
    "ARRAY_API_TESTS_MODULE": "lazygrad.array_api",
    "ARRAY_API_TESTS_VERSION": "2024.12",
    "ARRAY_API_TESTS_SKIP_DTYPES": "complex64,complex128",
}
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def known_differences() -> set[str]:
    lines = (line.strip() for line in DIFFERENCES.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def run(suite: Path, backend: str, arguments: list[str]) -> dict[str, str]:
    """The outcome of each test of the suite on a backend."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "--json-report"]
        command += [f"--json-report-file={report}", "--json-report-omit=log", *arguments]
        path = os.pathsep.join(
            [str(ROOT), str(ROOT / "backends"), os.environ.get("PYTHONPATH", "")]
        )
        subprocess.run(
            command, cwd=suite, env=os.environ | SETTINGS | {"BACKEND": backend, "PYTHONPATH": path}
        )
        if not report.exists():
            raise SystemExit(f"the suite in {suite} did not run")
        tests = json.loads(report.read_text())["tests"]
    return {test["nodeid"]: test["outcome"] for test in tests}


def tell(backend: str, outcomes: dict[str, str]) -> bool:
    """Print what became of the tests; whether nothing failed that should not."""
    counts = Counter(outcomes.values())
    ran = counts[PASSED] + counts[FAILED]
    share = 100 * counts[PASSED] / max(ran, 1)
    print(
        f"{backend}: {counts[PASSED]} of {ran} tests pass ({share:.1f} %), the suite skips "
        f"{counts[SKIPPED]}"
    )
    failed = {test for test, outcome in outcomes.items() if outcome == FAILED}
    unexpected = sorted(failed - known_differences())
    for test in unexpected:
        print(f"  should not fail: {test}")
    return not unexpected and counts[PASSED] > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suite", type=Path, help="a checkout of data-apis/array-api-tests")
    parser.add_argument("--backends", nargs="+", default=["CPU", "GPU"])
    given, arguments = parser.parse_known_args()
    results = [tell(name, run(given.suite, name, arguments)) for name in given.backends]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
