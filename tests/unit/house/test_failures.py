# SPDX-License-Identifier: GPL-3.0-or-later
"""Every failure that docs/failures.md speaks of has tests, all of which exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.claims import table


def test_every_failure_has_tests_that_exist(root: Path) -> None:
    text = (root / "docs" / "failures.md").read_text(encoding="utf-8").partition("## Not offered here")[0]
    failures = re.findall(r"^\*\*(.+)\*\*\n((?:- .+\n)*)", text, re.M)
    assert len(failures) == len(re.findall(r"^\*\*", text, re.M)) > 40
    claims: dict[str, list[str]] = {}
    wrong = []
    for failure, listed in failures:
        shown = re.findall(r"^- `(.+)`$", listed, re.M)
        if not shown or len(shown) != listed.count("\n"):
            wrong.append(f"{failure} lists no tests, or something else")
        for one in shown:
            if "::" in one:
                file, _colons, name = one.partition("::")
                found = (root / file).is_file() and f"\ndef {name}(" in (root / file).read_text(encoding="utf-8")
            else:
                module, _colon, sentence = one.partition(": ")
                if module not in claims:
                    there = (root / "tests" / "integration" / "targets" / module / "claims.yml").is_file()
                    claims[module] = [claim["claim"] for claim in table.read(module)] if there else []
                found = sentence in claims[module]
            if not found:
                wrong.append(f"{failure} There is no {one}")
    assert wrong == []
