"""Plain data as bytes and back, in a form that cannot run code.

A ``Format`` writes values of one type as JSON: a table of texts, a table of records, and the value.
What a record holds is read off its annotations, once; a record is written once and named by its
number from then on, operands before what uses them, so that shared parts stay shared and nothing
goes deep. Reading makes only the record classes that the type is made of, checks every value
against its annotation, and raises ``Malformed`` for anything else.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from operator import index
from typing import Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")
VERSION = 1
ARRAYS = "biuf"  # kinds of dtype: no objects


class Malformed(ValueError):
    """Bytes that are no value of this type, or a value that has no place in the format."""


class Writer:
    """The tables of what is being written. Equal records have one row, so that equal values look
    the same."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.names: dict[str, int] = {}  # of record classes
        self.rows: list[list[Any]] = []
        self.numbers: dict[int, int] = {}  # of records, by their id
        self.kept: list[object] = []  # alive, so that ids stay theirs
        self._known: dict[str, int] = {}  # rows by what they hold

    def text(self, value: str) -> int:
        return self.texts.setdefault(value, len(self.texts))

    def add(self, value: object, name: str, row: list[Any]) -> int:
        made = [self.names.setdefault(name, len(self.names)), *row]
        number = self.numbers[id(value)] = self._known.setdefault(repr(made), len(self.rows))
        self.kept.append(value)
        if number == len(self.rows):
            self.rows.append(made)
        return number


class Reader(NamedTuple):
    """The tables of what is being read; ``made`` grows record by record."""

    texts: list[str]
    made: list[Any]


class Form(NamedTuple):
    """How values of one type look in JSON. ``classes`` are those of the records that it names."""

    write: Callable[[Writer, Any], Any]
    read: Callable[[Reader, Any], Any]
    classes: tuple[type, ...] = ()


class Record(NamedTuple):
    """A class whose instances have rows: ``row`` takes one apart, ``make`` builds it again.

    Attributes:
        before: what must have its row before ``value`` gets one.
    """

    row: Callable[[Writer, Any], list[Any]]
    make: Callable[[Reader, list[Any]], Any]
    before: Callable[[Any], Iterable[Any]] = lambda value: ()


def checked(kind: type) -> Form:
    """Numbers and truth values stand for themselves."""

    def write(writer: Writer, value: Any) -> Any:
        return _exactly(kind, index(value) if kind is int else value)

    return Form(write, lambda reader, value: _exactly(kind, value))


def _exactly(kind: type | tuple[type, ...], value: Any) -> Any:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds:
        raise Malformed(f"{type(value).__name__} where {kind} belongs")
    return value


def named(table: Mapping[str, Any]) -> Form:
    """Objects of which there is one each, by their ``name``."""

    def write(writer: Writer, value: Any) -> int:
        return writer.text(value.name)

    return Form(write, lambda reader, number: table[_text(reader, number)])


def _text(reader: Reader, number: Any) -> str:
    text: str = _exactly(str, reader.texts[_number(number)])
    return text


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Malformed(f"{value!r} is no number of a row")
    return value


def _write_array(writer: Writer, value: np.ndarray[Any, Any]) -> list[Any]:
    if type(value) is not np.ndarray or value.dtype.kind not in ARRAYS:
        raise Malformed(f"{type(value).__name__} of {value.dtype} is no array of numbers")
    return [value.dtype.str, list(value.shape), value.tobytes().hex()]


def _read_array(reader: Reader, value: Any) -> np.ndarray[Any, Any]:
    code, shape, content = value
    dtype = np.dtype(_exactly(str, code))
    if dtype.kind not in ARRAYS:
        raise Malformed(f"an array of {dtype}")
    return np.frombuffer(bytes.fromhex(content), dtype).reshape(shape).copy()


TEXT = Form(lambda writer, value: writer.text(_exactly(str, value)), _text)
ARRAY = Form(_write_array, _read_array)
NONE = checked(type(None))
FORMS: Mapping[Any, Form] = {
    bool: checked(bool),
    int: checked(int),
    float: checked(float),
    type(None): NONE,
    str: TEXT,
}


@dataclass(frozen=True)
class Specials:
    """Classes that are no records, or not by their annotations alone: made by the ``Format`` that
    uses them, which knows the forms of what they hold."""

    forms: Mapping[type, Form]
    records: Mapping[type, Callable[[Format[Any]], Record]]


NO_SPECIALS = Specials({}, {})


