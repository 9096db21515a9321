# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark whose limit is missed fails, for whoever runs it by its exit code."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import pytest

from tests.bench import __main__ as runner
from tests.bench import _growth, abap, cmdb, makespan, plan


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
    monkeypatch.setattr(makespan, "batched", lambda _shop, _share: batches)
    assert makespan.main() == code


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
