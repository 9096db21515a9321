# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec against bytes that were written by hand from the layouts of the drivers, not by the codec."""

from __future__ import annotations

import datetime
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.hana import wire
from tests.simulator.hana.answers import Column
from tests.simulator.hana.wire import Kind, Malformed, Part, Type


def keep(lob: wire.Lob) -> int:
    return 7


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("SELECT", "53454c454354"),
        ("ü", "c3bc"),
        ("漢", "e6bca2"),
        ("😀", "eda0bdedb880"),  # D83D DE00, each on its own
    ],
)
def test_cesu8(text: str, raw: str) -> None:
    assert wire.cesu8(text).hex() == raw
    assert wire.uncesu8(bytes.fromhex(raw)) == text


def test_real_utf8_is_understood() -> None:
    assert wire.uncesu8("😀".encode()) == "😀"


@pytest.mark.parametrize("raw", ["ff", "c3", "eda0bd", "edb880", "f09f98"])
def test_no_text(raw: str) -> None:
    with pytest.raises(Malformed):
        wire.uncesu8(bytes.fromhex(raw))


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert wire.uncesu8(wire.cesu8(text)) == text


# -- values -----------------------------------------------------------------------------------------------------------

MOMENT = datetime.datetime(1970, 1, 1, 0, 0, 0, 1)
VALUES: list[tuple[Type, Any, str]] = [
    (Type.TINYINT, 255, "01ff"),
    (Type.TINYINT, None, "00"),
    (Type.SMALLINT, -2, "01feff"),
    (Type.SMALLINT, None, "00"),
    (Type.INTEGER, 258, "0102010000"),
    (Type.INTEGER, None, "00"),
    (Type.BIGINT, -1, "01ffffffffffffffff"),
    (Type.BIGINT, None, "00"),
    (Type.DOUBLE, 1.5, "000000000000f83f"),
    (Type.DOUBLE, None, "ff" * 8),
    (Type.BOOLEAN, False, "00"),
    (Type.BOOLEAN, None, "01"),
    (Type.BOOLEAN, True, "02"),
    (Type.VARCHAR, "", "00"),
    (Type.VARCHAR, "abc", "03616263"),
    (Type.VARCHAR, None, "ff"),
    (Type.NVARCHAR, "😀", "06eda0bdedb880"),
    (Type.NVARCHAR, "b" * 245, "f5" + "62" * 245),
    (Type.NVARCHAR, "b" * 246, "f6f600" + "62" * 246),
    (Type.NVARCHAR, "b" * 32768, "f700800000" + "62" * 32768),
    (Type.NVARCHAR, None, "ff"),
    (Type.VARBINARY, b"\x00\xff", "0200ff"),
    (Type.VARBINARY, None, "ff"),
    # 113 bits of digits, 14 of the exponent + 6176: 0x1820 for 0, shifted by one into the last two bytes.
    (Type.DECIMAL, Decimal(0), "00" * 14 + "4030"),
    (Type.DECIMAL, Decimal("1.5"), "0f" + "00" * 13 + "3e30"),
    (Type.DECIMAL, Decimal("-1.5"), "0f" + "00" * 13 + "3eb0"),
    (Type.DECIMAL, Decimal("1E+3"), "01" + "00" * 13 + "4630"),
    (Type.DECIMAL, None, "00" * 15 + "70"),
    # Julian day 2440588 less 1721424 is day 719164, from 0; times 86400 s of 10,000,000 ticks, one tick, ten for 1 us.
    (Type.LONGDATE, MOMENT, struct.pack("<q", 719164 * 864_000_000_000 + 1 + 10).hex()),
    (Type.LONGDATE, None, struct.pack("<q", 3155380704000000001).hex()),
    (Type.SECONDDATE, MOMENT, struct.pack("<q", 719164 * 86_400 + 1).hex()),
    (Type.SECONDDATE, None, struct.pack("<q", 315538070401).hex()),
    # Julian day 2451545, from 1: two more than Python's ordinal 730120.
    (Type.DAYDATE, datetime.date(2000, 1, 1), struct.pack("<i", 730122).hex()),
    (Type.DAYDATE, None, struct.pack("<i", 3652062).hex()),
    (Type.SECONDTIME, datetime.time(0, 0, 0), "01000000"),
    (Type.SECONDTIME, datetime.time(23, 59, 59), struct.pack("<i", 86400).hex()),
    (Type.SECONDTIME, None, struct.pack("<i", 86402).hex()),
    # Year 07d9h with 80h for "not null", month from 0, hour with 80h, milliseconds.
    (Type.TIMESTAMP, datetime.datetime(2009, 12, 31, 23, 59, 58, 123456), "d987" + "0b1f" + "973b" + "0be3"),
    (Type.TIMESTAMP, None, "00" * 8),
    (Type.DATE, datetime.date(2009, 1, 2), "d9870002"),
    (Type.DATE, None, "00" * 4),
    (Type.TIME, datetime.time(1, 2, 3), "8102b80b"),
    (Type.TIME, None, "00" * 4),
    (Type.BLOB, b"\x05", "01060000" + "01" + "00" * 7 + "01" + "00" * 7 + "07" + "00" * 7 + "01000000" + "05"),
    (Type.CLOB, "a", "02060000" + "01" + "00" * 7 + "01" + "00" * 7 + "07" + "00" * 7 + "01000000" + "61"),
    # Two characters, six bytes.
    (
        Type.NCLOB,
        "😀",
        "03060000" + "02" + "00" * 7 + "06" + "00" * 7 + "07" + "00" * 7 + "06000000" + "eda0bdedb880",
    ),
    (Type.BLOB, None, "0101"),
    (Type.CLOB, None, "0201"),
    (Type.NCLOB, None, "0301"),
]


