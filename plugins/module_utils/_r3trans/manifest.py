# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that says what an export holds: of which system, which tables with how many rows, in which data file.

It is written last and in whole, so an export without it does not count. It holds names with numbers, never a row.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import os
import stat
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.basis.landscape.plugins.module_utils._argspec import system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table

FORMAT = 1
NAME = "manifest.json"
_PURPOSE = "preserved_config"
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_TEXTS = ("sid", "client", "exported", "data", "sha256", "r3trans")


class Held(NamedTuple):
    """A table of an export with its number of rows."""

    table: Table
    rows: int


class Manifest(NamedTuple):
    """What an export holds.

    ``imported`` is when the last import of it was proved to be back; empty when there was none, or no proof of it.
    """

    sid: str
    client: str
    exported: str
    data: str
    size: int
    sha256: str
    r3trans: str
    held: List[Held]
    left_out: List[Table]
    imported: str = ""

    @property
    def selected(self) -> List[Table]:
        """The tables that were asked for."""
        return sorted([held.table for held in self.held] + self.left_out)

    def age(self) -> float:
        """Seconds since the export; 0 when it is in the future."""
        return max(0.0, time.time() - calendar.timegm(time.strptime(self.exported, _STAMP)))


def now() -> str:
    """The time in the form of the manifest."""
    return time.strftime(_STAMP, time.gmtime())


def private(folder: str) -> None:
    """See that a folder is this user's, and nobody else's.

    :raises Denied: others can enter it.
    """
    doing = f"use {folder}"
    try:
        found = os.stat(folder)
    except OSError as error:
        raise Failed(doing, f"{error.strerror}", reason="folder") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Failed(doing, "it is no folder", reason="folder")
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Denied(
            doing,
            "others can enter it, or it is another user's",
            reason="open_folder",
            cure="Use a folder of this user's own with mode 0700: what is kept there has secrets in it",
        )


def make_private(folder: str) -> None:
    """Make a folder for this user alone, unless it is there."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise Failed(f"make {folder}", f"{error.strerror}", reason="folder") from error
    private(folder)


def read(folder: str) -> Optional[Manifest]:
    """The manifest of a folder; None when there is none.

    :raises BadInput: it is none of ours, or of another version.
    """
    path = os.path.join(folder, NAME)
    doing = f"read {path}"
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(doing, f"{error.strerror}", reason="manifest") from error
    except ValueError as error:
        raise BadInput(doing, f"it is not JSON: {error}", reason="manifest") from error
    if not isinstance(found, dict) or found.get("purpose") != _PURPOSE:
        raise BadInput(doing, "it is no manifest of this collection", reason="manifest")
    if found.get("format") != FORMAT:
        why = f"its format is {found.get('format')!r}, and only {FORMAT} is known here"
        raise BadInput(doing, why, reason="manifest")
    try:
        return _parsed(found)
    except (BadInput, KeyError, TypeError, ValueError) as error:
        raise BadInput(doing, f"it is not whole: {error!r}", reason="manifest") from error


def _parsed(found: Dict[str, Any]) -> Manifest:
    texts = {name: found[name] for name in _TEXTS}
    if not all(isinstance(text, str) for text in texts.values()) or os.path.basename(texts["data"]) != texts["data"]:
        raise ValueError("a text is none, or data is no name of a file")
    system_id(texts["sid"], "sid")
    time.strptime(texts["exported"], _STAMP)
    held = [Held(Table(str(row["name"]), str(row["where"])), _count(row["rows"])) for row in found["tables"]]
    left_out = [Table(str(row["name"]), str(row["where"])) for row in found["left_out"]]
    if not held:
        raise ValueError("it has no table")
    return Manifest(
        size=_count(found["size"]), held=held, left_out=left_out, imported=str(found.get("imported") or ""), **texts
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number of something")
    return value


def write(folder: str, manifest: Manifest) -> None:
    """Write the manifest of a folder in place of what is there; whole or not at all."""
    path = os.path.join(folder, NAME)
    plain = dict(
        manifest._asdict(),
        purpose=_PURPOSE,
        format=FORMAT,
        tables=[dict(held.table._asdict(), rows=held.rows) for held in manifest.held],
        left_out=[table._asdict() for table in manifest.left_out],
    )
    del plain["held"]
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".manifest-", dir=folder)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(plain, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise Failed(f"write {path}", f"{error.strerror}", reason="folder") from error


def stem(sid: str, exported: str) -> str:
    """How the files of an export begin."""
    return "{}-{}".format(sid, exported.replace("-", "").replace(":", ""))


def set_aside(folder: str, manifest: Optional[Manifest]) -> str:
    """Give the manifest of a folder another name, which its data file has already; the new path.

    :param manifest: what it says; None when it cannot be read.
    """
    name = stem(manifest.sid, manifest.exported) if manifest else "unreadable-{}".format(now().replace(":", ""))
    path = os.path.join(folder, f"{name}.json")
    try:
        os.replace(os.path.join(folder, NAME), path)
    except OSError as error:
        raise Failed(f"set {NAME} aside", f"{error.strerror}", reason="folder") from error
    return path


def digest(path: str) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                found.update(block)
    except OSError as error:
        raise Failed(f"read {path}", f"{error.strerror}", reason="data_file") from error
    return found.hexdigest()


def verify(folder: str, manifest: Manifest) -> None:
    """See that the data file is the one that the manifest is about.

    :raises Failed: it is not there, is shorter or longer, or has another content.
    """
    path = os.path.join(folder, manifest.data)
    doing = f"use {path}"
    try:
        size = os.path.getsize(path)
    except OSError as error:
        raise Failed(doing, f"{error.strerror}", reason="data_file") from error
    if size != manifest.size:
        raise Failed(doing, f"it has {size} bytes, and {manifest.size} were exported", reason="data_file")
    if digest(path) != manifest.sha256:
        raise Failed(doing, "its content is not what was exported", reason="data_file")


__all__ = (
    "FORMAT",
    "NAME",
    "Held",
    "Manifest",
    "digest",
    "make_private",
    "now",
    "private",
    "read",
    "set_aside",
    "stem",
    "verify",
    "write",
)
