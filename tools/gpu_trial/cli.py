"""The command line of `tools/on_gpu.py`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import drivers, house
from .parts import MINUTES, PARTS, Part, allowance
from .report import FAILURES_SHOWN, Limits, shown
from .runner import DONE, FAILED, Outcome, run_part

SAVE_EVERY = 2.0  # seconds, within a part

NEEDED = {
    "numpy": "python3 -m pip install numpy",
    "pyopencl": "python3 -m pip install pyopencl (with PoCL, to rehearse: pyopencl[pocl])",
}


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parts = _chosen(options.only)
    # what was ended may still write there
    with tempfile.TemporaryDirectory(
        prefix="lazygrad-on-gpu-", ignore_cleanup_errors=True
    ) as folder:
        trial = Trial(options.json, options.minutes)
        try:
            env = _prepare(trial, Path(folder), options)
            if env is None:
                return 1
            for number, part in enumerate(parts):
                trial.run(part, allowance(parts, number, trial.left, options.minutes), env)
            return trial.close()
        finally:
            trial.save()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="on_gpu.py", description="Try lazygrad on this machine's GPU; see the top of the file."
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES:g}")
    parser.add_argument("--json", type=Path, default=Path("on_gpu.json"), metavar="FILE")
    parser.add_argument("--device", help="number or part of a name, as OPENCL_DEVICE")
    parser.add_argument("--type", choices=("GPU", "CPU"), help="schedule as for such a device")
    parser.add_argument(
        "--only", metavar="PARTS", help=f"some of {','.join(part.name for part in PARTS)}"
    )
    return parser


def _chosen(only: str | None) -> Sequence[Part]:
    if not only:
        return PARTS
    names = [name.strip() for name in only.split(",")]
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        raise SystemExit(
            f"no part {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(part.name for part in PARTS)}"
        )
    return [part for part in PARTS if part.name in names]


def _prepare(trial: Trial, folder: Path, options: argparse.Namespace) -> dict[str, str] | None:
    """The environment of the parts, or None where lazygrad cannot run."""
    about = trial.data["about"]
    print(f"lazygrad on a GPU: {about['date']}, {about['system']}, {about['cores']} cores, "
          f"Python {about['python']}\n\ndrivers")  # fmt: skip
    found = drivers.search(os.environ)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    tried: list[house.Tried] = []
    if not missing:
        always, tried = house.try_drivers(found.drivers, folder)
        trial.data["drivers"] = {"always": always, "tried": [asdict(one) for one in tried]}
        for device in always:
            print(f"  {device}, which pyopencl brings")
    for line in _driver_lines(found, tried):
        print(line)
    for name in missing:
        print(f"  {name} is not installed for {sys.executable}: {NEEDED[name]}")
    usable = not missing and (always or any(one.devices for one in tried))
    if not usable:
        trial.data["searched"] = [str(place) for place in found.folders]
        print("  no device: there is nothing to try lazygrad on. Drivers were looked for in")
        print("\n".join(f"    {place}" for place in found.folders))
        return None
    chosen = {"OPENCL_DEVICE": options.device, "LAZYGRAD_OPENCL_TYPE": options.type}
    return {
        **os.environ,
        **house.install(folder),
        **house.use_drivers(tried, folder),
        "BACKEND": "GPU",
        **{name: value for name, value in chosen.items() if value is not None},
    }


def _driver_lines(found: drivers.Search, tried: Sequence[house.Tried]) -> list[str]:
    if not found.drivers:
        return ["  no driver's library and no .icd file"]
    outcomes = {one.driver: ", ".join(one.devices) or one.error for one in tried}
    return [
        f"  {driver.library} ({driver.source}): {outcomes.get(driver, 'not tried')}"
        for driver in found.drivers
    ]


class Trial:
    """All that was found so far, in a file that is whole at any time."""

    def __init__(self, file: Path, minutes: float) -> None:
        self.file = file
        self.end = time.monotonic() + 60 * minutes
        self.limits = Limits()
        self.outcomes: dict[str, Outcome] = {}
        self._saved = 0.0
        self.data: dict[str, Any] = {
            "about": {
                "date": time.strftime("%Y-%m-%d %H:%M"),
                "system": platform.platform(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "minutes": minutes,
                "arguments": sys.argv[1:],
            },
            "parts": {},
        }

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def run(self, part: Part, seconds: float, env: Mapping[str, str]) -> None:
        """Runs a part, and shows and keeps what comes of it."""
        print(f"\n{part.name}: {part.what}", flush=True)
        results: dict[str, Any] = {}
        self.data["parts"][part.name] = {"ended": "cut off", "results": results}

        def seen(item: str, result: dict[str, Any]) -> None:
            results[item] = result
            if part.name == "limits":
                self.limits.take(result)
            bad = [one for one in results.values() if "error" in one or "failed" in one]
            if len(bad) <= FAILURES_SHOWN or part.name != "conformance":
                for line in shown(part.name, item, result, self.limits):
                    print(line, flush=True)
            if time.monotonic() - self._saved > SAVE_EVERY:
                self.save()

        outcome = run_part(part, seconds, env, seen)
        self.outcomes[part.name] = outcome
        self.data["parts"][part.name] = outcome.as_json()
        print(f"  {verdict(outcome)}", flush=True)
        self.save()

    def save(self) -> None:
        temporary = self.file.with_name(self.file.name + ".part")
        temporary.write_text(json.dumps(self.data, indent=1))
        os.replace(temporary, self.file)
        self._saved = time.monotonic()

    def close(self) -> int:
        """The last lines, and the exit status."""
        print("\nin short")
        for name, outcome in self.outcomes.items():
            print(f"  {name:12} {verdict(outcome)}")
        print(f"  everything is in {self.file}")
        return 1 if any(o.bad or o.ended == FAILED for o in self.outcomes.values()) else 0


def verdict(outcome: Outcome) -> str:
    """How a part went, in a line."""
    if outcome.ended == DONE and not outcome.items:
        return "nothing to do here"
    good = len(outcome.results) - len(outcome.bad)
    text = f"{good} of {len(outcome.items)} well"
    if outcome.bad:
        text += f", {len(outcome.bad)} FAILED"
    if outcome.ended != DONE:
        text += f", {outcome.ended}{outcome.reason and ': '}{outcome.reason}"
    return f"{text}, in {outcome.seconds:.1f} s"
