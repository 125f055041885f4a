"""Programs from source, or from what an earlier process left on disk.

A binary is kept by source, device, driver versions and compiler options, and asked for after its
kernels have run, because drivers may compile them when they are first launched. One that the driver
does not take any more is built from source again. Of PoCL the files are kept that it writes itself
(see ``pocl_cache``).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from lazygrad.plugin import DeviceError, disk
from lazygrad_opencl import pocl, pocl_cache
from lazygrad_opencl.compilers import Compilers, Task
from lazygrad_opencl.driver import cl
from lazygrad_opencl.program import build, build_declared, launch_nothing

AGAIN = "-DAGAIN"  # makes of a program another one, for PoCL


class Binaries:
    """Builds the programs of a device, and keeps their binaries."""

    def __init__(self, context: Any, device: Any, options: Sequence[str], fingerprint: str) -> None:
        self._context, self._device, self._options = context, device, list(options)
        self._fingerprint = fingerprint
        self._unsaved: list[tuple[object, Any]] = []
        self._programs = pocl_cache.Programs()
        self.is_pocl = pocl.is_pocl(device)
        self._compilers = Compilers(device, self._options)
        self._tasks: dict[str, Task] = {}  # by the source

    @property
    def workers(self) -> int | None:
        """How many compile side by side; None: it is the driver's affair."""
        return self._compilers.most + 1 if self.is_pocl else None

    def warm_up(self) -> None:
        """Much will be built soon."""
        if self.is_pocl:
            self._compilers.warm_up()

    def ahead(self, source: str) -> None:
        """``source`` will be built: whoever can may begin with it."""
        if self.is_pocl and source not in self._tasks:
            self._tasks[source] = self._compilers.submit(source)

    def build_all(self, sources: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """What ``build`` gives for each source, as they are done. Those that nobody has begun with
        ahead are compiled while others are at the rest, the last ones first."""
        begun = []
        for source in reversed(dict.fromkeys(sources)):
            task = self._tasks.get(source)
            if task is not None and not task.cancel():
                begun.append(source)
                continue
            self._tasks.pop(source, None)
            built = self.build(source)
            if task is not None:
                launch_nothing(built, self._context, self._device)
            yield source, built
        for source in reversed(begun):
            yield source, self._taken_over(source)

    def _taken_over(self, source: str) -> Any:
        program = self._tasks.pop(source).result()
        if program is not None:
            self._programs.take_over(program)
        return self.build(source)

    def build(self, source: str) -> Any:
        """A compiled cl.Program.

        Raises:
            DeviceError: with the compiler's log and the lines that it complains about.
        """
        key = ("binary", self._fingerprint, source)
        found = disk.get(key) if disk.enabled() else None
        return self._by_pocl(key, source, found) if self.is_pocl else self._by(key, source, found)

    def _by(self, key: object, source: str, found: bytes | None) -> Any:
        if found is not None:
            with suppress(cl.Error), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program = cl.Program(self._context, [self._device], [found])
                return program.build(options=self._options, devices=[self._device])
        built = build(self._context, self._device, source, self._options)
        if disk.enabled():
            self._unsaved.append((key, built))
        return built

    def _by_pocl(self, key: object, source: str, found: bytes | None) -> Any:
        """A damaged file in a folder that the user has chosen gives a program without kernels."""
        pocl_cache.require_room()
        self._programs.restore(key, found)
        for more in ((), (AGAIN,)):
            options = [*self._options, *more]
            built = build_declared(self._context, self._device, source, options)
            if built.get_info(cl.program_info.NUM_KERNELS):
                self._programs.note_new(key)
                return built
        raise DeviceError(
            "[opencl] PoCL finds damaged files in its own folder, which POCL_CACHE_DIR names; "
            "remove them"
        )

    def save(self) -> None:
        """Keeps what was built since; called when the queue is empty, so that everything ran."""
        self._programs.save_new()
        unsaved, self._unsaved = self._unsaved, []
        for key, built in unsaved:
            with suppress(cl.Error):
                disk.put(key, built.get_info(cl.program_info.BINARIES)[0])
