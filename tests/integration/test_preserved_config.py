# SPDX-License-Identifier: GPL-3.0-or-later
"""A refresh as a whole, with an export that is not the one that was made; the module runs as a process on the host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.env import collection
from tests.simulator.launch import ROOT, Simulator

MODULE = "ansible_collections.basis.landscape.plugins.modules.sap_preserved_config"
COMMANDS = ROOT / "tests" / "simulator" / "commands"
LANDSCAPE = {
    "hosts": [{"name": "qasapp1"}],
    "systems": [{"name": "QAS", "type": "abap", "simulation": {"abap": {"jobs": []}}}],
    "instances": [{"name": "D01", "system": "QAS", "host": "qasapp1", "number": "01", "kind": "dialog"}],
}
# A row that holds a secret of the target, which nothing may show.
SECRET = {"NAME": "/HMAC/SM59", "VALUE": "A-planted-Secret-1"}


class Target:
    """The system that is refreshed."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.home = Path(simulator.info["hosts"]["qasapp1"]["home"])
        self.folder = self.home / "kept"
        self.shown = ""
        simulator.abap("QAS", "table", name="RSECTAB", rows=[SECRET])

    def call(self, state: str, *, sid: str = "QAS", check: bool = False, **options: Any) -> dict[str, Any]:
        """Run the module."""
        self.home.mkdir(parents=True, exist_ok=True)
        given = {
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "state": state,
            "confirm_sid": sid,
            "directory": str(self.folder),
            "timeout": 30,
            **options,
        }
        environment = {
            **os.environ,
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "BASIS_SIMULATED_HOST": self.simulator.info["hosts"]["qasapp1"]["door"],
            "HOME": str(self.home),
            "SAPSYSTEMNAME": "QAS",
            "PYTHONPATH": str(collection.link(ROOT)),
        }
        done = subprocess.run(
            [sys.executable, "-m", MODULE],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
            capture_output=True,
            text=True,
            env=environment,
            timeout=90,
            check=False,
        )
        self.shown += done.stdout + done.stderr
        assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    def content(self) -> dict[str, Any]:
        """The tables of the system that have rows."""
        return dict(self.simulator.abap("QAS")["tables"])

    def refresh(self) -> None:
        """What a refresh does: the rows of production are in the tables."""
        for name in self.content():
            row = {"RFCDEST": "PRDCLNT100"} if name == "RFCDES" else {"NAME": name, "VALUE": "PRD 1"}
            self.simulator.abap("QAS", "table", name=name, rows=[row])

    def manifest(self, **fields: Any) -> None:
        """Change what the manifest says."""
        path = self.folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}), encoding="utf-8")

    def data(self) -> Path:
        """The data file."""
        (found,) = self.folder.glob("*.dat")
        return found


@pytest.fixture
def target() -> Iterator[Target]:
    with Simulator.start(LANDSCAPE) as simulator:
        yield Target(simulator)


@pytest.mark.parametrize("compare", ["counts", "rows"])
def test_a_refresh_and_what_the_system_keeps_over_it(target: Target, compare: str) -> None:
    before = target.content()
    made = target.call("exported")
    assert made["changed"] and len(made["tables"]) == 67, made
    target.refresh()
    assert target.content() != before
    back = target.call("imported", compare=compare)
    assert back["changed"], back
    after = target.content()
    kept = {row["name"] for row in back["tables"]}
    assert {name: rows for name, rows in after.items() if name in kept} == {
        name: rows for name, rows in before.items() if name in kept
    }
    assert {name for name in after if after[name] != before.get(name)} == {"SXPGCOSTAB", "TPFET", "TSP03", "BTCCTL"}, (
        "of groups that are not taken unasked"
    )
    assert {row["name"] for row in back["tables"] if row["found"] != row["rows"]} == set()
    modes = {path.name: path.stat().st_mode & 0o777 for path in target.folder.iterdir() if path.suffix != ".log"}
    assert set(modes.values()) == {0o600} and target.folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.suffix for path in target.folder.iterdir()) == [".dat", ".json", ".log", ".log"]
    shown = target.shown + "".join(path.read_text() for path in target.folder.iterdir() if path.suffix != ".dat")
    assert SECRET["VALUE"] not in shown + json.dumps(target.simulator.journal())


def test_equal_numbers_of_other_rows_are_seen_by_rows_alone(target: Target) -> None:
    only = {"groups": [], "tables": [{"name": "RSECTAB"}]}
    assert target.call("exported", **only)["changed"]
    target.refresh()
    for compare, reason in (("rows", "not_restored"), ("counts", None)):
        target.simulator.fault("r3trans_idle", times=1)
        result = target.call("imported", compare=compare)
        assert (result["error"]["reason"] if result.get("failed") else None) == reason, result
    assert target.content()["RSECTAB"] != [SECRET]


def spoiled(target: Target) -> None:
    data = target.data()
    data.write_bytes(data.read_bytes()[:-1] + b"x")


def half(target: Target) -> None:
    data = target.data()
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


BAD: dict[str, tuple[Callable[[Target], Any], str, str]] = {
    "no manifest": (
        lambda target: (target.folder / "manifest.json").unlink(),
        "no_export",
        "there is no manifest.json",
    ),
    "another system": (lambda target: target.manifest(sid="PRD"), "wrong_system", "it is of PRD, not of QAS"),
    "another format": (lambda target: target.manifest(format=7), "manifest", "its format is 7"),
    "not JSON": (lambda target: (target.folder / "manifest.json").write_text("{"), "manifest", "it is not JSON"),
    "no table": (lambda target: target.manifest(tables=[]), "manifest", "it has no table"),
    "another content": (spoiled, "data_file", "its content is not what was exported"),
    "half of the data": (half, "data_file", "bytes, and"),
    "no data": (lambda target: target.data().unlink(), "data_file", "No such file"),
    "another checksum": (lambda target: target.manifest(sha256="0" * 64), "data_file", "its content is not"),
    "an open folder": (lambda target: target.folder.chmod(0o755), "open_folder", "others can enter it"),
}


def test_an_export_that_is_not_what_was_made_is_refused_before_anything_is_touched(target: Target) -> None:
    for case, (spoil, reason, words) in BAD.items():
        target.folder = target.home / case.replace(" ", "_")
        assert target.call("exported", groups=["rfc"])["changed"]
        spoil(target)
        last = len(target.simulator.journal())
        for check in (True, False):
            result = target.call("imported", check=check)
            assert result.get("failed") and result["error"]["reason"] == reason, (case, result)
            assert words in result["msg"] and not result["changed"], (case, result)
        assert target.simulator.journal(last) == [], f"{case}: R3trans was started"


def test_a_damaged_export_is_replaced_only_on_request(target: Target) -> None:
    assert target.call("exported", groups=["rfc"])["changed"]
    spoiled(target)
    refused = target.call("exported", groups=["rfc"])
    assert refused["error"]["reason"] == "export_exists" and "its content is not" in refused["msg"]
    (target.folder / "manifest.json").write_text("{", encoding="utf-8")
    refused = target.call("exported", groups=["rfc"])
    assert refused["error"]["reason"] == "export_exists" and "not JSON" in refused["msg"]
    made = target.call("exported", groups=["rfc"], replace=True)
    while made.get("failed") and made["error"].get("cure") == "Run again in a second":  # exports are named by seconds
        made = target.call("exported", groups=["rfc"], replace=True)
    assert made["changed"] and Path(made["set_aside"]).name.startswith("unreadable-"), made
    assert not target.call("exported", groups=["rfc"])["changed"]
