# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's bytes beside those of published captures.

The files in ``samples/`` have the shape of answers that were captured from real systems and published with Google's
SAP agent and SUSE's trento agent (envelope, prefixes, order of the elements, empty elements); their values are those
of the landscape here. Times, process ids are blanked on both sides; blanks between elements do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import ASCS, D01, WEB, Caller, Reply, landscape

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """The common landscape, at rest."""
    with Simulator.start(landscape(stopped=["WD1"]), speed=1) as running:
        yield running


def plain(text: str) -> str:
    """Without what differs from call to call."""
    text = re.sub(r"<(starttime|elapsedtime|owner|owner-vb)>[^<]+<", r"<\1>*<", text)
    text = re.sub(r"<pid>[1-9]\d*<", "<pid>*<", text)
    return re.sub(r">\s+<", "><", text).strip()


CASES = {
    "GetProcessList": (D01, {}, 200),
    "GetProcessList-stopped": (WEB, {}, 200),
    "GetSystemInstanceList": (D01, {"timeout": 0}, 200),
    "EnqGetLockTable": (ASCS, {}, 200),
    "ParameterValue": (D01, {"parameter": "INSTANCE_NAME"}, 200),
    "Start-running": (D01, {}, 500),
    "GetQueueStatistic-webdisp": (WEB, {}, 500),
}


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("over", ["http", "https"])
def test_an_answer_has_the_published_shape(sim: Simulator, name: str, over: str) -> None:
    instance, fields, status = CASES[name]
    reply: Reply = Caller(sim, instance)(name.partition("-")[0], over, **fields)
    assert reply.status == status
    assert plain(reply.body) == plain((SAMPLES / f"{name}.xml").read_text(encoding="utf-8"))


def test_the_times_have_their_published_form(sim: Simulator) -> None:
    reply = Caller(sim, D01)("GetProcessList")
    assert all(re.fullmatch(r"\d{4} \d\d \d\d \d\d:\d\d:\d\d", text) for text in reply.texts("starttime"))
    assert all(re.fullmatch(r"\d+:[0-5]\d:[0-5]\d", text) for text in reply.texts("elapsedtime"))
    assert len(reply.texts("starttime")) == 4
