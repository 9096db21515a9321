# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of the RFC protocol as values, on the server's side.

Nothing here opens a socket or keeps a state. Three layers: NI (a length before each record), the gateway's records
(APPC headers of 80 bytes), the fields of a record's body. The layouts are those that the clients erpl-pyrfc,
saprfclib send and accept, with names from the Wireshark plug-in of SecureAuth; what stands for nothing that is known
is sent as real servers were seen to send it. A client's bytes are not trusted: every length is checked against what
is there before anything is done with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

RECORD_LIMIT = 16 * 1024 * 1024
REQUEST_LIMIT = 64 * 1024 * 1024  # of the pieces of one request together
HEADER_SIZE = 80
CODE_PAGE = b"4103"  # Unicode, little endian
PING, PONG = b"NI_PING\0", b"NI_PONG\0"
MARK = "RFC000000000".encode("cp037")  # before the fields of a logon, in EBCDIC
END = b"\xff\xff\x00\x00\xff\xff"

_HEADER = struct.Struct(">BBBBHHHBB4sBIBIHHBBII8s28sHH")
_LONG = 0xFFFF


class Malformed(ValueError):
    """The client's bytes are not what the protocol says; the text says where."""


class Verb(IntEnum):
    """What a gateway record is for."""

    INITIALIZE = 0x01
    ALLOCATE = 0x05
    SEND_PIECE = 0x08
    RECEIVE = 0x09
    DEALLOCATE = 0x0B
    SET_PARTNER = 0x0F
    SEND = 0xCB
    CANCEL = 0xD5


class Tag(IntEnum):
    """What a field holds."""

    INSTANCE = 0x0008
    KIND = 0x0011
    RELEASE = 0x0012
    KERNEL = 0x0013
    CODE_PAGE = 0x0016
    START = 0x0101
    FUNCTION = 0x0102
    PROTOCOL = 0x0103
    CAPABILITIES = 0x0106
    USER = 0x0111
    CLIENT = 0x0114
    LANGUAGE = 0x0115
    PASSWORD = 0x0117
    PROGRAM = 0x0130
    SESSION_USER = 0x0150
    SESSION_CLIENT = 0x0151
    SESSION_LANGUAGE = 0x0152
    LOGON_STATUS = 0x0161
    NAME = 0x0201
    VALUE = 0x0203
    WANTED = 0x0205
    TABLE = 0x0301
    TABLE_SIZE = 0x0302
    ROW = 0x0303
    PACKED_ROW = 0x0304
    PACKED_ROWS = 0x0305
    TABLE_NUMBER = 0x0330
    KEY = 0x0401
    TEXT = 0x0402
    MESSAGE_TEXT = 0x0404
    VARIABLE_1 = 0x0411
    VARIABLE_2 = 0x0412
    VARIABLE_3 = 0x0413
    VARIABLE_4 = 0x0414
    MESSAGE_CLASS = 0x0415
    MESSAGE_TYPE = 0x0416
    MESSAGE_NUMBER = 0x0417
    RETURN_CODE = 0x0420
    SID = 0x0450
    DATABASE_HOST = 0x0451
    SYSTEM_NUMBER = 0x0452
    HOST = 0x0453
    REPLY = 0x0500
    OKAY = 0x0503
    PARAMETERS = 0x0512
    NONCE = 0x0514
    TIMING = 0x0667
    XML_SECTION = 0x3C02
    XML = 0x3C05


VARIABLES = (Tag.VARIABLE_1, Tag.VARIABLE_2, Tag.VARIABLE_3, Tag.VARIABLE_4)


def utf16(text: str) -> bytes:
    """Text as Unicode systems write it; a lone half of a pair stays one."""
    return text.encode("utf-16-le", "surrogatepass")


def text(raw: bytes) -> str:
    """The text of such bytes.

    Raises:
        Malformed: there is half a character at the end.
    """
    if len(raw) % 2:
        raise Malformed(f"a text of {len(raw)} bytes")
    return raw.decode("utf-16-le", "surrogatepass")


