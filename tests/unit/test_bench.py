# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark whose limit is missed fails, for whoever runs it by its exit code."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bench import __main__ as runner
from tests.bench import _growth, abap, cmdb, makespan, plan, waiting


@pytest.mark.parametrize(("answer", "code"), [(0, 0), (None, 0), (1, 1)])
def test_the_runner_passes_it_on(monkeypatch: pytest.MonkeyPatch, answer: int | None, code: int) -> None:
    benchmark = types.ModuleType("tests.bench.given")
    benchmark.main = lambda: answer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tests.bench.given", benchmark)
    monkeypatch.setattr(runner, "names", lambda: ["given"])
    assert runner.main(["given"]) == code


@pytest.mark.parametrize(
    ("alone", "quarter", "batches", "code"),
    [(1.10, 1.15, 200.0, 0), (1.11, 1.15, 200.0, 1), (1.10, 1.16, 200.0, 1), (1.10, 1.15, 199.0, 1)],
)
def test_the_limits_of_the_makespan(
    monkeypatch: pytest.MonkeyPatch, alone: float, quarter: float, batches: float, code: int
) -> None:
    ratios = {1: alone, makespan.QUARTER: quarter}
    monkeypatch.setattr(makespan, "gated", lambda _shop, share: (ratios[share], 100.0))
    monkeypatch.setattr(makespan, "batched", lambda _shop, _share: 1000.0)  # shown, not judged
    monkeypatch.setattr(makespan, "at_best", lambda share: {1: 1000.0, makespan.QUARTER: batches}[share])
    assert makespan.main() == code


def test_batches_at_best_wait_for_the_slowest_host_after_each_phase() -> None:
    table = {  # tier, stop, patch, reboot, start, verify
        "w": ("web", 1, 10, 3, 2, 1),
        "a": ("app", 2, 11, 3, 4, 1),
        "b": ("app", 5, 10, 4, 3, 2),
        "d": ("db", 7, 10, 9, 8, 1),
    }
    hosts: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for name, (tier, *durations) in table.items():
        labels = {kind: f"{name}/{kind}" for kind in ("stop", "patch", "reboot", "start", "verify")}
        hosts[name] = {"landscape_host": {"instances": [{"tier": tier}]}, "labels": labels}
        seconds |= dict(zip(labels.values(), map(float, durations), strict=True))
    # stop web, app, db: 1 + 5 + 7; patch 11; reboot 9; start db, app, web: 8 + 4 + 2; verify 2
    assert makespan.batches_at_best(hosts, seconds, 4) == 49.0
    # w, a: 1 + 2, 11, 3, 4 + 2, 1 = 24; b, d: 5 + 7, 10, 9, 8 + 3, 2 = 44
    assert makespan.batches_at_best(hosts, seconds, 2) == 68.0
    # the last batch may be smaller: w, a, b 1 + 5, 11, 4, 4 + 2, 2 = 29; d: 7, 10, 9, 8, 1 = 35
    assert makespan.batches_at_best(hosts, seconds, 3) == 64.0


def test_batches_at_best_follow_what_batches_do(root: Path) -> None:
    (play,) = yaml.safe_load((root / "tests" / "bench" / "ansible" / "batches.yml").read_text(encoding="utf-8"))
    walked: list[tuple[str, str | None]] = []
    for task in play["tasks"]:
        if "loop" in task:
            walked += [(task["vars"]["kind"], tier) for tier in task["loop"]]
        else:
            walked.append((task["simulated_work"]["label"].strip("{} ").removeprefix("labels."), None))
    assert tuple(walked) == makespan.BARRIERS


@pytest.mark.parametrize(("workers", "code"), [(0.2, 0), (0.4, 1)])
def test_the_limit_of_waiting(monkeypatch: pytest.MonkeyPatch, workers: float, code: int) -> None:
    """All processes count; only our pace of polling is judged."""

    def measured(_seconds: float, poll: str | None) -> dict[str, waiting.Use]:
        shares = {"main": 0.05, "workers": workers, "sidecar": 0.05} if poll is None else {"main": 0.9, "workers": 0.9}
        return {kind: waiting.Use(share, 1.0, 1) for kind, share in shares.items()}

    monkeypatch.setattr(waiting, "measure", measured)
    assert waiting.main() == code


@pytest.mark.parametrize("missed", ["quiet", "counting", None])
def test_one_limit_of_two_is_enough(monkeypatch: pytest.MonkeyPatch, missed: str | None) -> None:
    def part(name: str) -> Callable[[], bool]:
        return lambda: name != missed

    for name in ("quiet", "counting"):
        monkeypatch.setattr(abap, name, part(name))
    assert abap.main() == (1 if missed else 0)


@pytest.mark.parametrize(
    ("many", "power", "steep"), [(1.0, 1.0, False), (1.58, 1.199, False), (1.6, 1.204, True), (0.05, -0.301, False)]
)
def test_growth_is_judged(many: float, power: float, steep: bool) -> None:
    found = _growth.exponent((1_000, 10_000), (0.1, many))
    assert found == pytest.approx(power, abs=0.001) and _growth.too_steep(found) is steep


def test_one_size_tells_nothing_about_growth() -> None:
    assert _growth.exponent((1_000, 1_000), (1.0, 1.0)) is None and not _growth.too_steep(None)


@pytest.mark.parametrize(
    ("few", "many", "page", "code"),
    [(0.5, 4.9, 4.9, 0), (0.5, 5.1, 4.9, 1), (0.2, 4.9, 4.9, 1), (0.5, 4.9, 9.9, 1)],
)
def test_the_limits_of_a_plan(monkeypatch: pytest.MonkeyPatch, few: float, many: float, page: float, code: int) -> None:
    made = {"steps": {}, "makespan": 1.0, "lower_bound": 1.0}
    answers = iter([(few, made), (0.5, ""), (many, made), (page, "")])
    monkeypatch.setattr(
        plan, "landscape", lambda size: {"hosts": dict.fromkeys(range(size)), "systems": {}, "instances": {}}
    )
    monkeypatch.setattr(plan, "best", lambda _work: next(answers))
    assert plan.main([1_000, 10_000]) == code


@pytest.mark.parametrize(("few", "many", "code"), [(0.3, 2.9, 0), (0.3, 3.1, 1), (0.1, 2.9, 1)])
def test_the_limits_of_the_inventory(monkeypatch: pytest.MonkeyPatch, few: float, many: float, code: int) -> None:
    monkeypatch.setattr(cmdb, "configurations", lambda folder, _count: {"JSON": folder})
    monkeypatch.setattr(cmdb, "load", lambda _path, hosts: (9.0, few if hosts == 300 else many))
    assert cmdb.main() == code
