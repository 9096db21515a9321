# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery asks of HANA: the form of RECOVER, the backups that the catalog must have.

Pure. A form that nobody of us has seen run is used only when it is named. Where the shapes come from: SAP's KBA
3006027, NetApp's guides (snapshots; any instant in the future replays all logs), the guide of AWS's Backint agent.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import model

LATEST, INSTANT, BACKUP = "latest", "instant", "backup"
FILE, BACKINT, SNAPSHOT = "file", "backint", "snapshot"
SYSTEMDB = "SYSTEMDB"
UNVERIFIED = {
    "source_backint": "copying another system through backint (USING SOURCE with USING CATALOG BACKINT)",
    "catalog_backint": "RECOVER DATABASE with the catalog from backint (USING CATALOG BACKINT)",
    "recover_data_backint": "RECOVER DATA USING BACKINT ('<prefix>')",
    "backup_id_catalog": "RECOVER DATA USING BACKUP_ID, found by the backup catalog",
    "several_log_paths": "more than one path in USING LOG PATH",
    "root_keys": "copying another system without comparing the root keys of the two (root_key_hashes)",
}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(Z|[+-]\d\d:?\d\d)?")
_SOURCE = re.compile(r"[A-Za-z0-9_]+@[A-Z][A-Z0-9]{2}")
_DOING = "plan the recovery"


class Wish(NamedTuple):
    """What is to be recovered how; made by `read`, which refuses what has no meaning."""

    database: str
    to: str
    medium: str
    until: Optional[datetime.datetime] = None
    backup_id: Optional[int] = None
    prefix: Optional[str] = None
    catalog_path: Optional[str] = None
    log_paths: Tuple[str, ...] = ()
    data_path: Optional[str] = None
    source: Optional[str] = None
    clear_log: bool = False

    @property
    def replays(self) -> bool:
        """Whether logs are replayed (RECOVER DATABASE), or one backup is restored (RECOVER DATA)."""
        return self.to != BACKUP

    def clauses(self, now: datetime.datetime) -> Dict[str, Any]:
        """The arguments of `wire.recover`. The latest state is a day after ``now``, which replays every log.

        SOURCE stands in the statement where a catalog in backint is asked; files of another system are told by paths.
        """
        until = now + datetime.timedelta(days=1) if self.to == LATEST else self.until
        return {
            "until": until,
            "backup_id": self.backup_id,
            "medium": self.medium,
            "prefix": self.prefix,
            "catalog_path": self.catalog_path,
            "log_paths": self.log_paths,
            "data_path": self.data_path,
            "source": self.source if self.medium == BACKINT and self.prefix is None else None,
            "clear_log": self.clear_log,
        }

    def forms(self) -> List[str]:
        """The names of the unverified forms that it uses."""
        used = []
        if self.prefix is not None and self.medium == BACKINT:
            used.append("recover_data_backint")
        elif self.medium == BACKINT:
            used.append("source_backint" if self.source else "catalog_backint" if self.replays else "backup_id_catalog")
        elif not self.replays and self.backup_id is not None:
            used.append("backup_id_catalog")
        if len(self.log_paths) > 1:
            used.append("several_log_paths")
        return used


