# SPDX-License-Identifier: GPL-3.0-or-later
"""Records, fields, logons of the RFC protocol; the expected bytes are written out from the published layouts."""

from __future__ import annotations

import hashlib
import struct

import pytest

from tests.simulator.rfc import wire
from tests.simulator.rfc.wire import Malformed, Tag

END = "ffff0000ffff"
ECHO = "saprfc_capture_test"


def test_field() -> None:
    assert wire.tagged(0x0201, b"ab").hex() == "0201" + "0002" + "6162" + "0201"
    assert wire.tagged(0x0503).hex() == "050300000503"
    assert wire.tagged(0x0203, bytes(0xFFFE))[:4].hex() == "0203fffe"
    assert wire.tagged(0x0203, bytes(0xFFFF))[:8].hex() == "0203ffff0000ffff"


@pytest.mark.parametrize("count", [0, 1, 0xFFFE, 0xFFFF, 70_000])
def test_fields_there_and_back(count: int) -> None:
    body = wire.tagged(0x0203, b"x" * count) + wire.tagged(0x0503)
    assert wire.fields(body + wire.END + b"trailer!") == [(0x0203, b"x" * count), (0x0503, b"")]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "0201",
        "02010002",
        "020100026162",
        "0201000261620202" + END,
        "0201ffff",
        "0201ffff7fffffff" + END,
        "0201fffe" + END,
        "050300000503",
    ],
)
def test_fields_that_are_none(body: str) -> None:
    with pytest.raises(Malformed):
        wire.fields(bytes.fromhex(body))


def test_a_record_is_not_believed_to_be_of_any_length() -> None:
    assert wire.length(b"\x00\x00\x00\x50") == 80
    with pytest.raises(Malformed):
        wire.length(b"\x7f\xff\xff\xff")


def test_records_without_a_header() -> None:
    assert wire.verb(b"\x06\xcb" + bytes(78)) == 0xCB
    for record in (b"", b"\x06\xcb" + bytes(77), b"\x05\xcb" + bytes(78)):
        with pytest.raises(Malformed):
            wire.verb(record)
    with pytest.raises(Malformed):
        wire.greeting(b"\x02\x03")


def test_greeting() -> None:
    asked = b"\x02\x03" + bytes(18) + b"1100" + bytes(40)
    answer = wire.greeting(asked)
    assert len(answer) == 64
    assert answer[20:24] == b"4103"
    assert (answer[29], answer[55]) == (0x0F, 0xFB)


def test_initialized() -> None:
    asked = b"\x06\x01" + bytes(range(2, 80)) + bytes(373)
    answer = wire.initialized(asked, b"00000007")
    assert len(answer) == 80
    assert (answer[21], answer[40:48], answer[76:80]) == (6, b"00000007", b"\x00\x00\x00\x04")
    assert answer[:21] + answer[22:40] + answer[48:76] == asked[:21] + asked[22:40] + asked[48:76]


def test_allocated() -> None:
    expected = "06050200" + "ffff" + "00000000" + "0000" + "00000000" + "01" + "00000000" + "02"
    expected += "00000000" + "0000" + "0000" + "01" + "00" + "00000000" * 2 + b"00000007".hex()
    expected += "00" * 21 + b"4103".hex() + "00" * 3 + "0000" + "0004"
    assert wire.allocated(b"00000007").hex() == expected


def test_reply_header() -> None:
    expected = "06cb0200" + "ffff" + "00000000" + "0000" + "00010000" + "01" + "000001f4" + "02"
    expected += "00000001" + "0008" + "0000" + "05" + "0c" + "00000000" * 2 + b"00000007".hex()
    expected += "00006d60" + "00000002" + "00000003" + "00000001" + "00" * 5 + b"4103".hex() + "00" * 3
    expected += "0000" + "0004" + b"abc".hex()
    assert wire.sent(0xCB, b"00000007", b"abc").hex() == expected
    assert len(wire.sent(0xCB, b"00000007", b"")) == 80