@pytest.mark.parametrize(("type_", "value", "raw"), VALUES, ids=lambda value: str(value)[:20])
def test_value(type_: Type, value: Any, raw: str) -> None:
    assert wire.encode(type_, value, keep).hex() == raw


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("Infinity"), Decimal(1 << 113), Decimal("1E+10208"), Decimal("1E-6177")]
)
def test_what_is_no_decimal(value: Decimal) -> None:
    with pytest.raises(ValueError, match="DECIMAL"):
        wire.encode(Type.DECIMAL, value, keep)


def test_a_large_lob_comes_with_its_first_piece() -> None:
    raw = wire.encode(Type.NCLOB, "é" * 2000, keep)
    assert raw[:4] == b"\x03\x02\x00\x00"
    assert struct.unpack_from("<qqQi", raw, 4) == (2000, 4000, 7, 2048)
    assert raw[32:] == "é".encode() * 1024


def test_pieces_of_a_lob() -> None:
    lob = wire.Lob(Type.NCLOB, "aé😀b")
    assert (len(lob), lob.bytes()) == (5, 10)
    assert lob.piece(1, 1) == ("é".encode(), False)
    assert lob.piece(2, 1) == (bytes.fromhex("eda0bd"), False)
    assert lob.piece(3, 99) == (bytes.fromhex("edb88062"), True)
    assert lob.piece(5, 1) == lob.piece(2**62, 2**31 - 1) == (b"", True)
    assert lob.piece(-5, 2) == (b"a\xc3\xa9", False)
    assert lob.piece(0, -1) == (b"", False)
    assert wire.Lob(Type.BLOB, b"abc").piece(1, 2) == (b"bc", True)


@pytest.mark.parametrize(
    ("name", "at_1", "at_4", "at_8"),
    [
        ("TIMESTAMP", 16, 61, 61),
        ("SECONDDATE", 16, 62, 62),
        ("DATE", 14, 63, 63),
        ("TIME", 15, 64, 64),
        ("BOOLEAN", 1, 1, 28),
        ("INTEGER", 3, 3, 3),
        ("DECIMAL", 5, 5, 5),
        ("NVARCHAR", 11, 11, 11),
        ("NCLOB", 26, 26, 26),
    ],
)
def test_type_by_data_format_version(name: str, at_1: int, at_4: int, at_8: int) -> None:
    assert [int(wire.type_of(Column("X", name), version)) for version in (1, 4, 8)] == [at_1, at_4, at_8]


# -- parameters -------------------------------------------------------------------------------------------------------

