"""The environment in which everything runs: this tree as if it were installed, and the drivers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .drivers import Driver, write_vendors

TREE = Path(__file__).parents[2]
PATIENCE = 30  # seconds that a driver may take to tell its devices

# A loader passes over a library that cannot be loaded; why not is known if it is loaded by itself.
ASK = """\
import ctypes, json, sys, pyopencl as cl
for library in sys.argv[1:]:
    ctypes.CDLL(library)
found = []
for platform in cl.get_platforms():
    try:
        found += [f"{device.name.strip()} ({platform.name.strip()})"
                  for device in platform.get_devices()]
    except cl.Error:
        pass
print(json.dumps(found))
"""


def install(folder: Path) -> dict[str, str]:
    """Environment variables that make this tree importable, its backends included, which Python
    finds by the entry points of an installed package."""
    text = (TREE / "pyproject.toml").read_text()
    section = re.search(r'entry-points\."(lazygrad\.backends)"\]\n(.*?)\n\n', text, re.DOTALL)
    assert section is not None
    entries = section[2].replace('"', "")
    package = folder / "lazygrad-0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: lazygrad\nVersion: 0\n")
    (package / "entry_points.txt").write_text(f"[{section[1]}]\n{entries}\n")
    path = [str(TREE), str(TREE / "backends"), str(folder), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": ":".join(filter(None, path)),
        "LAZYGRAD_CACHE_DIR": str(folder / "cache"),
    }


@dataclass(frozen=True)
class Tried:
    """A driver, and what came of it: its devices, or why there are none."""

    driver: Driver
    devices: tuple[str, ...] = ()
    error: str = ""


def try_drivers(drivers: Iterable[Driver], folder: Path) -> tuple[list[str], list[Tried]]:
    """The devices that are there in any case (of PoCL in pyopencl's wheel), and each driver tried
    by itself: one that crashes or hangs would take all others with it. A library is not tried any
    more once one of that name works; an ``.icd`` file may name one that cannot be found."""
    nothing = folder / "no_vendors"
    write_vendors(nothing, ())
    always, _ = _devices(_variables(nothing, ()), ())
    tried = []
    working: set[str] = set()
    for number, driver in enumerate(drivers):
        if driver.stem in working:
            continue
        vendors = folder / f"vendors_{number}"
        write_vendors(vendors, (driver,))
        devices, error = _devices(_variables(vendors, (driver,)), (driver,))
        own = list(devices)
        for device in always:
            if device in own:
                own.remove(device)
        tried.append(Tried(driver, tuple(own), error or ("" if own else "it has no device")))
        working |= {driver.stem} if own else set()
    return always, tried


def use_drivers(tried: Iterable[Tried], folder: Path) -> dict[str, str]:
    """Environment variables with which OpenCL finds the drivers that have devices."""
    working = [one.driver for one in tried if one.devices]
    vendors = folder / "vendors"
    write_vendors(vendors, working)
    return _variables(vendors, working)


def _variables(vendors: Path, drivers: Iterable[Driver]) -> dict[str, str]:
    """A driver's library loads others that lie beside it."""
    beside = [str(Path(d.library).parent) for d in drivers if d.library.startswith("/")]
    path = [*filter(None, [os.environ.get("LD_LIBRARY_PATH")]), *beside]
    variables = {"OCL_ICD_VENDORS": str(vendors), "OPENCL_VENDOR_PATH": str(vendors)}
    return variables | ({"LD_LIBRARY_PATH": ":".join(dict.fromkeys(path))} if path else {})


def _devices(variables: Mapping[str, str], drivers: Iterable[Driver]) -> tuple[list[str], str]:
    """The devices that a new process sees, or why it sees none."""
    command = [sys.executable, "-c", ASK, *(driver.library for driver in drivers)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return [], f"it did not answer within {PATIENCE} seconds"
    if done.returncode < 0:
        return [], f"it crashed (signal {-done.returncode})"
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return [], (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return json.loads(lines[-1]), ""
