# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of HANA's SQL command network protocol as values, on the server's side.

Nothing here opens a socket or keeps a state. The layouts are those of SAP's protocol reference as the open drivers
SAP/go-hdb, SAP/node-hdb, SAP/PyHDB read them; numbers are little endian where nothing else is said. A client's bytes
are not trusted: every length is checked against what is there before anything is done with it.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Any

from .answers import Column

LIMIT = 64 * 1024 * 1024
GREETING_SIZE, HEADER_SIZE = 14, 32
WELCOME = bytes.fromhex("0400140400010000")
VERSION = 8  # the newest data format spoken here
PIECE = 1024  # bytes or characters of a LOB that come with its row

_HEADER = struct.Struct("<qiIIhBBiI")
_SEGMENT = struct.Struct("<iihhb")
_REPLY = struct.Struct("<bh8x")
_PART = struct.Struct("<bbhiii")
_SEGMENT_SIZE = 24


class Malformed(ValueError):
    """The client's bytes are not what the protocol says; the text says where."""


class Message(IntEnum):
    """What a client asks for. The LOB messages have each other's number in go-hdb; hdbcli sends these."""

    EXECUTE_DIRECT = 2
    PREPARE = 3
    EXECUTE = 13
    READ_LOB = 16
    WRITE_LOB = 17
    AUTHENTICATE = 65
    CONNECT = 66
    COMMIT = 67
    ROLLBACK = 68
    CLOSE_RESULTSET = 69
    DROP_STATEMENT = 70
    FETCH_NEXT = 71
    DISCONNECT = 77
    DB_CONNECT_INFO = 82


class Function(IntEnum):
    """What a reply says was done; a SELECT answered with another one has no rows for hdbcli."""

    NIL = 0
    DDL = 1
    INSERT = 2
    UPDATE = 3
    DELETE = 4
    SELECT = 5
    FETCH = 10
    COMMIT = 11
    ROLLBACK = 12
    CONNECT = 14
    WRITE_LOB = 15
    READ_LOB = 16
    DISCONNECT = 18
    CLOSE_CURSOR = 19


class Kind(IntEnum):
    """What a part holds."""

    COMMAND = 3
    RESULTSET = 5
    ERROR = 6
    STATEMENT_ID = 10
    ROWS_AFFECTED = 12
    RESULTSET_ID = 13
    READ_LOB_REQUEST = 17
    READ_LOB_REPLY = 18
    WRITE_LOB_REQUEST = 28
    WRITE_LOB_REPLY = 30
    PARAMETERS = 32
    AUTHENTICATION = 33
    STATEMENT_CONTEXT = 39
    CONNECT_OPTIONS = 42
    FETCH_SIZE = 45
    PARAMETER_METADATA = 47
    RESULT_METADATA = 48
    TRANSACTION_FLAGS = 64
    DB_CONNECT_INFO = 67


class Type(IntEnum):
    """The type codes."""

    TINYINT = 1
    SMALLINT = 2
    INTEGER = 3
    BIGINT = 4
    DECIMAL = 5
    REAL = 6
    DOUBLE = 7
    CHAR = 8
    VARCHAR = 9
    NCHAR = 10
    NVARCHAR = 11
    BINARY = 12
    VARBINARY = 13
    DATE = 14
    TIME = 15
    TIMESTAMP = 16
    CLOB = 25
    NCLOB = 26
    BLOB = 27
    BOOLEAN = 28
    STRING = 29
    NSTRING = 30
    BSTRING = 33
    LONGDATE = 61
    SECONDDATE = 62
    DAYDATE = 63
    SECONDTIME = 64


# Attributes of a part.
LAST, FIRST, NO_ROW, CLOSED = 1, 4, 8, 16