PARAMETERS: list[tuple[str, Any]] = [
    ("01ff", 255),
    ("02feff", -2),
    ("0302010000", 258),
    ("04ffffffffffffffff", -1),
    ("83", None),
    ("050f" + "00" * 13 + "3eb0", Decimal("-1.5")),
    ("05" + "00" * 15 + "70", None),
    ("060000c03f", 1.5),
    ("07000000000000f83f", 1.5),
    ("1c01", True),
    ("1c00", False),
    ("9c", None),
    ("0b06eda0bdedb880", "😀"),
    ("1dff", None),
    ("0bf6f600" + "62" * 246, "b" * 246),
    ("0d0200ff", b"\x00\xff"),
    ("3d" + struct.pack("<q", 719164 * 864_000_000_000 + 11).hex(), MOMENT),
    ("3d" + struct.pack("<q", 2 * 864_000_000_000 + 1).hex(), datetime.datetime(1, 1, 1)),
    ("3e" + struct.pack("<q", 719164 * 86_400 + 1).hex(), datetime.datetime(1970, 1, 1)),
    ("3f" + struct.pack("<i", 730122).hex(), datetime.date(2000, 1, 1)),
    ("40" + struct.pack("<i", 86400).hex(), datetime.time(23, 59, 59)),
    ("10" + "d987" + "0b1f" + "973b" + "0be3", datetime.datetime(2009, 12, 31, 23, 59, 58, 123000)),
    ("0ed9870002", datetime.date(2009, 1, 2)),
    ("0f8102b80b", datetime.time(1, 2, 3)),
]


@pytest.mark.parametrize(("raw", "value"), PARAMETERS, ids=lambda value: str(value)[:20])
def test_parameter(raw: str, value: Any) -> None:
    assert wire.parameters(Part(Kind.PARAMETERS, bytes.fromhex(raw)), 1) == [[value]]


@pytest.mark.parametrize("raw", [raw for raw, value in PARAMETERS if len(raw) > 2], ids=lambda value: value[:20])
def test_parameter_that_runs_past_the_end(raw: str) -> None:
    with pytest.raises(Malformed):
        wire.parameters(Part(Kind.PARAMETERS, bytes.fromhex(raw)[:-1]), 1)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "63",  # no type
        "0bf8",  # no length
        "0bf6ffff",  # a negative one
        "0bf7ffffff7f",
        "0b01ff",
        "3f00000000",  # before the first day
        "3dffffffffffffff7f",
        "40ffffff7f",
        "0e00800d01",
        "0f99ff0000",
        "1a04ffffffff00000000",
        "1b04ffffff7f00000000",
    ],
)
def test_what_is_no_parameter(raw: str) -> None:
    with pytest.raises(Malformed):
        wire.parameters(Part(Kind.PARAMETERS, bytes.fromhex(raw)), 1)


def test_lobs_stand_behind_their_row() -> None:
    row = "0305000000" + "1a04020000000c000000" + "1b02010000000e000000" + "9b"
    data = bytes.fromhex(row + "c3a9" + "07" + row + "c3bc" + "08")
    rows = wire.parameters(Part(Kind.PARAMETERS, data, 2), 4)
    assert [[getattr(value, "data", value) for value in row] for row in rows] == [
        [5, "é".encode(), b"\x07", None],
        [5, "ü".encode(), b"\x08", None],
    ]
    text, binary = rows[0][1:3]
    assert (text.complete, text.value()) == (True, "é")
    assert (binary.complete, binary.type) == (False, Type.BLOB)
    binary.add(b"\x09", last=True)
    assert (binary.complete, binary.value()) == (True, b"\x07\x09")


def test_a_count_without_values_is_not_believed() -> None:
    assert wire.parameters(Part(Kind.PARAMETERS, b"", 2**31 - 1), 0) == []
    with pytest.raises(Malformed):
        wire.parameters(Part(Kind.PARAMETERS, bytes.fromhex("0302010000"), 2**31 - 1), 1)


def test_lob_requests() -> None:
    read = bytes.fromhex("0700000000000000" + "0101000000000000" + "e8030000" + "00000000")
    assert wire.read_lob_request(Part(Kind.READ_LOB_REQUEST, read)) == (7, 256, 1000)
    write = bytes.fromhex("0700000000000000" + "06" + "ff" * 8 + "02000000" + "c3a9")
    assert wire.write_lob_request(Part(Kind.WRITE_LOB_REQUEST, write * 2, 2)) == [(7, "é".encode(), True)] * 2
    for size in range(len(write)):
        with pytest.raises(Malformed):
            wire.write_lob_request(Part(Kind.WRITE_LOB_REQUEST, write[:size]))
    assert wire.read_lob_reply(7, b"ab", True).data.hex() == "0700000000000000" + "06" + "02000000" + "000000" + "6162"
    assert wire.write_lob_reply([7, 8]).data.hex() == "0700000000000000" + "0800000000000000"


