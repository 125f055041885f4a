"""Programs from source, or from the binaries that an earlier process left on disk.

A binary is kept by source, device, driver versions and compiler options, and asked for after its
kernels have run, because drivers may compile them when they are first launched. One that the driver
does not take any more is built from source again. PoCL keeps files of its own (see ``pocl_cache``).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lazygrad.plugin import disk
from lazygrad_opencl import pocl
from lazygrad_opencl.driver import cl
from lazygrad_opencl.program import build


class Binaries:
    """Builds the programs of a device, and keeps their binaries."""

    def __init__(self, context: Any, device: Any, options: Sequence[str], fingerprint: str) -> None:
        self._context, self._device, self._options = context, device, list(options)
        self._fingerprint = fingerprint
        self._unsaved: list[tuple[object, Any]] = []
        self.left_to_driver = pocl.is_pocl(device)

    def build(self, source: str) -> Any:
        """A compiled cl.Program.

        Raises:
            DeviceError: with the compiler's log and the lines that it complains about.
        """
        if self.left_to_driver or not disk.enabled():
            return build(self._context, self._device, source, self._options)
        key = ("binary", self._fingerprint, source)
        found = disk.get(key)
        if found is not None:
            with suppress(cl.Error), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program = cl.Program(self._context, [self._device], [found])
                return program.build(options=self._options, devices=[self._device])
        built = build(self._context, self._device, source, self._options)
        self._unsaved.append((key, built))
        return built

    def save(self) -> None:
        """Keeps what was built since; called when the queue is empty, so that everything ran."""
        unsaved, self._unsaved = self._unsaved, []
        for key, built in unsaved:
            with suppress(cl.Error):
                disk.put(key, built.get_info(cl.program_info.BINARIES)[0])