_NAMES = {
    **{name: Type[name] for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "DOUBLE", "BOOLEAN")},
    **{name: Type[name] for name in ("VARCHAR", "NVARCHAR", "VARBINARY", "SECONDDATE", "CLOB", "NCLOB", "BLOB")},
    "TIMESTAMP": Type.LONGDATE,
    "DATE": Type.DAYDATE,
    "TIME": Type.SECONDTIME,
}
_OLD = {
    Type.LONGDATE: Type.TIMESTAMP,
    Type.SECONDDATE: Type.TIMESTAMP,
    Type.DAYDATE: Type.DATE,
    Type.SECONDTIME: Type.TIME,
}
# Length with scale of the types that leave no choice, as HANA's TABLE_COLUMNS states them.
_SIZES = {
    "TINYINT": (3, 0),
    "SMALLINT": (5, 0),
    "INTEGER": (10, 0),
    "BIGINT": (19, 0),
    "DOUBLE": (15, 0),
    "BOOLEAN": (1, 0),
    "TIMESTAMP": (27, 7),
    "SECONDDATE": (19, 0),
    "DATE": (10, 0),
    "TIME": (8, 0),
}
_INTEGERS = {Type.TINYINT: "<B", Type.SMALLINT: "<h", Type.INTEGER: "<i", Type.BIGINT: "<q"}
_TEXT = (Type.CHAR, Type.VARCHAR, Type.NCHAR, Type.NVARCHAR, Type.STRING, Type.NSTRING)
_BINARY = (Type.BINARY, Type.VARBINARY, Type.BSTRING)
_LOBS = {Type.BLOB: 1, Type.CLOB: 2, Type.NCLOB: 3}
LOBS = frozenset(_LOBS)


# -- text -------------------------------------------------------------------------------------------------------------


def cesu8(text: str) -> bytes:
    """UTF-8, but a character beyond the basic plane is two surrogates of three bytes each."""
    if text.isascii():
        return text.encode("ascii")
    return units_to_cesu8(text.encode("utf-16-le", "surrogatepass"))


def units_to_cesu8(units: bytes) -> bytes:
    """The same from UTF-16, whose units are what HANA calls characters; half a pair may stand at the end of a piece."""
    return "".join(map(chr, struct.unpack(f"<{len(units) // 2}H", units))).encode("utf-8", "surrogatepass")


def uncesu8(raw: bytes) -> str:
    """The text of CESU-8; real UTF-8 is understood, too.

    Raises:
        Malformed: it is neither.
    """
    try:
        return raw.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Malformed(f"no CESU-8: {error.reason} at byte {error.start}") from error


# -- bytes from a client ----------------------------------------------------------------------------------------------


