# SPDX-License-Identifier: GPL-3.0-or-later
"""How a simulated HANA database is backed up or recovered: catalog, files, log backups, snapshots.

Published: names of catalog entries, states, base paths, that file backups overwrite older ones of the same prefix, that
a delta needs a full backup, that a recovery stops without an error at the newest state it can reach, the shape of the
lines in backup.log, the error codes 447 and 448.

Invented: what is in the files (JSON), where backint keeps them (``<directory>/backint/<SID>/<database>``), sizes,
durations, most words behind the codes. A catalog backup that only a log backup wrote is replaced by the next one, which
keeps a year of simulated time small. Log backups begin with the first full backup and, after a recovery, with the next
full one; a delta needs that one, too. A database that is stopped writes a last log backup. The catalog goes to backint
as soon as there is one backint backup.
"""

from __future__ import annotations

import bisect
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from tests.simulator.clock import Timer

from .answers import SqlError
from .database import SYSTEMDB, Database, Job, System, chain, dumps, loads
from .sql import Backup, DeleteCatalog, Recover

COMPLETE, DIFFERENTIAL, INCREMENTAL = "complete data backup", "differential data backup", "incremental data backup"
LOG, SNAPSHOT = "log backup", "data snapshot"
SORTS = {"complete": COMPLETE, "differential": DIFFERENTIAL, "incremental": INCREMENTAL}
TOPOLOGY_BYTES = 131072
LOG_BYTES = 4 << 20
STEPS = 10


@dataclass(slots=True)
class BackupFile:
    """One file of a backup."""

    source_id: int
    service: str
    host: str
    source: str
    medium: str
    path: str
    size: int
    external: str = ""
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class Entry:
    """One row of the backup catalog; ``files`` is None for one that was only made up to fill it."""

    kind: str
    backup_id: int
    start: float
    end: float | None = None
    state: str = "running"
    comment: str = ""
    message: str = ""
    files: list[BackupFile] | None = field(default_factory=list)
    row: tuple[Any, ...] | None = None  # as the view showed it, once nothing changes any more

    def plain(self) -> list[Any]:
        """The entry as plain data."""
        files = [[getattr(file, name) for name in BackupFile.__slots__] for file in self.files or []]
        return [self.kind, self.backup_id, self.start, self.end, self.state, files]

    @classmethod
    def of(cls, plain: list[Any]) -> Entry:
        """The way back from ``plain``."""
        kind, ident, start, end, state, files = plain
        return cls(kind, ident, start, end, state, files=[BackupFile(*file) for file in files])


