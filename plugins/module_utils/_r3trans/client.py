# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with R3trans: connect, export tables, import them, see that they are back."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, LandscapeError, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import link, manifest, wire
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.manifest import Held, Manifest

COUNTS, ROWS = "counts", "rows"
CONNECT = 300.0  # seconds in which the database has to answer
_GOOD = (0, 4)  # 4: warnings
_CODES = (0, 4, 8, 12)
_WORK = ".r3trans-"


def confirm(sid: str) -> None:
    """See that this is the system that was meant: SAPSYSTEMNAME, which the login of ``<sid>adm`` sets.

    :raises Denied: it is another one, or is not told.
    """
    found = os.environ.get("SAPSYSTEMNAME", "")
    if found != sid:
        raise Denied(
            f"touch the tables of {sid}",
            f"this environment belongs to {found}"
            if found
            else "SAPSYSTEMNAME is not set, so nobody knows whose host it is",
            reason="wrong_system",
            cure="Run it as <sid>adm with its login environment (become_flags: -i)",
            answered=found,
        )


class Ran(NamedTuple):
    """A run that ended well: its return code, its log, the version that it told."""

    code: int
    log: str
    version: str


class Exported(NamedTuple):
    """What an export came to."""

    held: List[Held]
    left_out: List[Table]
    version: str
    warnings: List[str]