class Reader:
    """Takes values off bytes from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are still there."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            Malformed: there are fewer.
        """
        if not 0 <= size <= self.left:
            raise Malformed(f"{size} bytes wanted at {self._at}, {self.left} are left")
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def number(self, form: str) -> Any:
        """The next number, in the words of :mod:`struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self) -> bytes | None:
        """The next bytes with their length before them; None for NULL."""
        size = self.number("<B")
        if size == 255:
            return None
        if size == 246:
            size = self.number("<h")
        elif size == 247:
            size = self.number("<i")
        elif size > 245:
            raise Malformed(f"no length: {size}")
        return self.take(size)


def string(raw: bytes) -> bytes:
    """Bytes with their length before them."""
    size = len(raw)
    if size <= 245:
        return bytes([size]) + raw
    return (b"\xf6" + struct.pack("<h", size) if size <= 32767 else b"\xf7" + struct.pack("<i", size)) + raw


# -- messages ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Header:
    """The fixed beginning of a message."""

    session: int
    packet: int
    length: int
    compressed: bool


@dataclass(frozen=True)
class Part:
    """A part of a message; ``count`` is the number of its arguments."""

    kind: int
    data: bytes = b""
    count: int = 1
    attributes: int = 0


@dataclass(frozen=True)
class Request:
    """One segment of a client: ``type`` is a number of :class:`Message`, or one not known here."""

    type: int
    commit: bool
    parts: Mapping[int, Part] = field(default_factory=dict)

    def part(self, kind: Kind) -> Part:
        """The part of a kind.

        Raises:
            Malformed: there is none.
        """
        if kind not in self.parts:
            raise Malformed(f"message {self.type} has no part {kind.name}")
        return self.parts[kind]


def header(raw: bytes) -> Header:
    """The header of a message.

    Raises:
        Malformed: it announces more than ``LIMIT`` bytes or not exactly one segment.
    """
    session, packet, length, _size, segments, flags, *_rest = _HEADER.unpack(Reader(raw).take(HEADER_SIZE))
    if length > LIMIT:
        raise Malformed(f"a message of {length} bytes, at most {LIMIT} are taken")
    if segments != 1:
        raise Malformed(f"{segments} segments in a message, one is taken")
    return Header(session, packet, length, bool(flags & 2))


def request(body: bytes) -> Request:
    """The segment that follows a header; of parts of the same kind the first counts.

    Raises:
        Malformed: it is none, or a part runs past its end.
    """
    reader = Reader(body)
    length, _offset, count, _number, kind = _SEGMENT.unpack(reader.take(_SEGMENT.size))
    if not _SEGMENT_SIZE <= length <= len(body):
        raise Malformed(f"a segment of {length} bytes in a message of {len(body)}")
    if kind != 1:
        raise Malformed(f"a segment of kind {kind} is no request")
    type_, commit = reader.number("<B"), reader.number("<B")
    reader.take(9)
    parts: dict[int, Part] = {}
    for _index in range(count):
        kind, attributes, few, many, size, _space = _PART.unpack(reader.take(_PART.size))
        part = Part(kind, reader.take(size), many if few == -1 else few, attributes)
        reader.take(min(-size % 8, reader.left))
        parts.setdefault(kind, part)
    return Request(type_, bool(commit), parts)


def reply(session: int, packet: int, function: int, parts: Sequence[Part], *, error: bool = False) -> bytes:
    """A whole reply message."""
    body = bytearray()
    for part in parts:
        many = part.count > 32767
        counts = (-1, part.count) if many else (part.count, 0)
        body += _PART.pack(part.kind, part.attributes, *counts, len(part.data), 0)
        body += part.data + bytes(-len(part.data) % 8)
    length = _SEGMENT_SIZE + len(body)
    segment = _SEGMENT.pack(length, 0, len(parts), 1, 5 if error else 2) + _REPLY.pack(0, function)
    return _HEADER.pack(session, packet, length, length, 1, 0, 0, 0, 0) + segment + body


def error(code: int, text: str, sqlstate: str = "HY000", position: int = 0) -> Part:
    """What went wrong, at level 1 (an error)."""
    raw = cesu8(text)
    state = sqlstate.encode("ascii", "replace")
    return Part(Kind.ERROR, struct.pack("<iiib5s", code, position, len(raw), 1, state) + raw)


def identifier(kind: Kind, number: int) -> Part:
    """The number of a statement or result set."""
    return Part(kind, struct.pack("<Q", number))


def affected(counts: Sequence[int]) -> Part:
    """How many rows each execution changed; -2 for a success that has no count."""
    return Part(Kind.ROWS_AFFECTED, struct.pack(f"<{len(counts)}i", *counts), len(counts))


# -- authentication ---------------------------------------------------------------------------------------------------


def fields(*values: bytes) -> bytes:
    """The fields of an authentication part; a long one has its length big endian."""
    out = struct.pack("<h", len(values))
    for value in values:
        size = len(value)
        out += (bytes([size]) if size <= 250 else b"\xff" + struct.pack(">H", size)) + value
    return out


def parse_fields(raw: bytes) -> list[bytes]:
    """The fields of an authentication part.

    Raises:
        Malformed: a field runs past the end.
    """
    reader = Reader(raw)
    found = []
    for _index in range(reader.number("<h")):
        size = reader.number("<B")
        if size == 255:
            size = reader.number(">H")
        elif size > 250:
            raise Malformed(f"no length of a field: {size}")
        found.append(reader.take(size))
    return found


def client_proof(raw: bytes) -> bytes:
    """The proof in the third field of CONNECT.

    It is a list of one field whose count is little endian from hdbcli, big endian from npm's hdb: it is not looked at.
    """
    reader = Reader(raw)
    reader.take(2)
    return reader.take(reader.number("<B"))


# -- options ----------------------------------------------------------------------------------------------------------

_OPTION_NUMBERS = {Type.TINYINT: "<b", Type.INTEGER: "<i", Type.BIGINT: "<q", Type.DOUBLE: "<d", Type.BOOLEAN: "<?"}


def options(kind: Kind, values: Mapping[int, bool | int | str], *, wide: Iterable[int] = ()) -> Part:
    """A part of numbered options; an integer in ``wide`` has 64 bits."""
    out = bytearray()
    long = set(wide)
    for key, value in values.items():
        if isinstance(value, str):
            raw = cesu8(value)
            out += struct.pack("<bbh", key, Type.STRING, len(raw)) + raw
        else:
            type_ = Type.BOOLEAN if isinstance(value, bool) else Type.BIGINT if key in long else Type.INTEGER
            out += struct.pack("<bb", key, type_) + struct.pack(_OPTION_NUMBERS[type_], value)
    return Part(kind, bytes(out), len(values))


def parse_options(part: Part) -> dict[int, Any]:
    """The values of a part of numbered options.

    Raises:
        Malformed: a value runs past the end or has a type that options do not have.
    """
    reader = Reader(part.data)
    found: dict[int, Any] = {}
    for _index in range(part.count):
        key, type_ = reader.number("<b"), reader.number("<b")
        if type_ in (Type.STRING, Type.NSTRING, Type.BSTRING):
            raw = reader.take(reader.number("<h"))
            found[key] = raw if type_ == Type.BSTRING else uncesu8(raw)
        elif type_ in _OPTION_NUMBERS:
            found[key] = reader.number(_OPTION_NUMBERS[Type(type_)])
        else:
            raise Malformed(f"option {key} has type {type_}")
    return found


# -- metadata ---------------------------------------------------------------------------------------------------------


def type_of(column: Column, version: int) -> Type:
    """The code of a column's type for a client of a data format version.

    Dates have their new codes from version 3 on, BOOLEAN from 7 on; before, it is a TINYINT (so node-hdb, go-hdb).

    Raises:
        KeyError: no type has this name.
    """
    type_ = _NAMES[column.type]
    if version < 7 and type_ is Type.BOOLEAN:
        return Type.TINYINT
    return _OLD.get(type_, type_) if version < 3 else type_


def _size(column: Column) -> tuple[int, int]:
    length, scale = _SIZES.get(column.type, (column.length, column.scale))
    if column.type == "DECIMAL" and length > 38:  # without a precision it is a floating one
        length, scale = 34, 32767
    return min(length, 32767), min(scale, 32767)


class _Names:
    """The block of names behind metadata."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._offsets: dict[str, int] = {"": 0xFFFFFFFF}

    def offset(self, name: str) -> int:
        if name not in self._offsets:
            self._offsets[name] = len(self.data)
            raw = cesu8(name)[:255]
            self.data += bytes([len(raw)]) + raw
        return self._offsets[name]