def instant(value: str) -> datetime.datetime:
    """An instant as the option takes it: ``YYYY-MM-DD HH:MM:SS`` in UTC, or ISO with a zone.

    :raises BadInput: for anything else, an empty text above all.
    """
    doing = "read the option instant"
    right = "write YYYY-MM-DD HH:MM:SS in UTC, or ISO with its zone such as 2026-03-01T04:00:00+01:00"
    found = _INSTANT.fullmatch(value.strip())
    if found is None:
        raise BadInput(doing, f"{value!r} is no instant; {right}")
    day, between, time, fraction, zone = found.groups()
    if between == "T" and zone is None:
        raise BadInput(doing, f"{value!r} has no zone; {right}")
    if fraction and fraction.strip("0"):
        raise BadInput(doing, f"{value!r} has a fraction of a second; HANA recovers to a full second")
    try:
        moment = datetime.datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S")
        shift = datetime.timedelta()
        if zone not in (None, "Z"):
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            shift = datetime.timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
        return (moment - shift).replace(tzinfo=datetime.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise BadInput(doing, f"{value!r} is no instant ({error}); {right}") from error


def read(options: Mapping[str, Any]) -> Wish:
    """The wish by a module's options.

    :raises BadInput: an option that is empty, missing, or without a place in the form that is asked for; nothing that
        was given is ever left out silently.
    :raises Denied: an unverified form that is not named.
    """
    for name in ("database", "instant", "prefix", "catalog_path", "data_path", "source"):
        if options.get(name) is not None and not str(options[name]).strip():
            raise BadInput(_DOING, f"{name} is empty; leave it out or fill it")
    if any(not path.strip() for path in options.get("log_paths") or ()):
        raise BadInput(_DOING, "log_paths has an empty path in it")
    wish = Wish(
        database=options["database"].strip().upper(),
        to=options["to"],
        medium=options["medium"],
        until=None if options.get("instant") is None else instant(options["instant"]),
        backup_id=options.get("backup_id"),
        prefix=options.get("prefix"),
        catalog_path=options.get("catalog_path"),
        log_paths=tuple(options.get("log_paths") or ()),
        data_path=options.get("data_path"),
        source=options.get("source"),
        clear_log=options["clear_log"],
    )
    if wish.database == SYSTEMDB:
        raise BadInput(
            "recover SYSTEMDB",
            "the system database is recovered offline, not by SQL",
            cure='As <sid>adm: HDBSettings.sh recoverSys.py --command="RECOVER ..." --wait; then recover the tenants',
        )
    _refuse_without_place(wish)
    _refuse_without_clear_log(wish)
    named = set(options.get("unverified") or ())
    strange = sorted(named - set(UNVERIFIED))
    if strange:
        raise BadInput(_DOING, "unverified names {}; there are {}".format(", ".join(strange), ", ".join(UNVERIFIED)))
    missing = [form for form in wish.forms() if form not in named]
    if wish.source is not None and not options.get("root_key_hashes") and "root_keys" not in named:
        missing.append("root_keys")
    if missing:
        raise Denied(
            _DOING,
            "nobody of this collection has seen it run: {}".format("; ".join(UNVERIFIED[form] for form in missing)),
            reason="unverified",
            cure="Try it on a sandbox; when you know that it works here: unverified: [{}]".format(", ".join(missing)),
            forms=missing,
        )
    return wish


def _refuse_without_place(wish: Wish) -> None:
    """Every option that is given must stand in the statement."""
    if wish.to == INSTANT and wish.until is None:
        raise BadInput(_DOING, "to: instant needs the option instant")
    if wish.to != INSTANT and wish.until is not None:
        raise BadInput(_DOING, f"instant is given, and to is {wish.to}; one of the two is wrong")
    if wish.source is not None and not _SOURCE.fullmatch(wish.source):
        raise BadInput(_DOING, f"source is tenant@SID, such as PRD@PRD, not {wish.source!r}")
    given = {
        "prefix": wish.prefix,
        "backup_id": wish.backup_id,
        "catalog_path": wish.catalog_path,
        "log_paths": wish.log_paths or None,
        "data_path": wish.data_path,
    }
    out_of_place: Tuple[str, ...] = ()
    if wish.replays:
        out_of_place, form = ("prefix",), "RECOVER DATABASE replays logs from the backups of the catalog"
    elif wish.medium == SNAPSHOT:
        out_of_place, form = (
            tuple(given),
            "RECOVER DATA USING SNAPSHOT takes the snapshot that storage has put in place",
        )
    elif wish.prefix is not None:
        out_of_place, form = ("backup_id", "catalog_path", "log_paths", "data_path"), "a prefix names the backup whole"
    elif wish.backup_id is not None:
        out_of_place, form = ("log_paths",), "RECOVER DATA replays no logs"
    else:
        raise BadInput(_DOING, "to: backup needs prefix or backup_id, or medium: snapshot")
    if wish.medium == BACKINT:
        out_of_place += ("catalog_path",)
        form += "; with medium: backint the catalog comes from backint"
    wrong = [name for name in out_of_place if given[name] is not None]
    if wrong:
        raise BadInput(_DOING, "{} cannot be used here: {}".format(", ".join(wrong), form))
    if wish.source is not None and wish.medium == FILE and wish.prefix is None and wish.catalog_path is None:
        raise BadInput(
            _DOING,
            "source with medium: file needs catalog_path (and mostly data_path and log_paths): the folder with the "
            "catalog of the source, or the own catalog would be read",
        )


def _refuse_without_clear_log(wish: Wish) -> None:
    if wish.source is not None and not wish.clear_log:
        raise BadInput(
            _DOING,
            "CLEAR LOG is mandatory for a copy: what is in the log area belongs to another database",
            cure="Set clear_log: true",
        )
    if not wish.replays and not wish.clear_log:
        raise BadInput(
            _DOING,
            "RECOVER DATA replays no logs and always throws away what is in the log area (CLEAR LOG)",
            cure="Set clear_log: true to say that you know, or recover with to: latest or to: instant",
        )


class Reach(NamedTuple):
    """How far the own catalog reaches.

    :ivar chain: the data backups that are restored, oldest first.
    :ivar newest_log: the good log backup that began last. What was logged until then is in it.
    :ivar missing: entries that tell of missing logs after the chain's end and before the wanted instant.
    """

    chain: List[model.Backup]
    newest_log: Optional[model.Backup]
    missing: List[model.Backup]

    @property
    def until(self) -> Optional[datetime.datetime]:
        """The newest instant that the catalog's backups hold."""
        known = [entry.started for entry in self.chain[-1:] + [self.newest_log] if entry is not None and entry.started]
        return max(known) if known else None

    def as_data(self, wish: Wish) -> Dict[str, Any]:
        """What was compared, as plain JSON data."""
        return {
            "wanted": model.text(wish.until) if wish.to == INSTANT else wish.to,
            "reaches": model.text(self.until),
            "newest_log_backup": self.newest_log.id if self.newest_log else None,
            "backups": [entry.id for entry in self.chain],
            "missing_logs": [entry.id for entry in self.missing],
        }


def reach(entries: Iterable[model.Backup], wish: Wish) -> Reach:
    """What the catalog has for a wish, in one pass over its entries by ascending id."""
    data: List[model.Backup] = []
    missing: List[model.Backup] = []
    newest_log: Optional[model.Backup] = None
    for entry in entries:
        if entry.kind == model.LOG:
            if (
                entry.good
                and entry.started
                and (newest_log is None or entry.started > (newest_log.started or entry.started))
            ):
                newest_log = entry
        elif entry.kind == model.LOG_MISSING:
            missing.append(entry)
        elif entry.good and (wish.until is None or (entry.ended is not None and entry.ended <= wish.until)):
            data.append(entry)
    if wish.medium == SNAPSHOT:
        chain = [entry for entry in data if entry.kind == model.SNAPSHOT][-1:]
    elif wish.backup_id is not None:
        chain = [entry for entry in data if entry.id == wish.backup_id]
    else:
        chain = model.chain_to(data, wish.until)
    edge = chain[-1].id if chain else 0
    after = [
        entry
        for entry in missing
        if entry.id > edge and (wish.until is None or entry.started is None or entry.started <= wish.until)
    ]
    return Reach(chain, newest_log, after if wish.replays else [])


def refuse_too_short(found: Reach, wish: Wish, allow_earlier: bool) -> None:
    """Refuse what the own catalog cannot give.

    HANA does not: with logs that end too early it stops at the newest state it can reach, and calls that success
    (KBA 3006027).

    :raises Failed: no backup to begin with, a backup that is not there, logs that are missing or end too early.
    """
    doing = f"recover {wish.database}"
    compared = found.as_data(wish)
    if not found.chain:
        what = "successful data snapshot" if wish.medium == SNAPSHOT else "successful full backup"
        if wish.backup_id is not None:
            what = f"successful data backup {wish.backup_id}"
        edge = f" that ended by {model.text(wish.until)}" if wish.until else ""
        raise Failed(doing, f"its catalog has no {what}{edge}", reason="no_backup", compared=compared)
    if allow_earlier:
        return
    cure = "Choose an earlier instant, or say allow_earlier: true to take what can be reached"
    if found.missing:
        numbers = ", ".join(str(entry.id) for entry in found.missing)
        raise Failed(
            doing, f"its catalog tells of missing logs ({numbers})", reason="logs", cure=cure, compared=compared
        )
    if wish.to == INSTANT and wish.until is not None:
        newest = found.newest_log.started if found.newest_log else None
        if newest is None or newest < wish.until:
            why = "its newest log backup is of {}, before {}; HANA would stop there without an error".format(
                model.text(newest) or "never", model.text(wish.until)
            )
            raise Failed(doing, why, reason="logs", cure=cure, compared=compared)


def refuse_without_files(chain: Sequence[model.Backup], files: Iterable[model.File], database: str) -> None:
    """Refuse a backup of the chain of which the catalog names no file.

    :raises Failed: there is one.
    """
    known = {file.backup for file in files}
    lost = [entry.id for entry in chain if entry.kind != model.SNAPSHOT and entry.id not in known]
    if lost:
        raise Failed(
            f"recover {database}",
            "its catalog names no file of the backup {}".format(", ".join(str(number) for number in lost)),
            reason="no_files",
        )


def refuse_other_keys(hashes: Mapping[str, Any], database: str) -> None:
    """Refuse a copy between databases whose root keys are not the same ones.

    :param hashes: ``source`` and ``target``, each key names with hashes, as hana_root_keys returns them.
    :raises BadInput: one of the two is empty.
    :raises Denied: they differ.
    """
    doing = f"recover {database}"
    for side in ("source", "target"):
        if not hashes[side]:
            raise BadInput(doing, f"root_key_hashes has no hashes for {side}")
    differing = model.differing(hashes["source"], hashes["target"])
    if differing:
        raise Denied(
            doing,
            "the root keys of source and target are not the same: {}".format(", ".join(differing)),
            reason="root_keys",
            cure="Bring the keys of the source with hana_root_keys (exported there, imported here)",
            keys=differing,
        )


def refuse_usage(usages: Iterable[str], allowed: Optional[Sequence[str]], database: str) -> None:
    """Refuse to overwrite what may not be: PRODUCTION unless it is named; when a list is given, all that is not in it.

    :param usages: what M_DATABASE says of the system and, when it can be read, of the tenant.
    :raises Denied: one of them may not be overwritten, or is not told.
    """
    for usage in usages:
        word = usage.strip().upper()
        fine = bool(word) and (word != "PRODUCTION" if allowed is None else word in {one.upper() for one in allowed})
        if not fine:
            raise Denied(
                f"recover {database}",
                f"its usage is {word}" if word else "M_DATABASE does not say what it is used for",
                reason="usage",
                cure=f"When it is to be overwritten all the same: confirm_usage: [{word or 'its usage'}]",
                usage=word,
            )


__all__ = (
    "BACKINT",
    "BACKUP",
    "FILE",
    "INSTANT",
    "LATEST",
    "Reach",
    "SNAPSHOT",
    "UNVERIFIED",
    "Wish",
    "instant",
    "reach",
    "read",
    "refuse_other_keys",
    "refuse_too_short",
    "refuse_usage",
    "refuse_without_files",
)