def test_returned() -> None:
    """A reply of one scalar with one table."""

    def text(value: str) -> str:
        return "".join(f"{ord(letter):02x}00" for letter in value)

    expected = "050000000500" + "050300000503" + "05140010" + "ab" * 16 + "0514" + "0420000400000000" + "0420"
    expected += "051200000512"
    expected += "02050004" + text("EX") + "0205"
    expected += "02010004" + text("EX") + "0201" + "02030002" + text("F") + "0203"
    expected += "03010002" + text("T") + "0301" + "0330000400000003" + "0330"
    expected += "030200080000000400000002" + "0302" + "0303000401020304" + "0303" + "0303000405060708" + "0303"
    expected += "01300050" + text("SAPLX".ljust(40)) + "0130" + "06670008" + "00" * 8 + "0667" + END
    table = wire.Table("T", 3, 4, [b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"])
    got = wire.returned(b"\xab" * 16, ["EX"], [("EX", b"F\x00")], [table], program="SAPLX")
    assert got.hex() == expected


def test_raised() -> None:
    def tags(body: bytes) -> list[tuple[int, str]]:
        return [(tag, wire.text(value)) for tag, value in wire.fields(body)]

    key = "".join(f"{ord(letter):02x}00" for letter in "EXAMPLE")
    assert wire.raised("", (), "EXAMPLE").hex() == (
        "050000000500" + "04170006" + "300030003000" + "0417" + "0401000e" + key + "0401" + END
    )
    assert tags(wire.raised("No such job", ("XM", "E", "049", "A", "B"), "NOT_FOUND")) == [
        (Tag.REPLY, ""),
        (Tag.MESSAGE_TEXT, "No such job"),
        (Tag.MESSAGE_CLASS, "XM"),
        (Tag.MESSAGE_TYPE, "E"),
        (Tag.MESSAGE_NUMBER, "049"),
        (Tag.VARIABLE_1, "A"),
        (Tag.VARIABLE_2, "B"),
        (Tag.KEY, "NOT_FOUND"),
    ]
    assert tags(wire.raised("Bare")) == [
        (Tag.REPLY, ""),
        (Tag.TEXT, "Bare"),
        (Tag.MESSAGE_NUMBER, "000"),
    ]


# -- replies that others captured from real systems -------------------------------------------------------------------
#
# They are published in the repository randomstr1ng/saprfclib, tests/golden/framing, at commit
# a414bd5acc235382a38247b147566029e1cfacf1 (MPL-2.0). Its files are not copied: what is compared is described there
# field by field, or known here by its SHA-256.


def test_a_captured_reply_of_stfc_connection() -> None:
    """stfc_connection_response.bin, SAP 7.58 of 2026-06-26: 1276 bytes after the header, but for the time it took."""
    said = "SAP R/3 Rel. 758   Sysid: A4H      Date: 20260626   Time: 111353   Logon_Data: 001/DEVELOPER/E"
    values = [(name, wire.utf16(text.ljust(255))) for name, text in (("ECHOTEXT", ECHO), ("RESPTEXT", said))]
    nonce = bytes.fromhex("00012ea9581f1fe19caa03b58666279d")
    ours = wire.returned(nonce, ["ECHOTEXT", "RESPTEXT"], values, [], program="SAPLSTFC")
    assert len(ours) == 1276
    assert ours[1256:1270].hex() == "06670008" + "00" * 8 + "0667", "the captured one has 74.0 there"
    captured = "0fc43818e60ce2c2bf0ea042ec4c9e45a87b9b16cd8780714929699bc5af7272"
    assert hashlib.sha256(ours).hexdigest() == captured


def test_a_captured_header_of_a_reply() -> None:
    """The 80 bytes before it, but for the last one, the index of the connection: 1 there, 4 in the next capture."""
    captured = (
        "06cb0200ffff0000000000000001000001000001f4020000000100080000050c0000000000000000"
        "373535363834343200006d6000000002000004fc0000000100000000003431303300000000000001"
    )
    assert wire.sent(0xCB, b"75568442", bytes(1276))[:79].hex() == captured[:-2]


def test_a_captured_exception() -> None:
    """stfc_exception_response.bin, SAP 7.58: the reply to RAISE EXAMPLE, header with body, every byte."""
    captured = (
        "06cb0200ffff0000000000000001000001000001f4020000000100080000050c0000000000000000"
        "363031343736313500006d60000000020000002c0000000100000000003431303300000000000004"
        "050000000500" "0417000630003000300004170401000e4500580041004d0050004c0045000401" "ffff0000ffff"
    )  # fmt: skip
    assert wire.sent(0xCB, b"60147615", wire.raised("", (), "EXAMPLE")).hex() == captured


def test_a_captured_exception_with_the_variables_of_its_message() -> None:
    """exception_msg_variables_response.json, kernel 793 of 2026-09-01: every field at its place after the header."""
    described = [
        (86, "0415", "00"),
        (96, "0416", "E"),
        (104, "0417", "398"),
        (116, "0411", "ALPHA1"),
        (134, "0412", "BRAVO2"),
        (152, "0413", "CHARLIE3"),
        (174, "0414", "DELTA4"),
        (192, "0401", "FOUR_VARIABLES"),
    ]
    expected = "050000000500"
    for place, tag, text in described:
        assert place == 80 + len(expected) // 2
        expected += tag + f"{2 * len(text):04x}" + "".join(f"{ord(letter):02x}00" for letter in text) + tag
    values = [text for _place, _tag, text in described]
    assert wire.raised("", values[:-1], values[-1]).hex() == expected + END
    assert len(expected + END) == 2 * 152


def _logon(*fields: tuple[int, bytes]) -> bytes:
    return bytes.fromhex("d9c6c3f0f0f0f0f0f0f0f0f0") + b"".join(wire.tagged(*one) for one in fields) + wire.END


@pytest.mark.parametrize("seed", [0, 1, 0x12345678, 0xFFFFFFFF])
def test_a_logon(seed: int) -> None:
    hidden = struct.pack("<I", seed) + wire.scramble(seed, b"Secret01")
    assert b"Secret01" not in hidden
    body = _logon((0x114, b"100"), (0x111, b"batch"), (0x117, hidden), (0x115, b"E"))
    assert wire.is_logon(body)
    who = wire.logon(body)
    assert who == wire.Logon("100", "BATCH", "Secret01", "E")
    assert "Secret01" not in repr(who)


def test_a_logon_without_a_password() -> None:
    assert wire.logon(_logon((0x114, b"100"), (0x111, b"BATCH"))).password is None
    for fields in ([(0x111, b"BATCH")], [(0x114, b"100")], [(0x114, b"100"), (0x111, b"A"), (0x117, b"xyz")]):
        with pytest.raises(Malformed):
            wire.logon(_logon(*fields))


def test_a_call() -> None:
    u = wire.utf16
    body = b"".join(
        wire.tagged(*one)
        for one in (
            (0x102, u("Z_X")),
            (0x205, u("OUT")),
            (0x201, u("IN")),
            (0x203, b"\x01"),
            (0x301, u("TAB")),
            (0x302, bytes(8)),
            (0x303, b"ab"),
            (0x303, b"cd"),
        )
    )
    call = wire.call(body + wire.END)
    assert (call.function, call.wanted, call.values) == ("Z_X", {"OUT"}, {"IN": b"\x01"})
    assert call.tables == {"TAB": [b"ab", b"cd"]}


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(0x205, b"A\x00")],
        [(0x102, b"A")],
        [(0x102, b"A\x00"), (0x303, b"row")],
        [(0x102, b"A\x00"), (0x301, b"T\x00"), (0x305, b"packed")],
    ],
)
def test_calls_that_are_none(fields: list[tuple[int, bytes]]) -> None:
    with pytest.raises(Malformed):
        wire.call(b"".join(wire.tagged(*one) for one in fields) + wire.END)