def result_metadata(columns: Sequence[Column], version: int) -> Part:
    """What a result's columns are."""
    names, out = _Names(), bytearray()
    for column in columns:
        length, scale = _size(column)
        table, name = names.offset(column.table), names.offset(column.name)
        out += struct.pack("<bbhhh", 2 if column.nullable else 1, type_of(column, version), scale, length, 0)
        out += struct.pack("<IIII", table, 0xFFFFFFFF, name, name)
    return Part(Kind.RESULT_METADATA, bytes(out + names.data), len(columns))


def parameter_metadata(columns: Sequence[Column], version: int) -> Part:
    """What a statement's parameters are; all of them go in."""
    names, out = _Names(), bytearray()
    for column in columns:
        length, scale = _size(column)
        out += struct.pack("<bbbb", 2 if column.nullable else 1, type_of(column, version), 1, 0)
        out += struct.pack("<IhhI", names.offset(column.name), length, scale, 0)
    return Part(Kind.PARAMETER_METADATA, bytes(out + names.data), len(columns))


# -- values -----------------------------------------------------------------------------------------------------------

_FIRST_DAY = datetime.datetime(1, 1, 1)
# HANA counts from 0001-01-01 of the Julian calendar: two days before Python's, for every date of the Gregorian one.
_SHIFT = datetime.timedelta(days=2)
_NULL_LONGDATE, _NULL_SECONDDATE, _NULL_DAYDATE, _NULL_SECONDTIME = (
    3155380704000000001,
    315538070401,
    3652062,
    86402,
)
_MANTISSA = (1 << 113) - 1