class R3trans:
    """The program, for the exports of one folder. What works in the folder has it for itself until the process ends.

    :param timeout: seconds until one run counts as lost.
    """

    def __init__(self, program: str, folder: str, reading: wire.Reading, timeout: float) -> None:
        self._program = program
        self._folder = folder
        self._reading = reading
        self._timeout = timeout
        self._lock: Optional[link.Lock] = None

    def connect(self) -> None:
        """See that the database answers; leaves nothing behind."""
        doing = "connect to the database"
        place = self._folder
        while not os.path.isdir(place):
            place = os.path.dirname(place)
        try:
            with tempfile.TemporaryDirectory(prefix=".connect-", dir=place) as work:
                log = os.path.join(work, "connect.log")
                self._run(doing, ["-d", "-w", log], log)
        except OSError as error:
            raise Failed(doing, f"{place}: {error.strerror}", reason="folder") from error

    def export(self, tables: Sequence[Table], client: str, into: str, *, leave_out: bool) -> Exported:
        """Export tables into a new file, which is read again before it counts.

        :param leave_out: whether tables that the system does not have are left out, or are a failure.
        :raises Failed: R3trans failed, a table is missing, or the log does not tell the rows of each table.
        """
        doing = f"export {len(tables)} tables"
        if os.path.lexists(into + ".dat"):
            raise Failed(doing, f"{into}.dat is there already", reason="export_exists", cure="Run again in a second")
        work = self._workplace()
        data = os.path.join(work, "export.dat")
        try:
            ran, missing = self._select(doing, tables, client, work, leave_out=leave_out)
            left = [table for table in tables if table.name not in missing]
            counts = self._counts(doing, left, ran.log)
            self._list(data, work, verbose=False)
            os.chmod(data, 0o600)
            _flush(data)
            _keep(os.path.join(work, "export.log"), into + ".log")
            os.replace(data, into + ".dat")
        except OSError as error:
            raise Failed(doing, f"{error.filename}: {error.strerror}", reason="folder") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        left_out = [table for table in tables if table.name in missing]
        held = [Held(table, counts[table.name]) for table in left]
        return Exported(held, left_out, ran.version, _warnings(doing, ran))

    def restore(self, found: Manifest) -> List[str]:
        """Import an export: what its tables have now goes, what they had then comes.

        That it was proved to be back before is taken out of the manifest first. Whatever becomes of this import, the
        old proof says nothing about the tables any more.

        :returns: what R3trans warned of.
        :raises Failed: nothing was begun, or R3trans ended with an error (reason ``r3trans``) and may have emptied
            tables.
        :raises Unknown: it did not end in time and goes on, or was ended in the middle.
        """
        doing = f"import {len(found.held)} tables"
        work = self._workplace()
        control = self._control(work, "import", wire.import_file(found.client, self._path(found.data)))
        log = self._path(manifest.stem(found.sid, found.exported) + "-import.log")
        _remove(log)
        if found.imported:
            manifest.write(self._folder, found._replace(imported=""))
        ran = self._run(doing, ["-w", log, control], log, change=True)
        shutil.rmtree(work, ignore_errors=True)
        return _warnings(doing, ran)

    def compare(self, found: Manifest, how: str) -> Dict[str, int]:
        """Select what an export has once more, and compare; the rows by table.

        :raises Failed: a table differs.
        """
        doing = f"find what was exported back in {len(found.held)} tables"
        tables = [held.table for held in found.held]
        work = self._workplace()
        try:
            ran, _missing = self._select(doing, tables, found.client, work, check=True)
            counts = self._counts(doing, tables, ran.log)
            differing = [
                f"{held.table.name} has {counts[held.table.name]} rows, and {held.rows} were exported"
                for held in found.held
                if counts[held.table.name] != held.rows
            ]
            if not differing and how == ROWS:
                before = self._list(self._path(found.data), work, verbose=True)
                after = self._list(os.path.join(work, "export.dat"), work, verbose=True)
                differing = _differing_rows(doing, found.held, before, after)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if differing:
            raise Failed(
                doing,
                "; ".join(differing),
                reason="not_restored",
                cure="Nobody may work in the system meanwhile. Run again: the same import is made once more",
                tables=[text.split(" ")[0] for text in differing],
            )
        return counts

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _workplace(self) -> str:
        """A new folder for one run; what runs that were killed left is removed, since nobody else is here."""
        self._lock = self._lock or link.Lock(self._folder)
        try:
            for old in glob.glob(os.path.join(glob.escape(self._folder), _WORK + "*")):
                shutil.rmtree(old)
            return tempfile.mkdtemp(prefix=_WORK, dir=self._folder)  # mode 0700
        except OSError as error:
            raise Failed(f"work in {self._folder}", f"{error.strerror}", reason="folder") from error

    @staticmethod
    def _control(work: str, name: str, text: str) -> str:
        path = os.path.join(work, f"{name}.ctl")
        try:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise Failed(f"write {path}", f"{error.strerror}", reason="folder") from error
        return path

    def _select(
        self,
        doing: str,
        tables: Sequence[Table],
        client: str,
        work: str,
        *,
        leave_out: bool = False,
        check: bool = False,
    ) -> Tuple[Ran, List[str]]:
        """Run an export, again and again as long as it names tables that are not there and may be left out."""
        left = list(tables)
        missing: List[str] = []
        data, log = os.path.join(work, "export.dat"), os.path.join(work, "export.log")
        while True:
            _remove(data)
            _remove(log)
            text = wire.export_file(left, client, data, empty=not check)
            control = self._control(work, "check" if check else "export", text)
            ran: Optional[Ran] = None
            failure: Optional[Failed] = None
            try:
                ran = self._run(doing, ["-w", log, control], log)
            except Failed as error:
                failure = error
            names = {table.name for table in left}
            gone = [name for name in self._reading.missing(link.read_text(log)) if name in names]
            if not gone:
                if ran is None:
                    raise failure or Failed(doing, "R3trans gave no answer")
                if not os.path.exists(data):
                    raise Failed(doing, f"R3trans ended well and left no file {data}", reason="data_file")
                return ran, missing
            left = [table for table in left if table.name not in gone]
            if not leave_out or not left:
                raise Failed(
                    doing,
                    "the system has no table {}".format(", ".join(gone)),
                    reason="table_missing",
                    cure=None if check else "Tables differ between releases: exclude it, or set missing to leave_out",
                    tables=gone,
                )
            missing += gone

    def _counts(self, doing: str, tables: Sequence[Table], log: str) -> Dict[str, int]:
        counts = self._reading.counts(log)
        untold = [table.name for table in tables if table.name not in counts]
        if untold:
            raise Failed(
                doing,
                "the log of R3trans tells no number of rows of {}".format(", ".join(untold)),
                reason="counts_unreadable",
                cure="Read its lines in error.facts.lines and put their form into count_patterns",
                tables=untold,
                lines=wire.last_words(log, 40),
            )
        return counts

    def _list(self, data: str, work: str, *, verbose: bool) -> Dict[str, wire.Listed]:
        """Read a data file to its end, with its rows when ``verbose``; the list of them is removed at once."""
        log = os.path.join(work, "list.log")
        try:
            self._run(f"read {data}", ["-w", log, *(["-v"] if verbose else []), "-l", data], log, quiet=True)
            return wire.listed(link.lines_of(log)) if verbose else {}
        finally:
            _remove(log)

    def _run(self, doing: str, arguments: List[str], log: str, *, change: bool = False, quiet: bool = False) -> Ran:
        """Run the program once.

        :param change: it changes the database.
        :param quiet: its log may have rows in it, so it is not shown.
        """
        command = [link.find(self._program), *arguments]
        seconds = min(self._timeout, CONNECT) if arguments[0] == "-d" else self._timeout
        answer = link.run(doing, command, os.path.dirname(log), seconds, self._lock, change=change)
        told = wire.finished(answer.text)
        said = "" if quiet else link.read_text(log)
        if answer.code in _GOOD and told == answer.code:
            return Ran(answer.code, said, wire.version(answer.text))
        raise self._refusal(doing, answer, told, said, change)

    @staticmethod
    def _refusal(doing: str, answer: link.Answer, told: Optional[int], said: str, change: bool) -> LandscapeError:
        lines = wire.last_words(said or answer.text)
        facts: Dict[str, Any] = {"code": answer.code, "lines": lines}
        shown = " / ".join(line.strip() for line in lines[-4:]) or "nothing"
        if answer.code in _CODES and told in (None, answer.code) and answer.code not in _GOOD:
            words = "errors" if answer.code == 8 else "a fatal error"
            why = f"R3trans ended with {answer.code}, {words}; it said: {shown}"
            return Failed(doing, why, reason="r3trans", **facts)
        ended = f"ended by signal {-answer.code}" if answer.code < 0 else f"ended with {answer.code}"
        why = f"R3trans {ended} and says {'no code' if told is None else told} at its end; it said: {shown}"
        if change:
            cure = "Run again: an import empties each table before it fills it, so the second time comes to the same"
            return Unknown(doing, f"{why}. How far it came is not known", reason="r3trans_cut", cure=cure, **facts)
        return Failed(doing, why, reason="r3trans_cut", **facts)


