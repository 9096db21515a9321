# SPDX-License-Identifier: GPL-3.0-or-later
"""Control files as they are published, logs as they are published, others that are not understood.

The lines of lists and of exports were printed by real systems, as others published them.
"""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import wire
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table

BANNER = """This is R3trans version 6.26 (release 753 - 17.01.22 - 17:53:42 ).
unicode enabled version
R3trans finished (0000).
"""
LIST = """4 ETW000 REP  CVERS                          *
4 ETW000 ** 102 ** EA-DFPS                       806       0000      N
4 ETW000 ** 102 ** S4CORE                        106       0000000000R
4 ETW000 REP  PRDVERS                        *
4 ETW000 ** 394 ** 73554900100900005134S4HANA ON PREMISE             2021             +20231215105300
"""


def test_control_files() -> None:
    tables = [Table("RFCDES"), Table("TVARVC", "NAME like 'Z%'")]
    assert wire.export_file(tables, "all", "/kept/x.dat").splitlines() == [
        "export",
        "client = all",
        "file = '/kept/x.dat'",
        "delete from RFCDES",
        "select * from RFCDES",
        "delete from TVARVC where NAME like 'Z%'",
        "select * from TVARVC where NAME like 'Z%'",
    ]
    assert "delete" not in wire.export_file(tables, "100", "/kept/x.dat", empty=False)
    assert wire.import_file("100", "/kept/x.dat") == "import\nclient = 100\nfile = '/kept/x.dat'\n"
    assert "client" not in wire.import_file("all", "/kept/x.dat")
    for path in ("/it's/x.dat", "/a\nb"):
        with pytest.raises(BadInput, match="cannot be told"):
            wire.import_file("all", path)


@pytest.mark.parametrize(("text", "found"), [("all", "all"), (" ALL ", "all"), ("000", "000"), ("100", "100")])
def test_clients(text: str, found: str) -> None:
    assert wire.client_number(text) == found


@pytest.mark.parametrize("text", ["", "1", "1000", "10a", "default"])
def test_what_is_no_client(text: str) -> None:
    with pytest.raises(BadInput, match="three digits"):
        wire.client_number(text)


def test_what_is_printed() -> None:
    assert wire.finished(BANNER) == 0
    assert wire.version(BANNER) == "6.26 (release 753 - 17.01.22 - 17:53:42 )"
    assert wire.finished("R3trans finished (0012).\n") == 12
    assert (wire.finished("Segmentation fault"), wire.version("")) == (None, "")


def test_counts_of_an_export() -> None:
    reading = wire.Reading([wire.COUNTS], [wire.MISSING])
    log = """4 ETW000 > select * from RFCDES
4 ETW000   0 entries from SMODILOG exported (PROGZPROG
4 ETW000   1 entry from TADIR exported (R3TRPROGZPROG
4 ETW000   12 entries from RFCDES exported
4 ETW000   3 entries from RFCDES exported
4 ETW000 REPOS ZPROG                                    AM exported
"""
    assert reading.counts(log) == {"SMODILOG": 0, "TADIR": 1, "RFCDES": 15}
    assert reading.missing("2EETW000 table RFCGO does not exist\n2EETW000 Table RFCTA does not exist") == [
        "RFCGO",
        "RFCTA",
    ]
    assert reading.counts("") == {} and reading.missing(log) == []


def test_own_patterns() -> None:
    reading = wire.Reading([r"^(?P<table>\w+)\|(?P<count>[\d.]*)$"], [])
    assert reading.counts("RFCDES|1.234\nRFCGO|\n") == {"RFCDES": 1234}
    for counts, missing, words in (
        (["("], [], "is no pattern"),
        (["(?P<table>x)"], [], "lacks the group count"),
        ([], ["x"], "lacks the group table"),
    ):
        with pytest.raises(BadInput, match=words):
            wire.Reading(counts, missing)


def test_a_list_of_a_data_file() -> None:
    found = wire.listed(LIST.splitlines())
    assert {name: one.rows for name, one in found.items()} == {"CVERS": 2, "PRDVERS": 1}
    lines = LIST.splitlines()
    turned = wire.listed([lines[0], lines[2], lines[1], *lines[3:]])
    assert turned == found, "the order of rows says nothing"
    other = wire.listed(LIST.replace("806", "807").splitlines())
    assert other["CVERS"].rows == 2 and other["CVERS"].digest != found["CVERS"].digest
    assert other["PRDVERS"] == found["PRDVERS"]
    assert wire.listed(["4 ETW000 ** 3 ** abc"]) == {}, "a row of no table"


def test_last_words() -> None:
    log = "4 ETW000 begin\n2EETW000 table X does not exist\n3WETW000 odd\n4 ETW000 end\n"
    assert wire.last_words(log) == ["2EETW000 table X does not exist"]
    assert wire.last_words("one\n\ntwo\nthree", 2) == ["two", "three"]