# -- NI with the gateway's records ------------------------------------------------------------------------------------


def framed(record: bytes) -> bytes:
    """A record with its length before it."""
    return struct.pack(">I", len(record)) + record


def length(prefix: bytes) -> int:
    """The length that the next record announces.

    Raises:
        Malformed: it is more than ``RECORD_LIMIT``.
    """
    size = int(struct.unpack(">I", prefix)[0])
    if size > RECORD_LIMIT:
        raise Malformed(f"a record of {size} bytes, at most {RECORD_LIMIT} are taken")
    return size


def greeting(record: bytes) -> bytes:
    """The answer to a gateway's normal client: the same record with the code page, the flags of our side.

    Raises:
        Malformed: it is too short.
    """
    if len(record) < 64:
        raise Malformed(f"a greeting of {len(record)} bytes")
    answer = bytearray(record)
    answer[20:24], answer[29], answer[55] = CODE_PAGE, 0x0F, 0xFB
    return bytes(answer)


def verb(record: bytes) -> int:
    """What a gateway record is for: a number of :class:`Verb`, or one not known here.

    Raises:
        Malformed: it is no such record.
    """
    if len(record) < HEADER_SIZE:
        raise Malformed(f"a record of {len(record)} bytes has no header")
    if record[0] != 6:
        raise Malformed(f"version {record[0]} of the gateway protocol is not spoken")
    return record[1]


def _record(function: Verb, conversation: bytes, parameters: bytes, *rest: int, start: bytes = b"") -> bytes:
    info3, timeout, info4, sequence, size, info, kind = rest
    return _HEADER.pack(
        6, function, 2, 0, 0xFFFF, 0, 0, 0, 0, start, info3, timeout, info4, sequence, size, 0, info, kind, 0, 0,
        conversation, parameters, 0, 4,
    )  # fmt: skip


def initialized(record: bytes, conversation: bytes) -> bytes:
    """The answer to INITIALIZE: its own header with the conversation's id."""
    head = record[:HEADER_SIZE]
    return head[:21] + b"\x06" + head[22:40] + conversation + head[48:76] + b"\x00\x00\x00\x04"


def allocated(conversation: bytes) -> bytes:
    """The answer to ALLOCATE."""
    return _record(Verb.ALLOCATE, conversation, bytes(21) + CODE_PAGE, 1, 0, 2, 0, 0, 1, 0)


def sent(function: int, conversation: bytes, body: bytes) -> bytes:
    """A reply: complete, the client's turn."""
    parameters = struct.pack(">IIII", 28000, 2, len(body), 1) + bytes(5) + CODE_PAGE
    start = b"\x00\x01\x00\x00"
    return _record(Verb(function), conversation, parameters, 1, 500, 2, 1, 8, 5, 0x0C, start=start) + body


# -- fields -----------------------------------------------------------------------------------------------------------


def tagged(tag: int, data: bytes = b"") -> bytes:
    """A field between its tags."""
    mark = struct.pack(">H", tag)
    size = len(data)
    return mark + (struct.pack(">H", size) if size < _LONG else struct.pack(">HI", _LONG, size)) + data + mark


def fields(body: bytes) -> list[tuple[int, bytes]]:
    """The fields of a body; what follows their end is a trailer of no use to a server.

    Raises:
        Malformed: a field runs past the end of the body or is not closed, or the end is missing.
    """
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(body)
    while at + 4 <= size:
        tag, count = struct.unpack_from(">HH", body, at)
        at += 4
        if tag == 0xFFFF:
            return found
        if count == _LONG:
            if at + 4 > size:
                break
            count = struct.unpack_from(">I", body, at)[0]
            at += 4
        if at + count + 2 > size:
            raise Malformed(f"field {tag:#06x} of {count} bytes at {at}, the body has {size}")
        if struct.unpack_from(">H", body, at + count)[0] != tag:
            raise Malformed(f"field {tag:#06x} at {at} is not closed")
        found.append((tag, body[at : at + count]))
        at += count + 2
    raise Malformed("the fields have no end")


# -- logon ------------------------------------------------------------------------------------------------------------

