"""From a Tensor to the functions of the Python array API standard, loaded on demand."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from lazygrad.errors import ValueRangeError

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def array_namespace(self: Tensor, /, *, api_version: str | None = None) -> ModuleType:
    """``lazygrad.array_api``.

    Raises:
        ValueRangeError: for a version of the standard that it does not follow.
    """
    from lazygrad import array_api

    if api_version is not None and api_version not in VERSIONS:
        raise ValueRangeError(
            f"[array_namespace] version {api_version!r} of the standard is not one of "
            f"{', '.join(VERSIONS)}"
        )
    return array_api