class Lob:
    """A large value with its pieces; characters are UTF-16 units, as in HANA."""

    def __init__(self, type_: Type, value: str | bytes) -> None:
        self.type = type_
        self._width = 1 if isinstance(value, bytes) else 2
        self._data = value if isinstance(value, bytes) else value.encode("utf-16-le", "surrogatepass")

    def __len__(self) -> int:
        return len(self._data) // self._width

    def piece(self, start: int, length: int) -> tuple[bytes, bool]:
        """Bytes of at most ``length`` characters from ``start`` (from 0), with whether they are the last."""
        start, end = max(start, 0) * self._width, (max(start, 0) + max(length, 0)) * self._width
        raw = self._data[start:end]
        return raw if self._width == 1 else units_to_cesu8(raw), end >= len(self._data)

    def bytes(self) -> int:
        """Its size on the wire."""
        return len(self._data) if self._width == 1 else len(units_to_cesu8(self._data))


Keep = Callable[[Lob], int]


def _decimal(value: Decimal | int | None) -> bytes:
    if value is None:
        return bytes(15) + b"\x70"
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"no DECIMAL: {value}")
    mantissa, power = int("".join(map(str, digits))), exponent + 6176
    if mantissa > _MANTISSA or not 0 <= power < 1 << 14:
        raise ValueError(f"too long for a DECIMAL: {value}")
    return (mantissa | power << 113 | sign << 127).to_bytes(16, "little")


