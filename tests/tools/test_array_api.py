"""The tool that runs the standard's suite: here on a suite of three tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import array_api


def test_counts_and_what_should_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    known = sorted(array_api.known_differences())
    assert all(test.startswith("array_api_tests/test_") for test in known)
    outcomes = {"a": "passed", "b": "passed", "c": "skipped", known[0]: "failed"}
    assert array_api.tell("CPU", outcomes)
    assert capsys.readouterr().out == "CPU: 2 of 3 tests pass (66.7 %), the suite skips 1\n"
    assert not array_api.tell("GPU", {"d": "failed"})
    assert "should not fail: d" in capsys.readouterr().out


def test_a_folder_without_the_suite(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="did not run"):
        array_api.run(tmp_path, "CPU", ["-p", "no:cacheprovider"])
