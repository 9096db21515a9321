# SPDX-License-Identifier: GPL-3.0-or-later
"""The landscape as a native export."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import CmdbError


def native(landscape: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The native export of a landscape: lists of records, with their number under ``counts``.

    Reading it again gives the same landscape. ``counts`` lets a reader see that a file is whole.
    """
    document: dict[str, Any] = {"format": 1}
    for section in ("hosts", "systems", "redundancy_groups", "calendars"):
        document[section] = [{"name": name, **record} for name, record in landscape[section].items()]
    document["instances"] = list(landscape["instances"].values())
    document["counts"] = {key: len(value) for key, value in document.items() if isinstance(value, list)}
    return document


def write_native(landscape: Mapping[str, Mapping[str, Any]], path: str) -> None:
    """Writes the native export as JSON, whole or not at all.

    Raises:
        CmdbError: the file cannot be written.
    """
    text = json.dumps(native(landscape), indent=1, ensure_ascii=False) + "\n"
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".export-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise CmdbError(f"write the export {path}", f"{error.strerror or error}") from error
