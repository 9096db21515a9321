# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a report's selection screen, or a variant that a person saved, is what is meant."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs


def check_screen(jobs: Jobs, program: str, names: Sequence[str]) -> None:
    """See that a report's selection screen has the fields that are to be filled.

    :raises Denied: it has not (reason ``other_screen``).
    """
    doing = f"read the selection screen of {program}"
    there = jobs.screen(doing, program)
    missing = [name for name in names if name not in there]
    if missing:
        raise Denied(
            doing,
            "it has no {}; it has {}".format(", ".join(missing), ", ".join(there) or "no field"),
            reason="other_screen",
            cure="Nothing was started. Correct the names of the fields, or have a variant saved and name it",
            fields=there,
        )


def contents(client: Client, doing: str, program: str, variant: str) -> List[Dict[str, str]]:
    """The rows of a variant: SELNAME, KIND, SIGN, OPTION, LOW, HIGH.

    :raises CallFailed: there is none.
    """
    given: Dict[str, Any] = {"REPORT": program, "VARIANT": variant, "VALUTAB": []}
    answer = client.ask(doing, "RS_VARIANT_CONTENTS_RFC", given)
    return [{str(key): str(value or "").strip() for key, value in row.items()} for row in answer.get("VALUTAB") or ()]


def check_variant(client: Client, program: str, variant: str, wanted: Mapping[str, str]) -> None:
    """See that a saved variant has these values in these fields.

    :raises Denied: it has not (reason ``other_variant``).
    """
    doing = f"read the variant {variant} of {program}"
    there = {row["SELNAME"]: row.get("LOW", "") for row in contents(client, doing, program, variant)}
    wrong = [
        "{} is {}, not {}".format(field, repr(there[field]) if field in there else "not in it", repr(value))
        for field, value in wanted.items()
        if field not in there or there[field].upper() != value.upper()
    ]
    if wrong:
        raise Denied(
            doing,
            "; ".join(wrong),
            reason="other_variant",
            cure="Nothing was started. Save one that says what is meant",
        )


def alike(
    there: Sequence[Mapping[str, str]], ours: Sequence[Mapping[str, str]], exact: bool = False, whole: bool = False
) -> bool:
    """Whether a variant has our values; fields that we leave open have what the report gives them.

    :param exact: also in single values upper and lower case count.
    :param whole: a select option that we leave open must take everything, so that nothing is restricted unasked.
    """

    def of(rows: Sequence[Mapping[str, str]], name: str) -> List[Tuple[str, ...]]:
        found = [row for row in rows if row.get("SELNAME", "").strip() == name]
        if any(row.get("KIND") == "S" for row in found):
            return sorted(tuple(row.get(key, "").strip() for key in ("SIGN", "OPTION", "LOW", "HIGH")) for row in found)
        low = [row.get("LOW", "").strip() for row in found]
        return [(value if exact else value.upper(),) for value in low]

    names = {row["SELNAME"] for row in ours}
    if whole and any(row.get("KIND") == "S" and _restricts(row) for row in left_open(there, names)):
        return False
    return all(of(there, name) == of(ours, name) for name in names)


def left_open(there: Sequence[Mapping[str, str]], names: Iterable[str]) -> List[Mapping[str, str]]:
    """The rows of a variant that say something about other fields than these."""
    known = set(names)
    return [
        row
        for row in there
        if row.get("SELNAME", "").strip() not in known and any(row.get(key, "").strip() for key in ("LOW", "HIGH"))
    ]


def _restricts(row: Mapping[str, str]) -> bool:
    """Whether a row of a select option leaves anything out."""
    return [row.get(key, "").strip() for key in ("SIGN", "OPTION", "LOW")] != ["I", "CP", "*"]


__all__ = ("alike", "check_screen", "check_variant", "contents", "left_open")
