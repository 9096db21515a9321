# SPDX-License-Identifier: GPL-3.0-or-later
"""The encryption root keys of a simulated HANA database as files.

Published: where SQL puts them, that the file is protected by the backup password, that a backup whose root key the
target does not know cannot be recovered. Invented: the content (JSON, the password only as a hash), the words of
refusals.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from .answers import SqlError
from .database import ROOT_KEYS, Database, dumps, loads


def _lock(password: str) -> str:
    return hashlib.sha256(b"root keys backup" + password.encode()).hexdigest()


def save(database: Database, path: Path) -> None:
    """Write the root keys to a file.

    Raises:
        SqlError: no backup password is set.
    """
    if not database.key_password:
        raise SqlError(2, "general error: the encryption root keys backup password is not set")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "simulated": "root keys of a simulated HANA database",
        "sid": database.system.sid,
        "database": database.name,
        "lock": _lock(database.key_password),
        "keys": database.keys,
        "old": database.old_keys,
    }
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(dumps(content))


def load(path: Path, password: str) -> dict[str, Any]:
    """Read a file that ``save`` wrote.

    Raises:
        SqlError: it is none, or the password is wrong.
    """
    try:
        content = loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or "lock" not in content:
            raise ValueError
    except FileNotFoundError:
        raise SqlError(2, f"file not found: {path.name}") from None
    except (OSError, ValueError):
        raise SqlError(2, f"not a root keys backup: {path.name}") from None
    if content["lock"] != _lock(password):
        raise SqlError(2, "root keys backup validation failed: wrong password")
    return content


def adopt(database: Database, content: dict[str, Any], sort: str) -> None:
    """Take over the keys of a file: all of them or those of one type."""
    wanted = ROOT_KEYS if sort == "ALL" else (sort,)
    if "BACKUP" in wanted:
        database.old_keys[database.key_id()] = database.keys["BACKUP"]
        database.old_keys.update(content["old"])
    for name in wanted:
        database.keys[name] = content["keys"][name]