def _longdate(value: datetime.datetime | None) -> bytes:
    if value is None:
        return struct.pack("<q", _NULL_LONGDATE)
    return struct.pack("<q", (value - _FIRST_DAY + _SHIFT) // datetime.timedelta(microseconds=1) * 10 + 1)


def _seconddate(value: datetime.datetime | None) -> bytes:
    if value is None:
        return struct.pack("<q", _NULL_SECONDDATE)
    return struct.pack("<q", (value - _FIRST_DAY + _SHIFT) // datetime.timedelta(seconds=1) + 1)


def _daydate(value: datetime.date | None) -> bytes:
    return struct.pack("<i", _NULL_DAYDATE if value is None else value.toordinal() + _SHIFT.days)


def _secondtime(value: datetime.time | None) -> bytes:
    seconds = None if value is None else value.hour * 3600 + value.minute * 60 + value.second
    return struct.pack("<i", _NULL_SECONDTIME if seconds is None else seconds + 1)


def _old_date(value: datetime.date | None) -> bytes:
    return bytes(4) if value is None else struct.pack("<HBB", value.year | 0x8000, value.month - 1, value.day)


def _old_time(value: datetime.time | datetime.datetime | None) -> bytes:
    if value is None:
        return bytes(4)
    return struct.pack("<BBH", value.hour | 0x80, value.minute, value.second * 1000 + value.microsecond // 1000)


def _old_timestamp(value: datetime.datetime | None) -> bytes:
    return _old_date(value) + _old_time(value)


def _boolean(value: bool | None) -> bytes:
    return b"\x01" if value is None else b"\x02" if value else b"\x00"


def _double(value: float | None) -> bytes:
    return b"\xff" * 8 if value is None else struct.pack("<d", value)


_ENCODERS: dict[Type, Callable[[Any], bytes]] = {
    Type.DECIMAL: _decimal,
    Type.DOUBLE: _double,
    Type.BOOLEAN: _boolean,
    Type.VARCHAR: lambda value: b"\xff" if value is None else string(cesu8(value)),
    Type.NVARCHAR: lambda value: b"\xff" if value is None else string(cesu8(value)),
    Type.VARBINARY: lambda value: b"\xff" if value is None else string(bytes(value)),
    Type.LONGDATE: _longdate,
    Type.SECONDDATE: _seconddate,
    Type.DAYDATE: _daydate,
    Type.SECONDTIME: _secondtime,
    Type.TIMESTAMP: _old_timestamp,
    Type.DATE: _old_date,
    Type.TIME: _old_time,
}


def encode(type_: Type, value: Any, keep: Keep) -> bytes:
    """A value of a row; ``keep`` takes a LOB, to be asked for more of it under the number that it returns.

    Raises:
        TypeError, ValueError, struct.error, OverflowError: the value is not one of the type.
    """
    if type_ in _INTEGERS:
        return b"\x00" if value is None else b"\x01" + struct.pack(_INTEGERS[type_], value)
    if type_ not in _LOBS:
        return _ENCODERS[type_](value)
    code = _LOBS[type_]
    if value is None:
        return bytes([code, 1])
    lob = Lob(type_, value)
    piece, last = lob.piece(0, PIECE)
    state = 6 if last else 2
    return struct.pack("<BBxxqqQi", code, state, len(lob), lob.bytes(), keep(lob), len(piece)) + piece


# -- parameters -------------------------------------------------------------------------------------------------------


@dataclass
class Incoming:
    """A LOB parameter, complete or with pieces still to come."""

    type: Type
    data: bytearray
    complete: bool

    def add(self, data: bytes, last: bool) -> None:
        """The next piece."""
        self.data += data
        self.complete = last

    def value(self) -> str | bytes:
        """What it holds.

        Raises:
            Malformed: it is no text.
        """
        return bytes(self.data) if self.type is Type.BLOB else uncesu8(bytes(self.data))


def _parameter(reader: Reader) -> Any:
    """One value; of a LOB its type with its state, its size, since the bytes stand behind the row."""
    code = reader.number("<B")
    if code & 0x80:
        return None
    try:
        type_ = Type(code)
    except ValueError:
        raise Malformed(f"a parameter of type {code}") from None
    if type_ in _INTEGERS:
        return reader.number(_INTEGERS[type_])
    if type_ in _TEXT:
        raw = reader.string()
        return None if raw is None else uncesu8(raw)
    if type_ in _BINARY:
        return reader.string()
    if type_ in _LOBS:
        state, size, _position = reader.number("<B"), reader.number("<i"), reader.number("<i")
        return type_, bool(state & 4), size
    return _DECODERS[type_](reader)


def _read_decimal(reader: Reader) -> Decimal | None:
    number = int.from_bytes(reader.take(16), "little")
    if number >> 120 & 0x70 == 0x70:
        return None
    digits = tuple(map(int, str(number & _MANTISSA)))
    return Decimal((number >> 127, digits, (number >> 113 & 0x3FFF) - 6176))


def _read_longdate(reader: Reader) -> datetime.datetime:
    return _FIRST_DAY + (datetime.timedelta(microseconds=(reader.number("<q") - 1) // 10) - _SHIFT)


def _read_seconddate(reader: Reader) -> datetime.datetime:
    return _FIRST_DAY + (datetime.timedelta(seconds=reader.number("<q") - 1) - _SHIFT)


def _read_daydate(reader: Reader) -> datetime.date:
    return datetime.date.fromordinal(reader.number("<i") - _SHIFT.days)


def _read_secondtime(reader: Reader) -> datetime.time:
    seconds = reader.number("<i") - 1
    return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _read_old_date(reader: Reader) -> datetime.date:
    return datetime.date(reader.number("<H") & 0x7FFF, reader.number("<B") + 1, reader.number("<B"))


def _read_old_time(reader: Reader) -> datetime.time:
    hour, minute, milliseconds = reader.number("<B") & 0x7F, reader.number("<B"), reader.number("<H")
    return datetime.time(hour, minute, milliseconds // 1000, milliseconds % 1000 * 1000)


_DECODERS: dict[Type, Callable[[Reader], Any]] = {
    Type.BOOLEAN: lambda reader: bool(reader.number("<B")),
    Type.REAL: lambda reader: reader.number("<f"),
    Type.DOUBLE: lambda reader: reader.number("<d"),
    Type.DECIMAL: _read_decimal,
    Type.LONGDATE: _read_longdate,
    Type.SECONDDATE: _read_seconddate,
    Type.DAYDATE: _read_daydate,
    Type.SECONDTIME: _read_secondtime,
    Type.DATE: _read_old_date,
    Type.TIME: _read_old_time,
    Type.TIMESTAMP: lambda reader: datetime.datetime.combine(_read_old_date(reader), _read_old_time(reader)),
}


def parameters(part: Part, width: int) -> list[list[Any]]:
    """The rows of a part of parameters, ``width`` values each; a LOB is an :class:`Incoming`.

    The bytes of a row's LOBs stand behind the row in the order of its columns. Where they begin is stated as well, but
    counted differently from driver to driver.

    Raises:
        Malformed: a value runs past the end or is none of its type.
    """
    reader, rows = Reader(part.data), []
    # Without values nothing would end a loop over a count that is only said.
    for _index in range(part.count if width else 0):
        try:
            row = [_parameter(reader) for _column in range(width)]
        except (ValueError, OverflowError) as error:
            raise error if isinstance(error, Malformed) else Malformed(f"no value of its type: {error}") from error
        for index, value in enumerate(row):
            if isinstance(value, tuple):
                type_, complete, size = value
                row[index] = Incoming(type_, bytearray(reader.take(size)), complete)
        rows.append(row)
    return rows


# -- LOBs -------------------------------------------------------------------------------------------------------------


def read_lob_request(part: Part) -> tuple[int, int, int]:
    """Locator, start (from 0), length that a client asks for."""
    reader = Reader(part.data)
    locator, start, length = reader.number("<Q"), reader.number("<q"), reader.number("<i")
    return locator, start - 1, length


def read_lob_reply(locator: int, piece: bytes, last: bool) -> Part:
    """A piece of a LOB."""
    return Part(Kind.READ_LOB_REPLY, struct.pack("<QBi3x", locator, 6 if last else 2, len(piece)) + piece)


def write_lob_request(part: Part) -> list[tuple[int, bytes, bool]]:
    """Locator, bytes, whether they are the last, of every piece; it goes to the end of its LOB."""
    reader, found = Reader(part.data), []
    for _index in range(part.count):
        locator, state, _offset, size = (reader.number(form) for form in ("<Q", "<B", "<q", "<i"))
        found.append((locator, reader.take(size), bool(state & 4)))
    return found


def write_lob_reply(locators: Sequence[int]) -> Part:
    """The LOBs that still wait for pieces."""
    return Part(Kind.WRITE_LOB_REPLY, struct.pack(f"<{len(locators)}Q", *locators), len(locators))
