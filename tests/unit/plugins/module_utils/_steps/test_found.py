# SPDX-License-Identifier: GPL-3.0-or-later
"""The instances of a host, by its sockets and its start file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._steps.found import (
    Known,
    read_services,
    services,
    sockets,
)

CLASSIC = (
    "LD_LIBRARY_PATH=/usr/sap/PRD/D01/exe:$LD_LIBRARY_PATH; export LD_LIBRARY_PATH; "
    "/usr/sap/PRD/D01/exe/sapstartsrv pf=/usr/sap/PRD/SYS/profile/PRD_D01_prdapp1 -D -u prdadm"
)
SYSTEMD = "systemctl --no-ask-password start SAPPRD_00 # sapstartsrv pf=/usr/sap/PRD/SYS/profile/PRD_ASCS00_prd-cs"
DATABASE = "systemctl start SAPHDP_02 # sapstartsrv pf=/usr/sap/HDP/SYS/profile/HDP_HDB02_db.example.com"


def test_start_file() -> None:
    assert services("\n".join(["#!/bin/sh", CLASSIC, SYSTEMD, DATABASE])) == {
        "01": Known("PRD", "01", "D01", "prdapp1"),
        "00": Known("PRD", "00", "ASCS00", "prd-cs"),
        "02": Known("HDP", "02", "HDB02", "db.example.com"),
    }


@pytest.mark.parametrize("line", ["", "#" + CLASSIC, "  # " + SYSTEMD, "sapstartsrv pf=/tmp/other", "pf=/x/prd_D01_h"])
def test_lines_that_name_no_instance(line: str) -> None:
    assert services(line) == {}


def test_a_start_file_that_is_missing_is_not_one_that_names_nothing(tmp_path: Path) -> None:
    assert read_services(str(tmp_path / "sapservices")) is None
    (tmp_path / "sapservices").write_text("#!/bin/sh\n")
    assert read_services(str(tmp_path / "sapservices")) == {}


def test_a_start_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        read_services(str(tmp_path))


def test_sockets(tmp_path: Path) -> None:
    for name in (".sapstream50113", ".sapstream50013", ".sapstream501xx", ".sapstream5a113", ".sapstream50114"):
        (tmp_path / name).write_text("")
    assert sockets(str(tmp_path / ".sapstream5{nr}13")) == ["00", "01"]


def test_a_template_without_a_number_finds_nothing(tmp_path: Path) -> None:
    assert sockets(str(tmp_path / "socket")) == []


def test_a_folder_with_signs_of_a_pattern_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    (folder / "s42").write_text("")
    assert sockets(str(folder / "s{nr}")) == ["42"]
