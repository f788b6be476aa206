"""Records to canonical bodies and back: a frozen dataclass of text, integers, tuples and dicts is its own schema.

What is read back is held to that schema, field by field, for whoever can write a record can write anything: what is none, is an
`IntegrityError`, and never an error of whatever first works with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from synapsor.errors import IntegrityError

T = TypeVar("T")
_Read = Callable[[Any], Any]
_SCALARS: Final = (str, int, bool)


class _Unfit(Exception):
    """A value is not of the form of its field."""


def to_body(record: Any) -> dict[str, Any]:
    """Return the record as JSON data, field by field; tuples become lists."""
    kind: Any = type(record)
    return {name: _thaw(getattr(record, name)) for name in _names(kind)}


def from_body(kind: type[T], body: Any) -> T:
    """Return the record whose body this is; lists become tuples.

    Raises:
        IntegrityError: a field is missing, unknown, or not of its form.
    """
    try:
        made: T = _reader(kind)(body)  # type: ignore[arg-type]  # a class is hashable
    except _Unfit:
        raise IntegrityError(f"A record is not of the form of a {kind.__name__}.") from None
    return made


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


@cache
def _is_record(kind: Any) -> bool:
    return is_dataclass(kind)


def _thaw(value: Any) -> Any:
    kind: Any = type(value)
    if kind is str or value is None:  # nearly every one
        return value
    if isinstance(value, tuple):
        return [_thaw(v) for v in value]
    return to_body(value) if _is_record(kind) else value


@cache
def _reader(kind: type) -> _Read:
    hints = get_type_hints(kind, include_extras=True)
    known = [f for f in fields(kind) if f.init]
    reads = {f.name: _read_of(hints[f.name]) for f in known}
    needed = {f.name for f in known if f.default is MISSING and f.default_factory is MISSING}

    def read(body: Any) -> Any:
        if type(body) is not dict or not needed <= body.keys() <= reads.keys():
            raise _Unfit
        return kind(**{name: reads[name](value) for name, value in body.items()})

    return read


def _read_of(hint: Any) -> _Read:
    """Return what reads a value of a field with this annotation."""
    if hint is Any:
        return _freeze
    if is_dataclass(hint):
        return _reader(hint)  # type: ignore[arg-type]  # a class
    return _exactly(hint) if hint in _SCALARS else _composed(get_origin(hint), get_args(hint))


def _composed(origin: Any, of: tuple[Any, ...]) -> _Read:
    if origin in {Union, UnionType} and len(of) == 2 and NoneType in of:  # noqa: PLR2004  # one of them, or none
        return _perhaps(_read_of(next(each for each in of if each is not NoneType)))
    if origin is dict and of[0] is str:
        return _exactly(dict) if of[1] is Any else _named(_read_of(of[1]))
    if origin is tuple:
        return _every(_read_of(of[0])) if of[1:] == (...,) else _each([_read_of(one) for one in of])
    if origin is Annotated:
        return _checked(_read_of(of[0]), of[1:])
    if origin is Literal:
        return _one_of(of)
    raise TypeError(f"{origin} is nothing that a record is made of")


def _freeze(value: Any) -> Any:
    return tuple(_freeze(v) for v in value) if isinstance(value, list) else value


def _exactly(kind: type) -> _Read:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise _Unfit
        return value

    return read


def _checked(inner: _Read, checks: tuple[Callable[[Any], bool], ...]) -> _Read:
    def read(value: Any) -> Any:
        found = inner(value)
        if not all(check(found) for check in checks):
            raise _Unfit
        return found

    return read


def _one_of(words: tuple[Any, ...]) -> _Read:
    def read(value: Any) -> Any:
        if type(value) is not str or value not in words:
            raise _Unfit
        return value

    return read


def _perhaps(inner: _Read) -> _Read:
    return lambda value: None if value is None else inner(value)


def _every(inner: _Read) -> _Read:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise _Unfit
        return tuple([inner(one) for one in value])

    return read


def _each(inner: list[_Read]) -> _Read:
    def read(value: Any) -> Any:
        if type(value) is not list or len(value) != len(inner):
            raise _Unfit
        return tuple([one(part) for one, part in zip(inner, value, strict=True)])

    return read


def _named(inner: _Read) -> _Read:
    def read(value: Any) -> Any:
        if type(value) is not dict or not all(type(name) is str for name in value):
            raise _Unfit
        return {name: inner(part) for name, part in value.items()}

    return read
