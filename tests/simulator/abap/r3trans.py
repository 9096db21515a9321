# SPDX-License-Identifier: GPL-3.0-or-later
"""The program ``R3trans`` of a simulated ABAP system: rows of its tables into a file, or back.

Published: the options, return codes 0, 4, 8, 12, the first and last lines that are printed, ``export`` and ``import``
with ``client``, ``file``, ``select * from``, comments; that client 000 is the default, and that an import goes to the
clients of the export; of logs ``3 entries from RFCDES exported``; of lists ``REP  RFCDES  *`` and ``** 102 ** row``.
From memory: that an import carries out the ``delete from`` of the export, with its condition. Invented: every other
word of a log, the form of a data file, that the other tables are done when one is missing, which tables can be written.
A file is named by its path below the host's home folder, or from there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .system import AbapSystem
from .tables import Row, Table, shown
from .where import BadCondition, Condition
from .world import AbapWorld

Result = tuple[int, str]
MAGIC = b"R3TRANS simulated 1\n"
WARNING, ERROR, FATAL = 4, 8, 12
KILLED = 137
OPTION = re.compile(r"(\w+)\s*=\s*('[^']*'|\S+)")
SELECTION = re.compile(r"(select\s+\*|delete)\s+from\s+([A-Z0-9_/]+)(?:\s+where\s+(.+))?", re.IGNORECASE)
OPTIONS = frozenset({"client", "file", "compress", "language", "recclient", "trace", "charset"})


class Trouble(Exception):
    """R3trans ends here, with a return code and a last line in its log."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Step:
    """One step of a control file."""

    verb: str
    options: dict[str, str] = field(default_factory=dict)
    # Of each line: whether it deletes, the table, the condition.
    lines: list[tuple[bool, str, str]] = field(default_factory=list)


def control(text: str) -> list[Step]:
    """The steps of a control file.

    Raises:
        Trouble: a line is none of its grammar.
    """
    steps: list[Step] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.lower() in ("export", "import"):
            steps.append(Step(line.lower()))
            continue
        option, selected = OPTION.fullmatch(line), SELECTION.fullmatch(line)
        if steps and option and option[1].lower() in OPTIONS and not steps[-1].lines:
            steps[-1].options[option[1].lower()] = option[2].strip("'")
        elif steps and selected and steps[-1].verb == "export":
            delete = selected[1].lower() == "delete"
            steps[-1].lines.append((delete, selected[2].upper(), (selected[3] or "").strip()))
        else:
            raise Trouble(FATAL, f"syntax error in line {number} of the control file: {line[:40]}")
    if not steps:
        raise Trouble(FATAL, "the control file has no step")
    return steps


def system_of(world: AbapWorld, host: str, caller: str) -> AbapSystem | None:
    """The ABAP system that a command on a host is about: by the caller's name, else the first one there."""
    names = {instance.system for instance in world.landscape.instances.values() if instance.host == host}
    here = [system for system in world.systems.values() if system.name in names]
    return next((system for system in here if caller == f"{system.sid.lower()}adm"), here[0] if here else None)


