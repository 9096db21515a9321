# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a source as they were read, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Records:
    """One named list of records.

    Attributes:
        name: the collection's name in the mapping, e.g. ``hosts`` or ``cmdb_rel_ci``.
        items: the records, unchanged.
        lines: for sources that know it (CSV), the line of each record; else empty.
        origin: the file the records come from when the source has several files, else "".
    """

    name: str
    items: Sequence[Any]
    lines: Sequence[int] = ()
    origin: str = ""

    def place(self, index: int) -> str:
        """Where record number `index` stands, as a person would look for it."""
        if self.lines:
            return f"{self.origin or self.name} line {self.lines[index]}"
        return f"{self.origin}: {self.name}[{index}]" if self.origin else f"{self.name}[{index}]"


@dataclass(frozen=True)
class Entry:
    """One record in the words of the landscape model.

    Attributes:
        fields: field name of the model to value; fields that the source leaves out are absent or None.
        records: the records it was made from.
        index: its number in `records`.
        failed: fields that could not be made, which was told already.
    """

    fields: dict[str, Any]
    records: Records
    index: int
    failed: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """The record's place together with the name it gives itself."""
        called = self.fields.get("name") or self.fields.get("id")
        place = self.records.place(self.index)
        return f'{place} "{called}"' if isinstance(called, (str, int)) and called != "" else place
