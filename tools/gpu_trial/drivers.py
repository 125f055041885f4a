"""OpenCL drivers: those that the system names, and those whose library merely lies somewhere.

A loader finds drivers through `.icd` files, which hold the name of a library. Packages install such
files in /etc/OpenCL/vendors; containers often get a driver's libraries from their host without
them. Loaders look in another folder if OCL_ICD_VENDORS names one.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# The libraries that are drivers, and whose. Patterns of `Path.glob`.
LIBRARIES = {
    "libnvidia-opencl.so*": "NVIDIA",
    "libamdocl64*.so*": "AMD",
    "libigdrcl*.so*": "Intel, GPUs",
    "libintelocl*.so*": "Intel, CPUs",
    "libRusticlOpenCL.so*": "Mesa",
    "libMesaOpenCL.so*": "Mesa, old",
    "libmali*.so*": "Arm",
    "libpocl.so*": "PoCL",
}

# Where they may lie besides the folders that the dynamic linker knows. Patterns, below the root.
FOLDERS = (
    "usr/lib/*-linux-gnu*",
    "usr/lib64",
    "usr/lib",
    "usr/local/lib64",
    "usr/local/lib",
    "usr/lib/*-linux-gnu*/nvidia*",
    "usr/lib/nvidia*",
    "usr/lib64/nvidia*",
    "usr/local/nvidia/lib64",
    "usr/local/nvidia/lib",
    "usr/local/cuda*/lib64",
    "usr/local/cuda*/compat",
    "usr/lib/wsl/lib",
    "usr/lib/wsl/drivers/*",
    "run/nvidia/driver/usr/lib/*-linux-gnu*",
    "run/opengl-driver/lib",
    "opt/rocm*/lib",
    "opt/rocm*/opencl/lib",
    "opt/amdgpu*/lib/*-linux-gnu*",
    "usr/lib/*-linux-gnu*/intel-opencl",
    "usr/lib64/intel-opencl",
    "opt/intel/oneapi/compiler/*/lib",
    "opt/intel/oneapi/compiler/*/linux/lib/x64",
)
VENDORS = "etc/OpenCL/vendors"


@dataclass(frozen=True)
class Driver:
    """A driver to try: a library by its path, or by the name that an ``.icd`` file holds."""

    library: str
    source: str  # the .icd file, or whose library it is

    @property
    def stem(self) -> str:
        """What it is called, wherever it lies and whatever its version."""
        return _stem(Path(self.library).name)


@dataclass(frozen=True)
class Search:
    """What was found, those that the system names first, and where it was looked for."""

    drivers: tuple[Driver, ...]
    folders: tuple[Path, ...]


def search(environ: Mapping[str, str], root: Path = Path("/")) -> Search:
    """Looks at ``.icd`` files and in library folders below ``root``."""
    vendors = _vendor_folder(environ, root)
    named = _named(vendors)
    folders = _folders(environ, root)
    return Search((*named, *_lying(folders)), (vendors, *folders))


def _vendor_folder(environ: Mapping[str, str], root: Path) -> Path:
    own = environ.get("OCL_ICD_VENDORS") or environ.get("OPENCL_VENDOR_PATH")
    return Path(own) if own else root / VENDORS


def _named(vendors: Path) -> list[Driver]:
    """The libraries that ``.icd`` files name; the setting may also be one such file."""
    files = [vendors] if vendors.is_file() else sorted(vendors.glob("*.icd"))
    drivers = []
    for file in files:
        with suppress(OSError):
            library = file.read_text(errors="replace").strip()
            if library:
                drivers.append(Driver(library, str(file)))
    return drivers


def _folders(environ: Mapping[str, str], root: Path) -> list[Path]:
    listed = [Path(f) for f in environ.get("LD_LIBRARY_PATH", "").split(":") if f]
    if "CONDA_PREFIX" in environ:
        listed.append(Path(environ["CONDA_PREFIX"]) / "lib")
    if root == Path("/"):
        listed += _known_to_the_linker()
    for pattern in FOLDERS:
        listed += sorted(root.glob(pattern))
    by_place: dict[Path, Path] = {}
    for folder in filter(Path.is_dir, listed):
        by_place.setdefault(folder.resolve(), folder)
    return list(by_place.values())


def _known_to_the_linker() -> list[Path]:
    """The folders of all libraries in the linker's cache."""
    path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["ldconfig", "-p"],
            capture_output=True,
            text=True,
            timeout=10,
            env={**os.environ, "PATH": path},
        )
        libraries = re.findall(r"=> (/\S+)", done.stdout)
        return list(dict.fromkeys(Path(library).parent for library in libraries))
    return []


def _lying(folders: Iterable[Path]) -> list[Driver]:
    """Every library once, however many names and folders it has."""
    found: dict[str, Driver] = {}
    for folder in folders:
        for pattern, whose in LIBRARIES.items():
            # of libx.so, libx.so.1 and libx.so.1.2.3 the one that the linker would look for
            for file in sorted(folder.glob(pattern), key=lambda file: len(file.name)):
                if file.is_file():
                    found.setdefault(_stem(file.name), Driver(str(file), whose))
    return list(found.values())


def _stem(name: str) -> str:
    return name.partition(".so")[0]


def write_vendors(folder: Path, drivers: Iterable[Driver]) -> None:
    """A folder of ``.icd`` files for OCL_ICD_VENDORS."""
    folder.mkdir()
    for number, driver in enumerate(drivers):
        (folder / f"{number:02d}.icd").write_text(driver.library + "\n")