class Format(Generic[T]):
    """Values of ``root`` as bytes.

    Args:
        root: their type: a record class (a dataclass or NamedTuple of annotated fields) or any
            type that a field may have: bool, int, float, str, None, tuples, dicts by str, arrays
            of numbers, records, and unions of records or of simple values.
        others: the record classes that a field of type Any may hold.
        specials: how to treat classes that are none of these.
    """

    def __init__(
        self, root: type[T], others: Iterable[type] = (), specials: Specials = NO_SPECIALS
    ) -> None:
        self._specials = specials
        self._records: dict[type, Record] = {}
        self._classes: dict[str, type] = {}  # by the name in a file
        self._others = tuple(others)
        for other in self._others:
            self.form(other)
        self._root = self.form(root)

    def encode(self, value: T) -> bytes:
        """``value`` as bytes.

        Raises:
            Malformed: it holds something that the format does not know.
        """
        writer = Writer()
        root = self._root.write(writer, value)
        content = [VERSION, list(writer.texts), list(writer.names), writer.rows, root]
        return json.dumps(content, separators=(",", ":")).encode()

    def decode(self, data: bytes) -> T:
        """What was encoded.

        Raises:
            Malformed: ``data`` is anything else.
        """
        try:
            version, texts, names, rows, root = json.loads(data)
            _exactly(int, version)
            if version != VERSION:
                raise Malformed(f"version {version}")
            makers = [self._records[self._classes[name]].make for name in names]
            reader = Reader(texts, [])
            for row in rows:
                reader.made.append(makers[_number(row[0])](reader, row))
            value: T = self._root.read(reader, root)
        except Exception as error:  # whatever foreign bytes lead to, they are no value
            raise Malformed(f"{type(error).__name__}: {error}") from None
        return value

    # -- types ----------------------------------------------------------------------------------

    def form(self, kind: Any) -> Form:
        """The form of a type as annotations spell it."""
        simple = FORMS.get(kind) or self._specials.forms.get(kind)
        if simple is not None:
            return simple
        if kind is Any:
            return self._reference(self._others)
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self._union(inner)
        if origin is tuple:
            return self._sequence(inner[0]) if inner[1:] == (...,) else self._tuple(inner)
        if origin in (dict, Mapping):
            return self._dictionary(inner[1])
        if (origin or kind) is np.ndarray:
            return ARRAY
        self._add(kind)
        return self._reference((kind,))

    def _union(self, kinds: tuple[Any, ...]) -> Form:
        forms = [self.form(kind) for kind in kinds if kind is not type(None)]
        if all(form.classes for form in forms):
            chosen = self._reference(tuple(cls for form in forms for cls in form.classes))
        elif set(kinds) <= {bool, int, float, type(None)}:
            return Form(
                lambda writer, value: _exactly(kinds, value),
                lambda reader, value: _exactly(kinds, value),
            )
        elif len(forms) == 1:
            (chosen,) = forms
        else:
            raise Malformed(f"a union of {kinds}: of records, of numbers, or of one type and None")
        if type(None) not in kinds:
            return chosen
        return Form(
            lambda writer, value: None if value is None else chosen.write(writer, value),
            lambda reader, value: None if value is None else chosen.read(reader, value),
            chosen.classes,
        )

    def _sequence(self, kind: Any) -> Form:
        form = self.form(kind)

        def write(writer: Writer, value: Any) -> list[Any]:
            return [form.write(writer, item) for item in _exactly(tuple, value)]

        def read(reader: Reader, value: Any) -> tuple[Any, ...]:
            return tuple([form.read(reader, item) for item in _exactly(list, value)])

        return Form(write, read)

    def _tuple(self, kinds: tuple[Any, ...]) -> Form:
        forms = [self.form(kind) for kind in kinds]

        def write(writer: Writer, value: Any) -> list[Any]:
            pairs = zip(forms, _exactly(tuple, value), strict=True)
            return [form.write(writer, item) for form, item in pairs]

        def read(reader: Reader, value: Any) -> tuple[Any, ...]:
            pairs = zip(forms, _exactly(list, value), strict=True)
            return tuple([form.read(reader, item) for form, item in pairs])

        return Form(write, read)

    def _dictionary(self, kind: Any) -> Form:
        form = self.form(kind)

        def write(writer: Writer, value: Any) -> dict[str, Any]:
            return {
                _exactly(str, key): form.write(writer, item)
                for key, item in _exactly(dict, value).items()
            }

        def read(reader: Reader, value: Any) -> dict[str, Any]:
            return {key: form.read(reader, item) for key, item in _exactly(dict, value).items()}

        return Form(write, read)

    def _reference(self, classes: tuple[type, ...]) -> Form:
        """Records by their numbers."""

        def write(writer: Writer, value: Any) -> int:
            found = writer.numbers.get(id(value))
            if found is not None:
                return found
            record = self._records[_exactly_one(classes, value)]
            for earlier in record.before(value):
                if id(earlier) not in writer.numbers:
                    self._write_row(writer, earlier)
            return self._write_row(writer, value)

        def read(reader: Reader, value: Any) -> Any:
            found = reader.made[_number(value)]
            _exactly_one(classes, found)
            return found

        return Form(write, read, classes)

    def _write_row(self, writer: Writer, value: Any) -> int:
        cls = type(value)
        return writer.add(value, name_of(cls), self._records[cls].row(writer, value))

    # -- records --------------------------------------------------------------------------------

    def _add(self, cls: type) -> None:
        if cls in self._records:
            return
        self._records[cls] = _UNFINISHED  # so that a class may hold its own kind
        self._classes[name_of(cls)] = cls
        special = self._specials.records.get(cls)
        self._records[cls] = special(self) if special else self._by_annotations(cls)

    def _by_annotations(self, cls: type) -> Record:
        hints = get_type_hints(cls)
        if is_dataclass(cls):
            names = [field.name for field in fields(cls) if field.init]
        elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
            names = list(cls._fields)
        else:
            raise Malformed(f"{cls.__qualname__} is neither a dataclass nor a NamedTuple")
        forms = [(name, self.form(hints[name])) for name in names]

        def row(writer: Writer, value: Any) -> list[Any]:
            return [form.write(writer, getattr(value, name)) for name, form in forms]

        def make(reader: Reader, row: list[Any]) -> Any:
            pairs = zip(forms, row[1:], strict=True)
            return cls(**{name: form.read(reader, item) for (name, form), item in pairs})

        return Record(row, make)


def _never(*arguments: Any) -> Any:
    raise Malformed("a record class that is not complete")


_UNFINISHED = Record(_never, _never)


def name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _exactly_one(classes: tuple[type, ...], value: Any) -> type:
    if type(value) not in classes:
        expected = ", ".join(cls.__qualname__ for cls in classes) or "nothing"
        raise Malformed(f"a value of {name_of(type(value))}, not of {expected}")
    return type(value)
