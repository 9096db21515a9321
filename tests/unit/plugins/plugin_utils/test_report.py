# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page of a run says to whoever has to go on with it."""

from __future__ import annotations

import html
import os
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _report
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Revision, open_store
from tests.property import plans


@pytest.mark.parametrize(
    "procedure, arguments, command",
    [
        ("patch", None, "ansible-playbook basis.landscape.patch_landscape -e run=r1"),
        (
            "backup",
            ["-i", "our hosts", "--forks", "20"],
            "ansible-playbook -i 'our hosts' --forks 20 basis.landscape.backup_databases -e run=r1",
        ),
    ],
)
def test_the_command_that_continues_a_run(
    tmp_path: Path, procedure: str, arguments: list[str] | None, command: str
) -> None:
    plan = {**plans.three_tiers(), "lower_bound": 600.0, "makespan": 700.0}
    if arguments is not None:
        plan["arguments"] = arguments
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}")
    try:
        store.create("r1", plan, procedure=procedure, code_hash="c", params={}, created_by="tester")
        revision = Revision("jdoe", "d", ["other code", "another landscape"])
        epoch = store.take("r1", Owner.current(pid=os.getpid()), ttl=60.0, revision=revision)
        assert store.finish("r1", epoch, interrupted=True) == "interrupted"
        report = _report.gather(store, "r1")
        page = _report.render(report)
    finally:
        store.close()
    assert command in html.unescape(page)
    accepted = "jdoe accepted other code; another landscape"
    assert accepted in page and any(accepted in line for line in _report.words(report))
