# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of HANA as text.

HANA binds parameters in queries and data changes only; names and strings of BACKUP, RECOVER, ALTER SYSTEM stand in the
statement, so they are quoted here and nowhere else. The shapes are those of SAP's SQL reference as public tools use
them; `facts` in a docstring says how sure a clause is.
"""

from __future__ import annotations

import datetime
from typing import Any, List, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput

LONGEST_NAME = 127
KINDS = {"full": "", "incremental": " INCREMENTAL", "differential": " DIFFERENTIAL"}


def inside(value: str, quote: str) -> str:
    """A value as it stands between two quotes."""
    return value.replace(quote, quote * 2)


def text(value: str) -> str:
    """A string literal.

    :raises BadInput: for a character that ends a statement for some clients (NUL).
    """
    if "\0" in value:
        raise BadInput("write a statement", "a text has a NUL character in it")
    return "'{}'".format(inside(value, "'"))


def name(value: str) -> str:
    """A quoted identifier, so that nothing in it is read as SQL.

    :raises BadInput: for an empty or a too long one.
    """
    if not value or len(value) > LONGEST_NAME or "\0" in value:
        raise BadInput("write a statement", f"{value!r} is no name of a database object")
    return '"{}"'.format(inside(value, '"'))


def moment(value: datetime.datetime) -> str:
    """An instant of UTC as HANA reads it in RECOVER, to the second."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc)
    return text(value.strftime("%Y-%m-%d %H:%M:%S"))


def _for(database: Optional[str]) -> str:
    return f" FOR {name(database)}" if database else ""


def backup(
    kind: str,
    database: Optional[str],
    medium: str,
    destination: Sequence[str],
    comment: str,
    tool_option: Optional[str] = None,
) -> str:
    """BACKUP DATA, asynchronous: it comes back at once, the catalog tells the end.

    :param database: None backs up the connected database (FOR is possible from SYSTEMDB only).
    :param destination: prefix, or directory with prefix.
    """
    where = ", ".join(text(part) for part in destination)
    option = f" TOOLOPTION {text(tool_option)}" if tool_option else ""
    return (
        f"BACKUP DATA{KINDS[kind]}{_for(database)} USING {medium.upper()} ({where}){option} ASYNCHRONOUS "
        f"COMMENT {text(comment)}"
    )


def create_snapshot(comment: str) -> str:
    """A snapshot of the whole system; stays prepared until it is closed."""
    return f"BACKUP DATA FOR FULL SYSTEM CREATE SNAPSHOT COMMENT {text(comment)}"


def close_snapshot(backup_id: int, external_id: Optional[str]) -> str:
    """Confirm a snapshot with its external id, or give it up with None (UNSUCCESSFUL is from memory, not a source)."""
    how = f"SUCCESSFUL {text(external_id)}" if external_id is not None else "UNSUCCESSFUL"
    return f"BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID {int(backup_id)} {how}"


def delete_before(database: Optional[str], backup_id: int, complete: bool) -> str:
    """Remove every catalog entry older than a full backup; with ``complete`` also the backups themselves."""
    return "BACKUP CATALOG DELETE{} ALL BEFORE BACKUP_ID {}{}".format(
        _for(database), int(backup_id), " COMPLETE" if complete else ""
    )


def start_database(database: str) -> str:
    """Start a tenant."""
    return f"ALTER SYSTEM START DATABASE {name(database)}"


def stop_database(database: str, immediate: bool) -> str:
    """Stop a tenant; immediately means without waiting for open transactions."""
    return "ALTER SYSTEM STOP DATABASE {}{}".format(name(database), " IMMEDIATE" if immediate else "")


def create_database(database: str, password: str, location: Optional[str]) -> str:
    """Create a tenant. The password of its SYSTEM user stands in the statement: HANA binds none here."""
    where = f" AT LOCATION {text(location)}" if location else ""
    return f"CREATE DATABASE {name(database)}{where} SYSTEM USER PASSWORD {_quoted_password(password)}"


def _quoted_password(password: str) -> str:
    if not password or len(password) > LONGEST_NAME or "\0" in password:
        # Its words never carry the value, unlike those of `name`.
        raise BadInput("write a statement", f"a password has 1 to {LONGEST_NAME} characters, none of them NUL")
    return name(password)


def drop_database(database: str, keep_backups: bool) -> str:
    """Drop a tenant."""
    return "DROP DATABASE {} {} BACKUPS".format(name(database), "KEEP" if keep_backups else "DROP")


def set_parameter(file: str, layer: str, layer_name: Optional[str], section: str, key: str, value: str) -> str:
    """Set one ini parameter, in force at once."""
    place = ", ".join(text(part) for part in (file, layer) + ((layer_name,) if layer_name else ()))
    what = f"({text(section)}, {text(key)}) = {text(value)}"
    return f"ALTER SYSTEM ALTER CONFIGURATION ({place}) SET {what} WITH RECONFIGURE"