class Catalog:
    """The entries of one database in ascending order of their ids."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def _at(self, ident: int) -> int:
        return bisect.bisect_left(self.entries, ident, key=lambda entry: entry.backup_id)

    def add(self, entry: Entry) -> Entry:
        """One more."""
        self.entries.insert(self._at(entry.backup_id), entry)
        return entry

    def find(self, ident: int) -> Entry | None:
        """The entry of an id."""
        at = self._at(ident)
        return self.entries[at] if at < len(self.entries) and self.entries[at].backup_id == ident else None

    def remove(self, ident: int, before: bool) -> list[Entry]:
        """Take out one, or all before it; what runs stays."""
        at = self._at(ident)
        begin, end = (0, at) if before else (at, at + 1)
        gone = [entry for entry in self.entries[begin:end] if entry.state != "running"]
        self.entries[begin:end] = [entry for entry in self.entries[begin:end] if entry.state == "running"]
        return gone

    def counts(self) -> dict[str, int]:
        """How many entries there are of each type with each state."""
        return dict(Counter(f"{entry.kind}, {entry.state}" for entry in self.entries))

    def fill(self, count: int, now: float) -> None:
        """Make up ``count`` successful log backups before everything else, one every 15 minutes."""
        last = self.entries[0].backup_id if self.entries else int(now * 1000)
        ids = [last - 900_000 * back for back in range(count, 0, -1)]
        made = [Entry(LOG, i, i / 1000, i / 1000 + 2, "successful", files=None) for i in ids]
        self.entries[:0] = made


@dataclass
class Point:
    """A state that a backup leads to: its backup, history, newest commit, time."""

    backup_id: int = 0
    chain: str = ""
    record: int = 0
    time: float = 0.0


@dataclass
class Running:
    """The data backup that runs, or the last one, for M_BACKUP_PROGRESS."""

    job: Job
    entry: Entry
    sizes: list[BackupFile]
    share: float = 0.0


@dataclass
class Restored:
    """What a recovery would bring."""

    image: dict[str, Any]
    changes: list[list[Any]]
    reached: float
    foreign: bool


def refused(words: str) -> SqlError:
    """Error 447."""
    return SqlError(447, f"backup could not be completed: {words}")


def failed(words: str) -> SqlError:
    """Error 448."""
    return SqlError(448, f"recovery could not be completed: {words}")


class Backups:
    """The backups of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.catalog = Catalog()
        self.progress: Running | None = None
        self.recovery: Job | None = None
        self._full: Point | None = None
        self._last: Point | None = None
        self._chain = chain()
        self._segment = 0
        self._logged = 0
        self._logged_at = 0.0
        self._timer: Timer | None = None
        self._superseded: BackupFile | None = None
        self._pid = 13000 + database.place

    @property
    def system(self) -> System:
        """The database's system."""
        return self.database.system

    def _now(self) -> float:
        return self.system.world.clock.wall()

    def say(self, what: str, text: str, ident: int) -> None:
        """A line in backup.log."""
        path = self.system.path(self.system.trace(self.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        level = "ERROR" if "failed" in text or "could not" in text else "INFO"
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp}  P{self._pid:07d}      {ident:x} {level:<7} {what:<8} {text}\n")

    # -- files --------------------------------------------------------------------------------------------------------

    def _folder(self, parameter: str) -> str:
        base = self.database.parameter("persistence", parameter).replace("$(DIR_INSTANCE)", self.system.home)
        return f"{base}/{self.database.folder}"

    def prefix(self, medium: str, names: tuple[str, ...]) -> str:
        """The absolute path that a backup's name stands for."""
        if medium == "backint":
            name = names[0]
            base = f"/usr/sap/{self.system.sid}/SYS/global/hdb/backint/{self.database.folder}"
        else:
            name = "/".join(part.rstrip("/") for part in names[:2])
            base = self._folder("basepath_databackup")
        return name if name.startswith("/") else f"{base}/{name}"

    def _backint(self, source: str = "") -> Path:
        """Where backint keeps what a database (``tenant@SID``, this one when absent) gave it."""
        tenant, _at, sid = source.rpartition("@") if source else (self.database.name, "", self.system.key)
        return self.system.world.directory / "backint" / sid / tenant

    def _store(self, file: BackupFile, ident: int, content: dict[str, Any]) -> None:
        if file.medium == "backint":
            folder = self._backint()
            path = folder / f"{PurePosixPath(file.path).name}.{ident}"
            file.external = f"{folder.parent.name}/{folder.name}/{path.name}"
        else:
            path = self.system.path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(dumps(content), encoding="utf-8")
        part.replace(path)

    def _place(self, file: BackupFile, folder: str = "") -> Path:
        """Where a file is; ``folder`` takes the place of the one that the catalog names."""
        if file.medium == "backint":
            return self.system.world.directory / "backint" / file.external
        return self.system.path(f"{folder}/{PurePosixPath(file.path).name}" if folder else file.path)

    def _erase(self, file: BackupFile) -> None:
        self._place(file).unlink(missing_ok=True)

    @staticmethod
    def read(path: Path, shown: str) -> dict[str, Any]:
        """The content of a backup file.

        Raises:
            SqlError: 448, it is not there or is none.
        """
        try:
            content = loads(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and "header" in content:
                return content
        except FileNotFoundError:
            raise failed(f"[111014] The backup file '{shown}' cannot be opened: No such file or directory") from None
        except (OSError, ValueError):
            pass
        raise failed(f"[111014] The file '{shown}' is not a valid backup file or is damaged")

    def _header(self, ident: int, kind: str, **more: Any) -> dict[str, Any]:
        database = self.database
        return {
            "simulated": "backup of a simulated HANA database",
            "backup_id": ident,
            "kind": kind,
            "sid": self.system.sid,
            "system": self.system.key,
            "database": database.name,
            "version": self.system.options.version,
            "key": database.key_id() if database.encryption else None,
            **more,
        }

    def files_of(self, entry: Entry) -> list[BackupFile]:
        """The files of an entry; those of a made-up one are made up here."""
        if entry.files is not None:
            return entry.files
        path = f"{self._folder('basepath_logbackup')}/log_backup_{self.database.volume}_0_0_64.{entry.backup_id}"
        host, service = self.system.instance.host, self.database.service
        return [BackupFile(self.database.volume, service, host, "volume", "file", path, LOG_BYTES, "", 0, 64)]

    def _write_catalog(self, ident: int) -> BackupFile:
        """Write a catalog backup: a full listing of what a recovery may need."""
        oldest = next((e.backup_id for e in self.catalog.entries if e.kind == COMPLETE and e.state == "successful"), 0)
        rows = [
            e.plain() for e in self.catalog.entries if e.files and e.backup_id >= oldest and e.state == "successful"
        ]
        path = f"{self._folder('basepath_catalogbackup')}/log_backup_0_0_0_0.{ident}"
        size = 4096 + 512 * len(self.catalog.entries)
        content = {"header": self._header(ident, "catalog"), "entries": rows}
        file = BackupFile(0, "nameserver", self.system.instance.host, "catalog", "file", path, size)
        backint = self.database.parameter("backup", "catalog_backup_using_backint") == "true"
        if backint or any(one.medium == "backint" for e in self.catalog.entries[-50:] for one in e.files or []):
            other = BackupFile(0, "nameserver", file.host, "catalog", "backint", path, size)
            self._store(other, ident, content)
            if backint:
                return other
        self._store(file, ident, content)
        return file

    # -- data backup --------------------------------------------------------------------------------------------------

    def estimate(self, kind: str) -> int:
        """How large a backup's content would be."""
        whole = self.system.options.disk_bytes if self.database.name != SYSTEMDB else 2 << 30
        return whole if kind == COMPLETE else max(16 << 20, whole // 20)

    def used(self) -> int:
        """How much of the disk for backups this database's file backups take."""
        return sum(file.size for entry in self.catalog.entries for file in entry.files or () if file.medium == "file")

    def _sources(self, medium: str, prefix: str, kind: str) -> list[BackupFile]:
        database, size = self.database, self.estimate(kind)
        host = self.system.instance.host
        number = 1
        rows = [BackupFile(0, "nameserver", host, "topology", medium, f"{prefix}_0_{number}", TOPOLOGY_BYTES)]
        others = [i.host for i in self.system.instances[1:]] if database.name != SYSTEMDB else []
        share = size // (len(others) + 1)
        for index, where in enumerate([host, *others]):
            volume = database.volume + index
            rows.append(
                BackupFile(volume, database.service, where, "volume", medium, f"{prefix}_{volume}_{number}", share)
            )
        return rows

    def backup(self, wanted: Backup, text: str) -> Job:
        """Begin a data backup.

        Raises:
            SqlError: 447, it cannot begin.
        """
        database, world = self.database, self.system.world
        kind = SORTS[wanted.sort]
        if self.progress is not None and not self.progress.job.over:
            raise refused(
                f"[110043] A data backup of database '{database.name}' is already running "
                f"(backup id {self.progress.entry.backup_id})"
            )
        if not database.active:
            raise refused(f"[110044] Database '{database.name}' is not active")
        base = self._full if kind == DIFFERENTIAL else self._last
        ident = world.backup_id()
        entry = self.catalog.add(Entry(kind, ident, self._now(), comment=wanted.comment))
        self.say("BACKUP", f"command: {' '.join(text.split())}", ident)
        self.say("BACKUP", f"SAVE DATA started [{ident}]", ident)
        database.effect("hana_backup_started", f"{kind} {ident}")
        job = Job()
        if kind != COMPLETE and base is None:
            self.progress = Running(job, entry, [])
            self._finish(
                job, entry, refused("[110104] no data backups found for the delta backup; a full one is needed")
            )
            return job
        label = {COMPLETE: "", DIFFERENTIAL: "_differential", INCREMENTAL: "_incremental"}[kind]
        if kind != COMPLETE:
            assert base is not None
            label += f"_{base.backup_id}_{ident}"
        prefix = self.prefix(wanted.medium, wanted.names) + f"_databackup{label}"
        files = self._sources(wanted.medium, prefix, kind)
        point = Point(ident, self._chain, database.record, self._now())
        if kind == COMPLETE:
            data: dict[str, Any] = {"image": loads(dumps(database.image()))}
        else:
            assert base is not None
            data = {
                "records": [[r.id, r.time, r.changes] for r in database.records if base.record < r.id <= point.record]
            }
        parent = base.backup_id if base is not None and kind != COMPLETE else 0
        header = self._header(ident, kind, base=parent, chain=point.chain, record=point.record, time=point.time)
        run = self.progress = Running(job, entry, files)
        disk = self.system.options.backup_disk_bytes
        breaks = (
            "backint"
            if database.strike("hana_backup_fails", operation="BACKUP DATA")
            else "full"
            if database.strike("hana_backup_full", operation="BACKUP DATA")
            or (
                wanted.medium == "file"
                and sum(d.backups.used() for d in self.system.databases.values()) + sum(f.size for f in files) > disk
            )
            else "stop"
            if database.strike("hana_stop_in_the_middle", operation="BACKUP DATA")
            else ""
        )
        seconds = self.system.options.backup_seconds * (1.0 if kind == COMPLETE else 1 / 3)

        def step(number: int) -> None:
            run.share = number / STEPS
            if number * 2 == STEPS and breaks == "stop":
                database.wanted = False
                database.down("stopped during a backup")
                world.tell()
            elif number * 2 == STEPS and breaks:
                self._finish(job, entry, self._break(breaks, files[-1].path))
            elif number < STEPS:
                job.plan(world.clock, seconds / STEPS, lambda: step(number + 1))
            else:
                for file in files:
                    main = file.source_id == database.volume
                    self._store(file, ident, {"header": {**header, "volume": file.source_id}, **(data if main else {})})
                if database.strike("hana_backup_damaged", operation="BACKUP DATA"):
                    place = self._place(files[-1])
                    os.truncate(place, place.stat().st_size // 2)
                entry.files = files
                if kind == COMPLETE:
                    self._full = point
                self._last = point
                self._finish(job, entry, None)

        job.plan(world.clock, seconds / STEPS, lambda: step(1))
        return job

    @staticmethod
    def _break(how: str, path: str) -> SqlError:
        if how == "backint":
            return refused(
                "[110507] Backint exited with exit code 1 instead of 0. console output: "
                "#ERROR the backup server does not answer"
            )
        return refused(f"[110088] Error writing to the backup file '{path}': No space left on device, rc=28")

    def _finish(self, job: Job, entry: Entry, error: SqlError | None, state: str = "failed") -> None:
        entry.end = self._now()
        entry.state = "successful" if error is None else state
        # In the catalog HANA says it without the words that belong to the statement's error.
        entry.message = "<ok>" if error is None else error.text.partition(": ")[2]
        if error is None:
            self.say("BACKUP", "SAVE DATA finished successfully", entry.backup_id)
            self.database.effect("hana_backup_finished", f"{entry.kind} {entry.backup_id}")
            self._begin_logs()
            ident = self.system.world.backup_id()
            log = self.catalog.add(Entry(LOG, ident, self._now(), self._now(), "successful", message="<ok>"))
            log.files = [self._write_catalog(ident)]
            self._superseded = None
        else:
            self.say("BACKUP", f"SAVE DATA finished with error: {entry.message}", entry.backup_id)
            self.database.effect("hana_backup_failed", f"{entry.kind} {entry.backup_id}: {entry.message}")
        job.end(error)

    def cancel(self, ident: int) -> None:
        """Cancel the data backup that runs.

        Raises:
            SqlError: 447, none of that id runs.
        """
        run = self.progress
        if run is None or run.job.over or run.entry.backup_id != ident:
            raise refused(f"[110042] There is no running data backup with the backup id {ident}")
        self._finish(run.job, run.entry, refused("[110041] Backup was canceled by a user"), "canceled")

    # -- log backups --------------------------------------------------------------------------------------------------

    def _begin_logs(self) -> None:
        if self._timer is not None or self.database.parameter("persistence", "log_mode") != "normal":
            return
        if self._full is None:
            return
        if self._segment == 0:
            # The first log backup reaches back to the full backup that made log backups possible.
            self._logged, self._logged_at = self._full.record, self._full.time
        self._arm()

    def _arm(self) -> None:
        seconds = float(self.database.parameter("persistence", "log_backup_timeout_s") or 900)
        self._timer = self.system.world.clock.after(max(1.0, seconds), self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self.database.active:
            return
        if self.database.parameter("persistence", "log_mode") == "normal":
            self.flush()
            self._arm()
        else:
            # Without log backups the history is broken: only a new full backup makes them useful again.
            self._full, self._last, self._chain, self._segment = None, None, chain(), 0

    def flush(self) -> None:
        """Write a log backup now, if log backups are written at all."""
        database = self.database
        if self._full is None or self.database.parameter("persistence", "log_mode") != "normal":
            return
        ident = self.system.world.backup_id()
        begin, end = self._logged_at, self._now()
        records = [[r.id, r.time, r.changes] for r in database.records if r.id > self._logged]
        self._segment += 1
        medium = "backint" if database.parameter("backup", "log_backup_using_backint") == "true" else "file"
        first, last = self._logged, database.record
        path = f"{self._folder('basepath_logbackup')}/log_backup_{database.volume}_0_{first}_{last}.{ident}"
        file = BackupFile(
            database.volume, database.service, self.system.instance.host, "volume", medium, path,
            LOG_BYTES + sum(len(str(row)) for row in records), "", first, last,
        )  # fmt: skip
        header = self._header(ident, LOG, chain=self._chain, segment=self._segment, begin=begin, end=end)
        self._store(file, ident, {"header": {**header, "volume": file.source_id}, "records": records})
        self._logged, self._logged_at = last, end
        entry = self.catalog.add(Entry(LOG, ident, begin, end, "successful", message="<ok>"))
        entry.files = [file]
        written = self._write_catalog(ident)
        entry.files.append(written)
        if self._superseded is not None:
            self._erase(self._superseded)
        self._superseded = written

    def stopping(self) -> None:
        """The database is about to stop: a last log backup, no more data backup."""
        self._halt("the database was stopped")
        self.flush()

    def killed(self, why: str) -> None:
        """The database is gone at once."""
        self._halt(why)
        if self.recovery is not None:
            job, self.recovery = self.recovery, None
            self.database.wanted = False
            job.end(failed(why))

    def _halt(self, why: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.progress is not None and not self.progress.job.over:
            self._finish(self.progress.job, self.progress.entry, refused(f"[110045] {why}"))
        for ident, snapshot in list(self.system.snapshots.items()):
            if snapshot["state"] == "prepared" and self.database.name in snapshot["databases"]:
                close_snapshot(self.system, ident, False, why)

    def started(self) -> None:
        """The database came up."""
        self.progress = None
        self._begin_logs()

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def snapshot(self, ident: int, comment: str) -> dict[str, Any]:
        """Prepare this database's part of a snapshot."""
        database = self.database
        self.catalog.add(Entry(SNAPSHOT, ident, self._now(), state="prepared", comment=comment))
        self.say("BACKUP", f"SNAPSHOT prepared [{ident}]", ident)
        time = self._now()
        header = self._header(ident, SNAPSHOT, chain=self._chain, record=database.record, time=time)
        return {"header": header, "image": loads(dumps(database.image()))}

    def closed(self, ident: int, successful: bool, text: str) -> None:
        """This database's part of a snapshot is confirmed or abandoned."""
        entry = self.catalog.find(ident)
        if entry is None:
            return
        entry.end, entry.message = self._now(), "<ok>" if successful else text or "abandoned by the administrator"
        entry.state = "successful" if successful else "failed"
        host, volume = self.system.instance.host, self.database.volume
        entry.files = [
            BackupFile(
                volume, self.database.service, host, "volume", "snapshot",
                f"{self.database.parameter('persistence', 'basepath_datavolumes')}/{self.subpath}",
                self.estimate(COMPLETE), text,
            )
        ]  # fmt: skip
        words = "SNAPSHOT finished successfully" if successful else "SNAPSHOT finished with error: it was abandoned"
        self.say("BACKUP", words, ident)
        self.database.effect("hana_backup_finished" if successful else "hana_backup_failed", f"{SNAPSHOT} {ident}")

    @property
    def subpath(self) -> str:
        """The data volume's folder: volume, then database id."""
        return f"mnt00001/hdb{self.database.volume:05d}.{self.database.dbid:05d}"

    # -- the catalog --------------------------------------------------------------------------------------------------

    def delete(self, wanted: DeleteCatalog) -> None:
        """Delete from the catalog, files too when that is asked for.

        Raises:
            SqlError: 449, there is no such backup.
        """
        if self.catalog.find(wanted.backup_id) is None:
            raise SqlError(449, f"backup catalog error: no backup with the backup id {wanted.backup_id} in the catalog")
        gone = self.catalog.remove(wanted.backup_id, wanted.before)
        kept = {file.path for entry in self.catalog.entries for file in entry.files or () if file.medium == "file"}
        count = 0
        for entry in gone:
            for file in entry.files or ():
                # A newer backup may have overwritten the file under the same name: that one stays.
                if file.medium in wanted.media and (file.medium != "file" or file.path not in kept):
                    self._erase(file)
                    count += 1
        for point in ("_full", "_last"):
            found = getattr(self, point)
            if found is not None and any(entry.backup_id == found.backup_id for entry in gone):
                setattr(self, point, None)
        self.database.effect(
            "hana_catalog_deleted",
            f"{'before ' if wanted.before else ''}{wanted.backup_id}: {len(gone)} entries, {count} files",
        )

    def erase(self) -> None:
        """Delete all backup files: the database is dropped with its backups."""
        for entry in self.catalog.entries:
            for file in entry.files or ():
                if file.medium != "snapshot":
                    self._erase(file)

    # -- recovery -----------------------------------------------------------------------------------------------------

    def recover(self, wanted: Recover, text: str) -> Job:
        """Begin a recovery.

        Raises:
            SqlError: 448, it cannot begin.
        """
        database, world = self.database, self.system.world
        if database.name == SYSTEMDB:
            raise failed("[111001] SYSTEMDB is recovered offline with recoverSys.py")
        if self.recovery is not None:
            raise failed(f"[111002] a recovery of database '{database.name}' is already running")
        if database.status != "NO":
            raise failed(f"[111003] database '{database.name}' must be stopped first")
        if not wanted.clear_log and (wanted.source or wanted.until is None):
            raise failed("[111004] CLEAR LOG is required for this recovery")
        if wanted.source and not re.fullmatch(r"[^@]+@[^@]+", wanted.source):
            raise failed(f"[111005] '{wanted.source}' is not of the form tenant@SID")
        ident = world.backup_id()
        what = "RECOVER DATABASE" if wanted.until is not None else "RECOVER DATA"
        self.say("RECOVERY", f"RECOVER DATA started [{ident}]", ident)
        self.say("RECOVERY", f"command: {' '.join(text.split())}", ident)
        database.effect("hana_recovery_started", what)
        job = self.recovery = Job()
        seconds = self.system.options.recover_seconds

        def look() -> None:
            try:
                found = self._find(wanted, ident)
            except SqlError as error:
                self.recovery = None
                self.say("RECOVERY", f"RECOVER DATA finished with error: {error.text}", ident)
                database.effect("hana_recovery_failed", error.text)
                job.end(error)
                return
            host, port = self.system.instance.host, database.internal_port
            for state in ("RecoveryExecuteTopologyRecoveryInProgress", "RecoveryExecuteDataRecoveryInProgress"):
                service = f"{database.service}, {host}:{port}, volume: {database.volume}"
                self.say("RECOVERY", f"state of service: {service}, {state}", ident)
            job.plan(world.clock, seconds * 0.9, lambda: through(found))

        def through(found: Restored) -> None:
            database.become(found.image, found.changes)
            database.foreign = database.foreign or found.foreign
            self._full = self._last = None
            self._chain, self._segment = chain(), 0
            self.recovery = None
            reached = datetime.fromtimestamp(found.reached, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            self.say("RECOVERY", f"recovery reached timestamp {reached} UTC", ident)
            self.say("RECOVERY", "RECOVER DATA finished successfully", ident)
            database.effect("hana_recovered", f"{what} reached {reached}")
            database.start()
            job.end()

        job.plan(world.clock, seconds * 0.1, look)
        return job

    def _find(self, wanted: Recover, ident: int) -> Restored:
        """Everything that a recovery needs, read.

        Raises:
            SqlError: 448, something is missing.
        """
        own = not wanted.source or wanted.source == f"{self.database.name}@{self.system.key}"
        self.flush()
        if wanted.until is None and wanted.medium:
            return self._from_prefix(wanted)
        if wanted.snapshot:
            return self._from_snapshot(wanted)
        until = wanted.until.replace(tzinfo=UTC).timestamp() if wanted.until is not None else None
        entries = self._listing(wanted, own, ident)
        chosen = self._choose(entries, wanted, until)
        content = self._data(chosen[0], wanted)
        image, header = content["image"], content["header"]
        changes: list[list[Any]] = []
        for entry in chosen[1:]:
            more = self._data(entry, wanted)
            changes += [change for _id, _time, group in more["records"] for change in group]
            header = more["header"]
        reached = float(header["time"])
        if until is not None:
            found, reached = self._replay(entries, wanted, header, until)
            changes += found
        return Restored(image, changes, reached, foreign=header["system"] != self.system.key)

    def _listing(self, wanted: Recover, own: bool, ident: int) -> list[Entry]:
        """The catalog that a recovery goes by."""
        backint = wanted.catalog == "backint" or (not wanted.catalog and not own)
        if not wanted.catalog and own:
            return [entry for entry in self.catalog.entries if entry.files and entry.state == "successful"]
        if backint:
            folder, shown = self._backint(wanted.source), "backint"
        else:
            folder, shown = self.system.path(wanted.catalog_path), wanted.catalog_path
        paths = sorted(folder.glob("log_backup_0_0_0_0.*"), key=lambda path: int(path.name.rpartition(".")[2]))
        if not paths:
            raise failed(f"[111010] no backup catalog found in {shown}")
        content = self.read(paths[-1], paths[-1].name)
        header = content["header"]
        if wanted.source and wanted.source != f"{header['database']}@{header['system']}":
            raise failed(f"[111011] the backup catalog in {shown} is not that of {wanted.source}")
        self.say("RECOVERY", f"using backup catalog {header['backup_id']} from {shown}", ident)
        return [Entry.of(row) for row in content["entries"]]

    @staticmethod
    def _choose(entries: list[Entry], wanted: Recover, until: float | None) -> list[Entry]:
        """The full backup with the deltas on top of it that lead nearest to a time."""
        fulls = [e for e in entries if e.kind == COMPLETE and (until is None or e.start <= until)]
        if wanted.backup_id is not None:
            fulls = [e for e in fulls if e.backup_id == wanted.backup_id]
        if not fulls:
            which = f" with the backup id {wanted.backup_id}" if wanted.backup_id is not None else ""
            raise failed(f"[111012] no data backup{which} found that can be used for this recovery")
        chosen = [fulls[-1]]
        if until is None:
            return chosen

        def base(entry: Entry) -> int:
            names = [PurePosixPath(file.path).name for file in entry.files or []]
            match = next(
                filter(None, (re.search(r"_databackup_\w+?_(\d+)_\d+_\d+_\d+$", name) for name in names)), None
            )
            return int(match.group(1)) if match else 0

        reachable = [e for e in entries if e.backup_id > chosen[0].backup_id and e.start <= until]
        full = chosen[0].backup_id
        differential = [e for e in reachable if e.kind == DIFFERENTIAL and base(e) == full]
        chosen += differential[-1:]
        for entry in reachable:
            if entry.kind == INCREMENTAL and base(entry) == chosen[-1].backup_id:
                chosen.append(entry)
        return chosen

    def _check(self, header: dict[str, Any], shown: str) -> None:
        """Whether a backup can be used here."""
        if header["key"] is not None and not self.database.knows_key(header["key"]):
            raise failed(
                f"[301102] the root key of the encrypted backup '{shown}' is not known: import the encryption root "
                f"keys of {header['database']}@{header['sid']} first (hash {header['key']})"
            )
        theirs = tuple(int(part) for part in str(header["version"]).split(".") if part.isdigit())
        if theirs > self.system.revision:
            raise failed(
                f"[111013] the backup was written by version {header['version']}, which is newer than "
                f"{self.system.options.version}"
            )

    def _data(self, entry: Entry, wanted: Recover) -> dict[str, Any]:
        """The content of a data backup, all of whose files must be there."""
        content: dict[str, Any] = {}
        for file in entry.files or []:
            shown = f"{wanted.data_path}/{PurePosixPath(file.path).name}" if wanted.data_path else file.path
            found = self.read(self._place(file, wanted.data_path), shown)
            if found["header"]["backup_id"] != entry.backup_id:
                raise failed(
                    f"[111015] the file '{shown}' belongs to backup {found['header']['backup_id']}, not to "
                    f"{entry.backup_id}: it was overwritten"
                )
            self._check(found["header"], shown)
            if "image" in found or "records" in found:
                content = found
        return content

    def _replay(
        self, entries: list[Entry], wanted: Recover, header: dict[str, Any], until: float
    ) -> tuple[list[list[Any]], float]:
        """The changes after a data backup up to a time, with the time that is reached.

        A log backup that cannot be had ends it without an error.
        """
        changes: list[list[Any]] = []
        reached, segment = float(header["time"]), 0
        for entry in entries:
            if entry.kind != LOG or (entry.end or 0) < reached:
                continue
            for file in entry.files or []:
                if file.source != "volume":
                    continue
                places = [self._place(file, folder) for folder in wanted.log_paths or ("",)]
                try:
                    content = self.read(next(filter(Path.exists, places), places[0]), file.path)
                except SqlError:
                    return changes, min(reached, until)
                log = content["header"]
                if log["backup_id"] != entry.backup_id or log["chain"] != header["chain"]:
                    continue
                if log["begin"] > reached or (segment and log["segment"] != segment + 1):
                    return changes, min(reached, until)
                segment = log["segment"]
                for number, moment, group in content["records"]:
                    if number > header["record"] and moment <= until:
                        changes += group
                reached = log["end"]
            if reached >= until:
                break
        return changes, min(reached, until)

    def _from_prefix(self, wanted: Recover) -> Restored:
        """RECOVER DATA USING FILE or BACKINT: one full backup, found by its name alone."""
        prefix = self.prefix(wanted.medium, (wanted.prefix,)) + "_databackup"
        name = PurePosixPath(prefix).name
        if wanted.medium == "backint":
            folder, sign = self._backint(wanted.source), r"\.(\d+)"
        else:
            folder, sign = self.system.path(str(PurePosixPath(prefix).parent)), ""
        pattern = re.compile(re.escape(name) + r"_(\d+)_\d+" + sign)
        newest: dict[int, tuple[int, Path]] = {}
        for path in sorted(folder.glob("*_databackup_*")):
            match = pattern.fullmatch(path.name)
            if match:
                version = int(match.group(2)) if sign else 0
                newest[int(match.group(1))] = max(newest.get(int(match.group(1)), (-1, path)), (version, path))
        content: dict[str, Any] = {}
        for volume in (0, self.database.volume):
            shown = f"{prefix}_{volume}_1"
            path = newest[volume][1] if volume in newest else folder / f"{name}_{volume}_1"
            found = self.read(path, shown)
            self._check(found["header"], shown)
            content = found
        header = content["header"]
        return Restored(content["image"], [], float(header["time"]), foreign=header["system"] != self.system.key)

    def _from_snapshot(self, wanted: Recover) -> Restored:
        """USING SNAPSHOT: the newest one that was closed as successful, of the source when one is named."""
        tenant, _at, key = wanted.source.partition("@")
        system = self.system.world.systems.get(key) if key else self.system
        name = tenant or self.database.name
        good = [
            one["databases"][name]
            for one in (system.snapshots.values() if system is not None else ())
            if one["state"] == "successful" and name in one["databases"]
        ]
        if not good:
            raise failed("[111016] there is no data snapshot that can be used")
        header = good[-1]["header"]
        self._check(header, "snapshot")
        image = loads(dumps(good[-1]["image"]))
        changes: list[list[Any]] = []
        reached = float(header["time"])
        if wanted.until is not None:
            until = wanted.until.replace(tzinfo=UTC).timestamp()
            source = system.databases.get(name) if system is not None else None
            if until < reached:
                raise failed("[111017] the data snapshot is newer than the time to recover to")
            entries = source.backups.catalog.entries if source is not None else []
            changes, reached = self._replay(entries, wanted, header, until)
        return Restored(image, changes, reached, foreign=header["system"] != self.system.key)


# -- snapshots of a whole system --------------------------------------------------------------------------------------


def create_snapshot(system: System, comment: str) -> int:
    """Prepare a data snapshot of all active databases; returns its id.

    Raises:
        SqlError: 447, there is one that was not closed.
    """
    if any(one["state"] == "prepared" for one in system.snapshots.values()):
        raise refused("[110046] there is a prepared data snapshot already")
    ident = system.world.backup_id()
    databases = {}
    for database in system.databases.values():
        if database.active:
            backups: Backups = database.backups
            databases[database.name] = backups.snapshot(ident, comment)
    system.snapshots[ident] = {"state": "prepared", "databases": databases}
    return ident


def close_snapshot(system: System, ident: int, successful: bool, text: str) -> None:
    """Confirm or abandon a prepared snapshot.

    Raises:
        SqlError: 447, there is none.
    """
    found = system.snapshots.get(ident)
    if found is None or found["state"] != "prepared":
        raise refused(f"[110047] there is no prepared data snapshot with the backup id {ident}")
    found["state"] = "successful" if successful else "failed"
    for database in system.databases.values():
        if database.name in found["databases"]:
            database.backups.closed(ident, successful, text)


def check_file(path: Path) -> Iterator[str]:
    """What hdbbackupcheck would print about a file.

    Raises:
        SqlError: 448, it is none.
    """
    header = Backups.read(path, path.name)["header"]
    yield f"Backup '{path.name}' successfully checked."
    yield json.dumps({key: header[key] for key in ("backup_id", "kind", "sid", "database", "version")})


def equip(database: Database) -> None:
    """Give a new database its backups."""
    backups = database.backups = Backups(database)
    if database.name != SYSTEMDB and not database.system.world.ready:
        backups.catalog.fill(database.system.options.catalog_entries, database.system.world.clock.wall())