# -- authentication, options ------------------------------------------------------------------------------------------


def test_fields() -> None:
    raw = bytes.fromhex("0300" + "01aa" + "fa" + "bb" * 250 + "ff00fb" + "cc" * 251)
    assert wire.fields(b"\xaa", b"\xbb" * 250, b"\xcc" * 251) == raw
    assert wire.parse_fields(raw) == [b"\xaa", b"\xbb" * 250, b"\xcc" * 251]


@pytest.mark.parametrize("raw", ["", "01", "0100", "010002aa", "0100fb", "0100ff01", "0100ff0102aa", "ff7f00"])
def test_what_are_no_fields(raw: str) -> None:
    with pytest.raises(Malformed):
        wire.parse_fields(bytes.fromhex(raw))


@pytest.mark.parametrize("count", ["0100", "0001"])
def test_proof_with_either_order_of_its_count(count: str) -> None:
    assert wire.client_proof(bytes.fromhex(count + "20" + "ab" * 32)) == b"\xab" * 32


def test_options() -> None:
    part = wire.options(Kind.CONNECT_OPTIONS, {1: 258, 4: True, 45: "QÄS", 2: 3}, wide=[2])
    assert part.data.hex() == "010302010000" + "041c01" + "2d1d040051c38453" + "02040300000000000000"
    assert part.count == 4
    assert wire.parse_options(part) == {1: 258, 4: True, 45: "QÄS", 2: 3}
    assert wire.parse_options(Part(42, bytes.fromhex("05210200beef"))) == {5: b"\xbe\xef"}
    for size in range(len(part.data)):
        with pytest.raises(Malformed):
            wire.parse_options(Part(Kind.CONNECT_OPTIONS, part.data[:size], 4))
    with pytest.raises(Malformed, match="option 1 has type 99"):
        wire.parse_options(Part(Kind.CONNECT_OPTIONS, b"\x01\x63"))


# -- metadata ---------------------------------------------------------------------------------------------------------


def test_result_metadata() -> None:
    columns = [
        Column("A", "INTEGER", nullable=False, table="T"),
        Column("B", "NVARCHAR", 5000, table="T"),
        Column("C", "DECIMAL", 10, 2),
    ]
    part = wire.result_metadata(columns, 8)
    none = "ffffffff"
    assert part.data.hex() == (
        "01" + "03" + "0000" + "0a00" + "0000" + "00000000" + none + "02000000" * 2
        + "02" + "0b" + "0000" + "8813" + "0000" + "00000000" + none + "04000000" * 2
        + "02" + "05" + "0200" + "0a00" + "0000" + none + none + "06000000" * 2
        + "0154" + "0141" + "0142" + "0143"
    )  # fmt: skip
    assert part.count == 3


def test_decimal_without_a_precision_is_a_floating_one() -> None:
    assert struct.unpack_from("<bbhh", wire.result_metadata([Column("A", "DECIMAL")], 8).data) == (2, 5, 32767, 34)


def test_parameter_metadata() -> None:
    part = wire.parameter_metadata([Column("", "TIMESTAMP"), Column("N", "NCLOB", 2**31 - 1)], 1)
    assert part.data.hex() == (
        "02100100" + "ffffffff" + "1b00" + "0700" + "00000000"
        + "021a0100" + "00000000" + "ff7f" + "0000" + "00000000"
        + "014e"
    )  # fmt: skip


# -- messages ---------------------------------------------------------------------------------------------------------


def message(*parts: str, type_: int = 2, commit: int = 1, count: int | None = None) -> bytes:
    """A request's segment."""
    body = bytes.fromhex("".join(parts))
    head = struct.pack("<iihhbBBB8x", 24 + len(body), 0, len(parts) if count is None else count, 1, 1, type_, commit, 8)
    return head + body


COMMAND = "03000100" + "00000000" + "04000000" + "00000000" + "53454c21" + "00000000"


def test_request() -> None:
    found = wire.request(message(COMMAND, "0c00ffff" + "00000100" + "00000000" + "00000000"))
    assert (found.type, found.commit) == (2, True)
    assert found.part(Kind.COMMAND) == Part(3, b"SEL!", 1, 0)
    assert found.parts[12].count == 65536
    with pytest.raises(Malformed, match="no part PARAMETERS"):
        found.part(Kind.PARAMETERS)