# Found from logons with a known password; equal to the table that others published.
_TABLE = bytes.fromhex(
    "f0ed53b83244f1f876c67959fd4f13a2c15195ec5483c234774943a27de26596"
    "5e5398789a17a33cd383a8b829fbdca555d702778413acddf9b83116610e6dfa"
)


def scramble(seed: int, data: bytes) -> bytes:
    """What a password looks like on the wire, or the password of such bytes: the way there is the way back."""
    start = (seed >> 5) ^ (seed * 2) ^ seed
    return bytes(
        byte ^ _TABLE[(start + at) & 63] ^ (((0xFFFFFFFF + seed * at) & 0xFFFFFFFF) * at & 0xFF)
        for at, byte in enumerate(data)
    )


@dataclass(frozen=True)
class Logon:
    """Who wants in; ``password`` is None when none was sent."""

    client: str
    user: str
    password: str | None = field(repr=False)
    language: str


def is_logon(body: bytes) -> bool:
    """Whether a body begins as a logon."""
    return body.startswith(MARK)


def logon(body: bytes) -> Logon:
    """The logon of a body.

    Raises:
        Malformed: it is none.
    """
    given = dict(fields(body[len(MARK) :] if is_logon(body) else body))
    if Tag.USER not in given or Tag.CLIENT not in given:
        raise Malformed("a logon without user or client")
    password = None
    if Tag.PASSWORD in given:
        raw = given[Tag.PASSWORD]
        if len(raw) < 4:
            raise Malformed(f"a password field of {len(raw)} bytes")
        password = scramble(struct.unpack("<I", raw[:4])[0], raw[4:]).decode("latin-1")
    client, user, language = (
        given.get(tag, b"").decode("latin-1").strip() for tag in (Tag.CLIENT, Tag.USER, Tag.LANGUAGE)
    )
    return Logon(client, user.upper(), password, language)


@dataclass(frozen=True)
class Place:
    """What a server says about itself."""

    sid: str
    host: str
    number: str
    database_host: str = ""
    release: str = "758"
    kernel: str = "793"

    @property
    def instance(self) -> str:
        """The instance's name as SM51 shows it."""
        return f"{self.host}_{self.sid}_{self.number}"

    def fields(self, *, refused: bool) -> bytes:
        """The fields; to a client that is refused in single bytes."""

        def one(tag: Tag, value: str) -> bytes:
            return tagged(tag, value.encode("ascii", "replace") if refused else utf16(value))

        return b"".join(
            (
                tagged(Tag.START, bytes.fromhex("0101010101010000")),
                tagged(Tag.PROTOCOL, bytes.fromhex("00000e0b")),
                tagged(Tag.CAPABILITIES, bytes.fromhex("0401000300030200000023")),
                tagged(Tag.LOGON_STATUS, b"\x00"),
                one(Tag.CODE_PAGE, "1100"),
                one(Tag.SID, self.sid),
                one(Tag.DATABASE_HOST, self.database_host or self.host),
                one(Tag.SYSTEM_NUMBER, self.number),
                one(Tag.HOST, self.host),
                one(Tag.INSTANCE, self.instance),
                one(Tag.KIND, "3"),
                one(Tag.KERNEL, self.kernel.ljust(4)),
                one(Tag.RELEASE, self.release.ljust(4)),
            )
        )


def logged_on(place: Place, who: Logon, nonce: bytes) -> bytes:
    """The body that lets a client in."""
    session = (Tag.SESSION_USER, who.user), (Tag.SESSION_CLIENT, who.client), (Tag.SESSION_LANGUAGE, who.language)
    return (
        place.fields(refused=False) + b"".join(tagged(tag, utf16(value)) for tag, value in session) + _good(nonce) + END
    )


def refused(place: Place, why: str) -> bytes:
    """The body that does not."""
    reason = tagged(Tag.TEXT, why.encode("latin-1", "replace"))
    return place.fields(refused=True) + tagged(Tag.REPLY) + reason + END


