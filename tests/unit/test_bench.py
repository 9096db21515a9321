# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark whose limit is missed fails, for whoever runs it by its exit code."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import pytest

from tests.bench import __main__ as runner
from tests.bench import abap, makespan


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