def _differing_rows(
    doing: str, held: Sequence[Held], before: Dict[str, wire.Listed], after: Dict[str, wire.Listed]
) -> List[str]:
    differing = []
    nothing = wire.Listed(0, "")
    for one in held:
        name = one.table.name
        old, new = before.get(name, nothing), after.get(name, nothing)
        if not old.rows == new.rows == one.rows:
            raise Failed(
                doing,
                f"R3trans lists {old.rows} and {new.rows} rows of {name}, and counts {one.rows}",
                reason="rows_unreadable",
                cure="This R3trans lists data files in another form; use the comparison by counts",
            )
        if one.rows and old.digest != new.digest:
            differing.append(f"{name} has as many rows as were exported, and other ones")
    return differing


def _warnings(doing: str, ran: Ran) -> List[str]:
    if ran.code == 0:
        return []
    lines = [line.strip()[:400] for line in ran.log.splitlines() if "W" in line[1:3]]
    return ["R3trans warned, asked to {}: {}".format(doing, " / ".join(lines[-10:]) or "see its log")]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Failed(f"remove {path}", f"{error.strerror}", reason="folder") from error


def _flush(path: str) -> None:
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())


def _keep(log: str, path: str) -> None:
    """Keep a log beside the data; it is for people, so its loss is no failure."""
    try:
        os.chmod(log, 0o600)
        os.replace(log, path)
    except OSError:
        pass


__all__ = ("COUNTS", "ROWS", "Exported", "R3trans", "confirm")
