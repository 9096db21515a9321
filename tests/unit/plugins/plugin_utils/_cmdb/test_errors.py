# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of defects."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import Defect, LandscapeDefects

ONE = Defect('hosts[3] "prdapp1"', "tier", "is 'x'", "name one of a, b")


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (ONE, "hosts[3] \"prdapp1\", field tier: is 'x'; name one of a, b"),
        (Defect("hosts[3]", "", "is no mapping", "write one"), "hosts[3]: is no mapping; write one"),
        (Defect("hosts[3]", "tier", "is 'x'", ""), "hosts[3], field tier: is 'x'"),
        (Defect("hosts[3]", "", "is no mapping", ""), "hosts[3]: is no mapping"),
    ],
)
def test_a_defect_in_words(defect: Defect, words: str) -> None:
    assert str(defect) == words


@pytest.mark.parametrize(("count", "head"), [(0, "0 defects"), (1, "1 defect "), (12, "12 defects")])
def test_every_defect_is_numbered_in_its_order(count: int, head: str) -> None:
    defects = [Defect(f"hosts[{number}]", "", "is odd", "") for number in range(count)]
    error = LandscapeDefects("cmdb.yml", defects)
    lines = str(error).splitlines()
    assert head in lines[0] and "cmdb.yml" in lines[0]
    assert [line.strip() for line in lines[1:]] == [f"{n}. {defect}" for n, defect in enumerate(defects, 1)]
    defects.append(ONE)
    assert len(error.defects) == count, "it keeps a list of its own"