class R3trans:
    """One run of the program on a host."""

    def __init__(self, system: AbapSystem, host: str, home: Path) -> None:
        self.system, self.host, self.home = system, host, home.resolve()
        self.log: list[str] = []
        self.code = 0

    def run(self, argv: list[str]) -> Result:
        """What it ends with, what it prints."""
        flags, files, words = set(), {}, []
        rest = iter(argv)
        for word in rest:
            if word in ("-w", "-i", "-l"):
                files[word] = next(rest, "")
            elif word.startswith("-"):
                flags.add(word)
            else:
                words.append(word)
        try:
            if flags - {"-d", "-x", "-v"} or len(words) > 1 or not (flags & {"-d", "-x"} or files or words):
                raise Trouble(FATAL, "usage: R3trans [-d] [-v] [-w <log>] [-i <file>] [-l <file>] [<control file>]")
            self._say(f"R3trans was called as follows: R3trans {' '.join(argv)}")
            self._connect("list" if "-l" in files else "connect")
            if "-l" in files:
                self._list(files["-l"], "-v" in flags)
            elif "-i" in files:
                self._import(Step("import", {"file": files["-i"]}))
            elif words:
                for step in control(self._text(words[0])):
                    self._export(step) if step.verb == "export" else self._import(step)
        except Trouble as trouble:
            self._say(str(trouble), "2E")
            self.code = max(self.code, trouble.code)
        if self.code == KILLED:
            return KILLED, ""
        self._say(f"End of Transport ({self.code:04d}).")
        try:
            self._write(files.get("-w", "trans.log"), "\n".join([*self.log, ""]).encode())
        except Trouble:
            self.code = FATAL
        head = f"This is R3trans version 6.26 (release {self.system.options.kernel} - 01.09.26 - 12:00:00 )."
        return self.code, f"{head}\nunicode enabled version\nR3trans finished ({self.code:04d}).\n"

    # -- files --------------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        path = (self.home / name).resolve()
        if not name or not path.is_relative_to(self.home):
            raise Trouble(FATAL, f"file '{name}' cannot be opened")
        return path

    def _bytes(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except OSError as error:
            raise Trouble(FATAL, f"file '{name}' cannot be opened: {error.strerror}") from error

    def _text(self, name: str) -> str:
        return self._bytes(name).decode("utf-8", "replace")

    def _write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        try:
            path.touch(0o600)
            path.write_bytes(content)
        except OSError as error:
            raise Trouble(FATAL, f"file '{name}' cannot be written: {error.strerror}") from error

    def _load(self, name: str) -> dict[str, Any]:
        raw = self._bytes(name)
        body, digest = raw[len(MAGIC) : -32], raw[-32:]
        if not raw.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
            raise Trouble(FATAL, f"file '{name}' is damaged or no data file")
        found = json.loads(zlib.decompress(body))
        return dict(found)

    # -- what it does -------------------------------------------------------------------------------------------------

    def _say(self, text: str, mark: str = "4 ") -> None:
        self.log.append(f"{mark}ETW000 {text}")

    def _strikes(self, fault: str, operation: str) -> bool:
        place = {"system": self.system.name, "host": self.host, "door": "hosts", "operation": operation}
        return self.system.world.faults.strike(fault, **place) is not None

    def _connect(self, operation: str) -> None:
        sid, host = self.system.database()
        databases = [
            one
            for one in self.system.world.landscape.instances.values()
            if one.kind == "hana" and (one.sid, one.host) == (sid, host)
        ]
        if self._strikes("r3trans_fails", operation) or any(not one.running for one in databases):
            raise Trouble(FATAL, f"Connect to {sid} failed: the database does not answer")

    def _begin(self, operation: str) -> None:
        if self._strikes("r3trans_fails", operation):
            raise Trouble(FATAL, f"database interface: error in {operation}")
        if self._strikes("r3trans_warns", operation):
            self._say(f"something about this {operation} is odd", "3W")
            self.code = max(self.code, WARNING)

    def _rows(self, table: Table, client: str, where: str) -> Iterator[Row]:
        try:
            test = Condition([where], table.types).test if where else None
        except BadCondition as error:
            raise Trouble(ERROR, f"where clause for table {table.name} is wrong: {error}") from error
        for row in table.rows(self.system):
            if table.client and client != "all" and row.get(table.client) != client:
                continue
            if test is None or test(row):
                yield row

    def _export(self, step: Step) -> None:
        self._begin("export")
        client = step.options.get("client", "000").lower()
        file = step.options.get("file", "trans.dat")
        if client != "all" and client not in self.system.clients:
            raise Trouble(ERROR, f"client {client} does not exist in table T000")
        entries: list[dict[str, Any]] = []
        for delete, name, where in step.lines:
            table = self.system.tables.get(name)
            if table is None:
                if not delete:
                    self._say(f"table {name} does not exist", "2E")
                self.code = max(self.code, ERROR)
                continue
            entry: dict[str, Any] = {"table": name, "where": where, "delete": delete}
            if not delete:
                entry["rows"] = [_plain(row) for row in self._rows(table, client, where)]
                count = len(entry["rows"])
                self._say(f"  {count:>7} {'entry' if count == 1 else 'entries'} from {name} exported")
            else:
                list(self._rows(table, client, where))
            entries.append(entry)
        body = zlib.compress(json.dumps({"sid": self.system.sid, "client": client, "entries": entries}).encode())
        whole = MAGIC + body + hashlib.sha256(body).digest()
        if self._strikes("disk_full", "R3trans"):
            self._write(file, whole[: len(whole) // 2])
            raise Trouble(FATAL, f"file '{file}' cannot be written: No space left on device")
        self._write(file, whole[: len(whole) // 2] if self._strikes("r3trans_damaged", "export") else whole)
        self.system.effect("r3trans_exported", host=self.host, count=sum(not entry["delete"] for entry in entries))

    def _import(self, step: Step) -> None:
        self._begin("import")
        found = self._load(step.options.get("file", "trans.dat"))
        into = step.options.get("client", "default").lower()
        entries = [] if self._strikes("r3trans_idle", "import") else found["entries"]
        cut, loses = self._strikes("r3trans_cut", "import"), self._strikes("r3trans_loses", "import")
        for number, entry in enumerate(entries):
            if cut and number >= len(entries) // 2:
                self.code = KILLED
                self.system.effect("r3trans_cut", host=self.host, count=number)
                return
            if loses and not entry["delete"]:
                entry["rows"] = entry["rows"][:-1]
            self._bring(entry, found["client"] if into in ("default", "all") else into)
        self.system.effect("r3trans_imported", host=self.host, count=sum(not entry["delete"] for entry in entries))

    def _bring(self, entry: dict[str, Any], client: str) -> None:
        name = entry["table"]
        table = self.system.tables.get(name)
        if table is None or table.store is None:
            why = "does not exist" if table is None else "cannot be written on this simulated system"
            self._say(f"table {name} {why}", "2E")
            self.code = max(self.code, ERROR)
            return
        rows = [dict(row) for row in table.rows(self.system)]
        if entry["delete"]:
            gone = [dict(row) for row in self._rows(table, client, entry["where"])]
            rows = [row for row in rows if row not in gone]
            self._say(f"  {len(gone):>7} entries for {name} deleted")
        else:
            new = [_row(row) for row in entry["rows"]]
            if table.client and client != "all":
                new = [{**row, table.client: client} for row in new]
            rows = [row for row in rows if row not in new] + new
            self._say(f"  {len(new):>7} entries for {name} inserted")
        table.store(self.system, rows)

    def _list(self, name: str, verbose: bool) -> None:
        for entry in self._load(name)["entries"]:
            if entry["delete"]:
                continue
            self._say(f"REP  {entry['table']:<30} *")
            columns = self.system.tables[entry["table"]].columns
            for row in entry["rows"] if verbose else []:
                text = "".join(shown(column, _row(row).get(column.name)) for column in columns)
                self._say(f"** {len(text)} ** {text}")


def _plain(row: Row) -> dict[str, Any]:
    return {
        name: {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def _row(plain: dict[str, Any]) -> Row:
    return {
        name: base64.b64decode(value["bytes"]) if isinstance(value, dict) else value for name, value in plain.items()
    }
