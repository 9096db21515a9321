# SPDX-License-Identifier: GPL-3.0-or-later
"""HANA's programs on a simulated host: ``hdbnsutil`` for root keys, ``hdbbackupcheck`` for one file.

Published: the arguments, names such as ``DPAPI Root Key``, that the return code of hdbbackupcheck tells whether the
file is good, that root keys are only recovered into a database that is stopped. Invented: every line that is printed,
all return codes but 0, the prompt for the password. A file of the simulator's own folder (``fs`` or ``home`` of the
JSON line) may be named by its path on this machine, where modules look for it. A system is chosen by the caller's name
(``<sid>adm``), else the first one on the host is meant.
"""

from __future__ import annotations

from pathlib import Path

from . import rootkeys
from .answers import SqlError
from .backups import check_file
from .database import ROOT_KEYS, Database, System, World

Result = tuple[int, str]


def system_of(world: World, host: str, caller: str) -> System | None:
    """The HANA system that a command on a host is about."""
    here = [system for system in world.systems.values() if any(i.host == host for i in system.instances)]
    return next((system for system in here if caller == f"{system.sid.lower()}adm"), here[0] if here else None)


def _split(argv: list[str]) -> tuple[list[str], dict[str, str]]:
    words = [word for word in argv if not word.startswith("--")]
    options = [word[2:].partition("=") for word in argv if word.startswith("--")]
    return words, {name: value for name, _equals, value in options}


def hdbnsutil(system: System, home: Path, argv: list[str]) -> Result:
    """``hdbnsutil``; relative file names are below ``home``."""
    words, options = _split(argv)
    verb = words[0] if words else ""
    password = options.get("password", options.get("prompted", ""))
    file = words[1] if len(words) > 1 else ""
    path = system.path(file) if file.startswith("/") else home / file
    try:
        if verb == "-printHashedRootKeys":
            return 0, _hashes(_database(system, options))
        if verb == "-backupRootKeys" and file:
            rootkeys.save(_database(system, options), path)
            return 0, f"root keys written to {file}\ndone.\n"
        if verb == "-validateRootKeysBackup" and file:
            content = rootkeys.load(path, password)
            return 0, f"root keys backup of {content['database']}@{content['sid']} is valid\ndone.\n"
        if verb == "-recoverRootKeys" and file:
            database = _database(system, options)
            sort = options.get("type", "ALL")
            if sort not in ("ALL", *ROOT_KEYS):
                raise SqlError(2, f"unknown root key type {sort}")
            if database.active:
                raise SqlError(2, f"database {database.name} is running, stop it first")
            rootkeys.adopt(database, rootkeys.load(path, password), sort)
            database.effect("hana_root_keys_recovered", sort)
            return 0, "root keys recovered\ndone.\n"
    except SqlError as error:
        return 1, f"Error: {error.text}\nfailed.\n"
    return 1, (
        "usage: hdbnsutil -printHashedRootKeys | -backupRootKeys <file> | -recoverRootKeys <file> | "
        "-validateRootKeysBackup <file>\n"
    )


def _database(system: System, options: dict[str, str]) -> Database:
    wanted = options.get("dbid", "")
    for database in system.databases.values():
        if str(database.dbid) == wanted:
            return database
    raise SqlError(2, f"there is no database with dbid '{wanted}'")


def _hashes(database: Database) -> str:
    names = {"APPLICATION": "DPAPI"}
    lines = [f"{names.get(sort, sort)} Root Key: {database.key_id(sort)}" for sort in ROOT_KEYS]
    return "\n".join([f"Hashed root keys of dbid {database.dbid}", *lines, "done.", ""])


def hdbbackupcheck(system: System, home: Path, argv: list[str]) -> Result:
    """``hdbbackupcheck [options] <file>``."""
    words = [word for word in argv if not word.startswith("-")]
    if len(words) != 1:
        return 1, "usage: hdbbackupcheck [options] <backup file>\n"
    try:
        return 0, "\n".join([*check_file(system.path(words[0]) if words[0][0] == "/" else home / words[0]), ""])
    except SqlError as error:
        return 1, f"ERROR: {error.text}\n"
