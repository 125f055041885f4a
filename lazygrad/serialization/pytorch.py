"""Files of torch.save: a zip archive with one pickle and the elements of each storage.

The pickle is read by an unpickler that knows the names in ``stand_ins`` and no others.
"""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections.abc import Callable
from typing import Any

from lazygrad.errors import CheckpointError, LazygradError
from lazygrad.nn import Parameter
from lazygrad.nn.state import tensor_of
from lazygrad.serialization.stand_ins import Array, Name, Storage, StorageType, Weights, named
from lazygrad.tensorfile import Stored

Move = Callable[[Any, str], Any]
PICKLE = "data.pkl"
# what zipfile raises
DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError, OSError)
DEEPEST = 150  # containers in containers


def is_one(payload: bytes) -> bool:
    """Whether a file is such a one."""
    return payload[:4] == b"PK\3\4"


def read(payload: bytes, device: str | None, move: Move | None) -> Any:
    """What the file holds, with Tensors on ``device``, or where ``move`` brings them.

    Raises:
        CheckpointError: for a file that is damaged, or holds objects of other classes.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(payload))
        pickles = [name for name in archive.namelist() if name.endswith("/" + PICKLE)]
        if len(pickles) != 1:
            raise CheckpointError("it is a zip archive, but none of torch.save")
        folder = pickles[0].removesuffix(PICKLE)
        if _order(archive, folder) != sys.byteorder or sys.byteorder != "little":
            raise CheckpointError("its numbers are in another byte order")
        storages: dict[str, Storage] = {}

        def storage(kind: StorageType, key: str, location: str, count: int) -> Storage:
            if key not in storages:
                storages[key] = Storage(
                    kind.dtype, _record(archive, f"{folder}data/{key}"), location
                )
            return storages[key]

        found = Unpickler(io.BytesIO(_record(archive, pickles[0])), storage).load()
    except CheckpointError:
        raise
    except DAMAGED as error:
        raise CheckpointError(f"the archive is damaged: {error}") from None
    return finished(found, device, move)


def _order(archive: zipfile.ZipFile, folder: str) -> str:
    name = f"{folder}byteorder"
    return _record(archive, name).decode() if name in archive.namelist() else "little"


def _record(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the archive, which torch.save never packs: what grows when unpacked is none."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise CheckpointError("it is a zip archive, but none of torch.save: its files are packed")
    return archive.read(name)


class Unpickler(pickle.Unpickler):
    """Reads pickles of weights.

    Args:
        storage: gives a storage by its type, key, location and number of elements.
    """

    def __init__(self, file: io.BytesIO, storage: Callable[..., Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        return named(module, name)

    def persistent_load(self, pid: Any) -> Storage:
        if not isinstance(pid, tuple) or pid[:1] != ("storage",) or len(pid) < 5:
            raise CheckpointError("it refers to something that is no storage")
        kind, key, location, count, *rest = pid[1:]
        if not isinstance(kind, Name) or not isinstance(kind.value, StorageType):
            raise CheckpointError("a storage in it is of no known type")
        return self._storage(kind.value, str(key), str(location), count, *rest)

    def load(self) -> Any:
        """The object.

        Raises:
            CheckpointError: for what is no such pickle.
        """
        try:
            return super().load()
        except CheckpointError:
            raise
        except Exception as error:  # whatever a damaged pickle makes of the stand-ins
            raise CheckpointError(
                f"its pickle is damaged, or of another program: {type(error).__name__}: {error}"
            ) from None


def finished(found: Any, device: str | None, move: Move | None) -> Any:
    """What a program uses of what an unpickler found.

    Raises:
        CheckpointError: for what makes no sense.
    """
    try:
        return Finish(device, move).of(found)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LazygradError):
            raise
        raise CheckpointError(f"what it holds makes no sense: {error}") from None


class Finish:
    """Makes what a program uses of what an unpickler found; a tensor that comes twice, once."""

    def __init__(self, device: str | None, move: Move | None) -> None:
        self._device, self._move = device, move
        self._made: dict[int, Any] = {}

    def of(self, value: Any, depth: int = 0) -> Any:
        """The value, with Tensors and arrays in it.

        Raises:
            CheckpointError: for containers that go on without end.
        """
        if depth > DEEPEST:
            raise CheckpointError(f"its containers are more than {DEEPEST} deep")
        if id(value) not in self._made:
            self._made[id(value)] = self._new(value, depth)
        return self._made[id(value)]

    def _new(self, value: Any, depth: int) -> Any:
        if isinstance(value, Weights):
            return self._tensor(value)
        if isinstance(value, Array):
            return value.values
        if isinstance(value, Name):
            return value.value
        if isinstance(value, dict):
            pairs = [(self.of(k, depth + 1), self.of(v, depth + 1)) for k, v in value.items()]
            return type(value)(dict(pairs))
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(self.of(item, depth + 1) for item in value)
        return value

    def _tensor(self, weights: Weights) -> Any:
        made: Any = tensor_of(Stored(weights.dtype, weights.elements()), self._device)
        if self._move is not None:
            made = self._move(made, weights.storage.location)
        if weights.is_parameter:
            return Parameter(made, weights.requires_grad)
        return made.requires_grad_(weights.requires_grad)
