# SPDX-License-Identifier: GPL-3.0-or-later
"""What was changed for a time, kept so that exactly that can be undone.

The file is written before the change and removed after the undoing was seen, so it survives a controller that dies in
between. It holds names, never a secret. Whoever keeps it somewhere else gives it back as data.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed

FORMAT = 1


class Record:
    """The file of one purpose (``jobs``, ``users``) on one system; without a path nothing is kept.

    :param given: what is kept elsewhere, in the place of a file, with the ``sid`` that it is about.
    """

    def __init__(
        self, path: Optional[str], purpose: str, sid: str, client: str = "", given: Optional[Dict[str, Any]] = None
    ) -> None:
        self._given = given
        self.path = os.path.abspath(os.path.expanduser(path)) if path else None
        self._head = {"format": FORMAT, "purpose": purpose, "sid": sid, "client": client}

    def read(self) -> Optional[Dict[str, Any]]:
        """What was kept; None when there is nothing.

        :raises Denied: it is about another system, client or purpose.
        :raises BadInput: the file is none of ours.
        """
        if self._given is not None:
            if self._given["sid"].strip().upper() != self._head["sid"]:
                raise Denied(
                    "read what is kept",
                    "it is about sid {!r}, not {!r}".format(self._given["sid"], self._head["sid"]),
                    reason="wrong_record",
                )
            return self._given
        if self.path is None:
            return None
        doing = f"read the record {self.path}"
        try:
            with open(self.path, encoding="utf-8") as stream:
                found = json.load(stream)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failed(doing, error.strerror or str(error), reason="record") from error
        except ValueError as error:
            raise BadInput(doing, f"it is no record: {error}", cure="Name the file that was written") from error
        if not isinstance(found, dict) or not isinstance(found.get("kept"), dict):
            raise BadInput(doing, "it is no record of this collection", cure="Name the file that was written")
        other = {key: found.get(key) for key, value in self._head.items() if found.get(key) != value}
        wrong = [f"{key} {value!r}, not {self._head[key]!r}" for key, value in other.items()]
        if wrong:
            raise Denied(doing, "it is about {}".format("; ".join(wrong)), reason="wrong_record")
        return dict(found["kept"])

    def rows(self, kept: Dict[str, Any], name: str, fields: Sequence[str]) -> Optional[List[Dict[str, str]]]:
        """The rows of what was kept under a name, each with these fields as text; None when there is no such name.

        :raises BadInput: it holds something else.
        """
        found = kept.get(name)
        if found is None:
            return None
        rows = found if isinstance(found, list) else [found]
        for row in rows:
            if not isinstance(row, dict) or not all(isinstance(row.get(field), str) for field in fields):
                raise BadInput(
                    f"read the record {self.path}" if self.path else "read what is kept",
                    "{} has {!r}, which is no row with {}".format(name, row, ", ".join(fields)),
                    cure="Correct the file, or give the list as an option",
                )
        return rows

    def write(self, kept: Dict[str, Any]) -> None:
        """Keep this, in the place of what was kept before; whole or not at all.

        :raises Failed: the file cannot be written; nothing may be changed then.
        """
        if self.path is None:
            return
        folder = os.path.dirname(self.path)
        temporary = ""
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".record-", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(dict(self._head, kept=kept), stream, indent=1, sort_keys=True)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)
            raise Failed(f"write the record {self.path}", error.strerror or str(error), reason="record") from error

    def remove(self) -> None:
        """Forget it, because it was undone."""
        if self.path is None:
            return
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Failed(f"remove the record {self.path}", error.strerror or str(error), reason="record") from error


__all__ = ("Record",)