def unset_parameter(file: str, layer: str, layer_name: Optional[str], section: str, key: str) -> str:
    """Take one ini parameter out of a layer, in force at once (UNSET is from memory, not a source)."""
    place = ", ".join(text(part) for part in (file, layer) + ((layer_name,) if layer_name else ()))
    return f"ALTER SYSTEM ALTER CONFIGURATION ({place}) UNSET ({text(section)}, {text(key)}) WITH RECONFIGURE"


def recover(
    database: Optional[str],
    *,
    until: Optional[datetime.datetime] = None,
    backup_id: Optional[int] = None,
    medium: str = "file",
    prefix: Optional[str] = None,
    catalog_path: Optional[str] = None,
    log_paths: Sequence[str] = (),
    data_path: Optional[str] = None,
    source: Optional[str] = None,
    clear_log: bool = False,
) -> str:
    """RECOVER DATABASE to an instant, or RECOVER DATA to exactly one backup.

    RECOVER DATA without a prefix names the backup by its id with the catalog's path. The order of the clauses is that
    of the examples in the public guides of AWS (Backint agent: SOURCE, CATALOG, LOG PATH, DATA PATH, BACKUP_ID) and
    NetApp (CLEAR LOG USING SNAPSHOT, in both forms).
    """
    words: List[str] = []
    if until is not None:
        words.append(f"RECOVER DATABASE{_for(database)} UNTIL TIMESTAMP {moment(until)}")
        if clear_log:
            words.append("CLEAR LOG")
    else:
        words.append(f"RECOVER DATA{_for(database)}")
    if source:
        words.append(f"USING SOURCE {text(source)}")
    if until is None and medium == "snapshot":
        words.append("USING SNAPSHOT")
    elif until is None and prefix is not None:
        words.append(f"USING {medium.upper()} ({text(prefix)})")
    else:
        if until is None and backup_id is not None:
            words.append(f"USING BACKUP_ID {int(backup_id)}")
        if medium == "backint":
            words.append("USING CATALOG BACKINT")
        elif catalog_path:
            words.append(f"USING CATALOG PATH ({text(catalog_path)})")
        if log_paths:
            words.append("USING LOG PATH ({})".format(", ".join(text(path) for path in log_paths)))
        if data_path:
            words.append(f"USING DATA PATH ({text(data_path)})")
        if until is not None and backup_id is not None:
            words.append(f"USING BACKUP_ID {int(backup_id)}")
        if until is not None and medium == "snapshot":
            words.append("USING SNAPSHOT")
    if until is None:
        words.append("CLEAR LOG")
    return " ".join(words)


def is_question(sql: str) -> bool:
    """Whether a statement only reads: SELECT or WITH ... SELECT, a single one, without FOR UPDATE.

    Anything not understood counts as a change.
    """
    stripped = _without_comments(sql).strip()
    body = stripped[:-1].strip() if stripped.endswith(";") else stripped
    words = _outside_of_quotes(body).upper().split()
    if not words or ";" in _outside_of_quotes(body):
        return False
    return words[0] in ("SELECT", "WITH", "(SELECT") and not {"UPDATE", "INTO"} & set(words)


def _without_comments(sql: str) -> str:
    out: List[str] = []
    quote, i = "", 0
    while i < len(sql):
        two = sql[i : i + 2]
        if quote:
            quote = "" if sql[i] == quote else quote
        elif sql[i] in "'\"":
            quote = sql[i]
        elif two == "--":
            end = sql.find("\n", i)
            i = len(sql) if end < 0 else end
            continue
        elif two == "/*":
            end = sql.find("*/", i)
            i = len(sql) if end < 0 else end + 2
            out.append(" ")
            continue
        out.append(sql[i])
        i += 1
    return "".join(out)


def _outside_of_quotes(sql: str) -> str:
    out: List[str] = []
    quote = ""
    for character in sql:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
            out.append(" ")
        else:
            out.append(character)
    return "".join(out)


def plain(value: Any) -> Any:
    """A value of a result as JSON data: instants as ISO text in UTC, decimals as text, bytes as hexadecimal text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    read = getattr(value, "read", None)
    return plain(read()) if read is not None else str(value)


__all__ = (
    "backup",
    "close_snapshot",
    "create_database",
    "create_snapshot",
    "delete_before",
    "drop_database",
    "inside",
    "is_question",
    "moment",
    "name",
    "plain",
    "recover",
    "set_parameter",
    "start_database",
    "stop_database",
    "text",
    "unset_parameter",
)