def test_header() -> None:
    raw = struct.pack("<qiIIhBBiI", 5, 9, 64 * 1024 * 1024, 99, 1, 2, 0, 0, 0)
    assert wire.header(raw) == wire.Header(5, 9, 64 * 1024 * 1024, True)
    with pytest.raises(Malformed, match="at most 67108864"):
        wire.header(struct.pack("<qiIIhBBiI", 5, 9, 64 * 1024 * 1024 + 1, 99, 1, 2, 0, 0, 0))
    with pytest.raises(Malformed, match="0 segments"):
        wire.header(bytes(32))
    with pytest.raises(Malformed):
        wire.header(raw[:-1])


@pytest.mark.parametrize("size", range(len(message(COMMAND)) - 4))
def test_truncated_request(size: int) -> None:
    with pytest.raises(Malformed):
        wire.request(message(COMMAND)[:size])


@pytest.mark.parametrize(
    "raw",
    [
        message(COMMAND, count=2),
        message("03000100" + "00000000" + "ffffffff" + "00000000"),
        message("03000100" + "00000000" + "ffffff7f" + "00000000"),
        b"\x17\x00\x00\x00" + message(COMMAND)[4:],
        b"\xff\xff\xff\x7f" + message(COMMAND)[4:],
        b"\xff\xff\xff\xff" + message(COMMAND)[4:],
    ],
)
def test_what_is_no_request(raw: bytes) -> None:
    with pytest.raises(Malformed):
        wire.request(raw)


def test_reply() -> None:
    raw = wire.reply(5, 9, wire.Function.INSERT, [wire.affected([7])])
    assert raw.hex() == (
        "0500000000000000" + "09000000" + "30000000" + "30000000" + "0100" + "0000" + "00000000" + "00000000"
        + "30000000" + "00000000" + "0100" + "0100" + "02" + "00" + "0200" + "00" * 8
        + "0c00" + "0100" + "00000000" + "04000000" + "00000000" + "07000000" + "00000000"
    )  # fmt: skip
    many = wire.reply(0, 0, 2, [wire.affected([1] * 40_000)])
    assert struct.unpack_from("<bbhii", many, 56) == (12, 0, -1, 40_000, 160_000)


def test_error() -> None:
    part = wire.error(257, "nö", "HY000", 3)
    assert part.data.hex() == "01010000" + "03000000" + "03000000" + "01" + "4859303030" + "6ec3b6"
    assert wire.reply(0, 0, 0, [part], error=True)[44] == 5


@given(st.binary(max_size=200), st.integers(-5, 5), st.integers(0, 4))
def test_any_bytes_are_read_or_malformed(data: bytes, count: int, width: int) -> None:
    part = Part(0, data, count)
    readers: list[Any] = [
        lambda: wire.request(data),
        lambda: wire.request(message(count=3)[:24] + data),
        lambda: wire.header(data),
        lambda: wire.parse_fields(data),
        lambda: wire.client_proof(data),
        lambda: wire.parse_options(part),
        lambda: wire.parameters(part, width),
        lambda: wire.read_lob_request(part),
        lambda: wire.write_lob_request(part),
        lambda: wire.uncesu8(data),
    ]
    for read in readers:
        try:
            read()
        except Malformed:
            pass


@given(
    st.sampled_from([Type.LONGDATE, Type.SECONDDATE, Type.DAYDATE, Type.SECONDTIME, Type.DECIMAL, Type.DOUBLE]),
    st.data(),
)
def test_values_come_back(type_: Type, data: st.DataObject) -> None:
    strategies: dict[Type, st.SearchStrategy[Any]] = {
        Type.LONGDATE: st.datetimes(),
        Type.SECONDDATE: st.datetimes().map(lambda value: value.replace(microsecond=0)),
        Type.DAYDATE: st.dates(),
        Type.SECONDTIME: st.times().map(lambda value: value.replace(microsecond=0)),
        Type.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=7).filter(lambda v: abs(v) < 10**26),
        Type.DOUBLE: st.floats(allow_nan=False),
    }
    value = data.draw(strategies[type_])
    raw = bytes([type_]) + wire.encode(type_, value, keep)
    assert wire.parameters(Part(Kind.PARAMETERS, raw), 1) == [[value]]
