# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a CMDB and the landscape."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.basis.landscape.plugins.module_utils._errors import LandscapeError


class CmdbError(LandscapeError):
    """The landscape could not be read: nothing of it may be used."""

    reason = "cmdb"


class SourceError(CmdbError):
    """The source itself is unusable: unreadable, half written, endless."""

    reason = "cmdb_source"


class SourceDenied(SourceError):
    """The CMDB refused the credentials or the right (HTTP 401 or 403). Never retried."""

    kind = "denied"
    reason = "cmdb_denied"


class SourceUnreachable(SourceError):
    """No usable answer after all attempts: connection, certificate, HTTP 5xx or 429."""

    kind = "unreachable"
    reason = "cmdb_unreachable"


class SourceChanged(SourceError):
    """The records of the CMDB changed between two pages, so the pages do not fit together."""

    reason = "cmdb_changed"


class MappingError(CmdbError):
    """The mapping is wrong: unknown name, missing part, an expression that does not parse."""

    reason = "cmdb_mapping"


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong with one record.

    Attributes:
        record: where the record stands and what it is called, e.g. ``hosts[3] "prdapp1"``.
        field: the field of the landscape model, or "" when the record as a whole is meant.
        problem: what is wrong, with the value.
        remedy: what would be right.
    """

    record: str
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.record}, field {self.field}" if self.field else self.record
        return f"{place}: {self.problem}; {self.remedy}" if self.remedy else f"{place}: {self.problem}"


class LandscapeDefects(CmdbError):
    """The data was read, but it does not describe a landscape.

    Attributes:
        source: name of the source for the message.
        defects: every defect found, in the order of the records.
    """

    reason = "cmdb_defects"

    def __init__(self, source: str, defects: list[Defect]) -> None:
        self.source = source
        self.defects = list(defects)
        count = len(self.defects)
        lines = [f"{count} defect{'' if count == 1 else 's'} in the data"]
        lines += [f"  {number}. {defect}" for number, defect in enumerate(self.defects, start=1)]
        super().__init__(f"read a landscape from {source}", "\n".join(lines))