# -- calls ------------------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """A call: the values as bytes, in which the function's description alone finds a meaning."""

    function: str = ""
    wanted: set[str] = field(default_factory=set)
    values: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, list[bytes]] = field(default_factory=dict)
    xml: bytes = b""


def call(body: bytes) -> Call:
    """The call of a body.

    Raises:
        Malformed: it is none, or its rows are packed, which no server has to be ready for that never offered it.
    """
    made, name = Call(), ""
    for tag, data in fields(body):
        if tag == Tag.FUNCTION:
            made.function = text(data)
        elif tag == Tag.WANTED:
            made.wanted.add(text(data))
        elif tag == Tag.NAME:
            name = text(data)
        elif tag == Tag.VALUE:
            made.values[name] = data
        elif tag == Tag.TABLE:
            name = text(data)
            made.tables[name] = []
        elif tag == Tag.ROW:
            if name not in made.tables:
                raise Malformed(f"a row of {name or 'nothing'}, which is no table")
            made.tables[name].append(data)
        elif tag in (Tag.PACKED_ROW, Tag.PACKED_ROWS):
            raise Malformed("packed rows are not simulated")
        elif tag == Tag.XML:
            made.xml += data
    if not made.function:
        raise Malformed("a call without a function")
    return made


@dataclass(frozen=True)
class Table:
    """The rows of a table; ``number`` is its place among the function's parameters."""

    name: str
    number: int
    width: int
    rows: Sequence[bytes]

    def fields(self) -> bytes:
        """As fields."""
        head = (
            tagged(Tag.TABLE, utf16(self.name)),
            tagged(Tag.TABLE_NUMBER, struct.pack(">I", self.number)),
            tagged(Tag.TABLE_SIZE, struct.pack(">II", self.width, len(self.rows))),
        )
        return b"".join((*head, *(tagged(Tag.ROW, row) for row in self.rows)))


def _good(nonce: bytes) -> bytes:
    """The beginning of what went well."""
    return (
        tagged(Tag.REPLY)
        + tagged(Tag.OKAY)
        + tagged(Tag.NONCE, nonce)
        + tagged(Tag.RETURN_CODE, bytes(4))
        + tagged(Tag.PARAMETERS)
    )


def returned(
    nonce: bytes,
    names: Iterable[str],
    values: Iterable[tuple[str, bytes]],
    tables: Iterable[Table],
    xml: Iterable[tuple[str, str]] = (),
    program: str = "",
) -> bytes:
    """The body of a call that returned; ``names`` are the outputs that are no table parameters."""
    parts = [_good(nonce), *(tagged(Tag.WANTED, utf16(name)) for name in names)]
    for name, content in xml:
        inner = tagged(Tag.XML, f"<{name}>{content}</{name}>".encode())
        parts.append(tagged(Tag.XML_SECTION) + inner + tagged(Tag.XML_SECTION))
    parts += (tagged(Tag.NAME, utf16(name)) + tagged(Tag.VALUE, value) for name, value in values)
    parts += (table.fields() for table in tables)
    parts += (tagged(Tag.PROGRAM, utf16(program.ljust(40)[:40])), tagged(Tag.TIMING, bytes(8)), END)
    return b"".join(parts)


def raised(message_text: str, message: Sequence[str] = (), key: str = "") -> bytes:
    """The body of a call that did not: a message (its class, type, number, variables), a classic exception's key.

    Clients show the first text they find, so it stands before the variables; those stand before the key, as captured. A
    number there is always, 000 for none: without it saprfclib does not see an exception.
    """
    kind, type_, number, *variables = message or ("", "", "000")
    parts: list[tuple[Tag, str]] = [
        (Tag.MESSAGE_TEXT if kind else Tag.TEXT, message_text),
        (Tag.MESSAGE_CLASS, kind),
        (Tag.MESSAGE_TYPE, type_),
        (Tag.MESSAGE_NUMBER, number),
        *zip(VARIABLES, variables, strict=False),
        (Tag.KEY, key),
    ]
    return tagged(Tag.REPLY) + b"".join(tagged(tag, utf16(value)) for tag, value in parts if value) + END
