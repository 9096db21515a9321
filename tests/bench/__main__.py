# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the benchmarks of this folder: every module with a function ``main``, or the named ones."""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from pathlib import Path

from tests.env import collection

ROOT = Path(__file__).resolve().parents[2]
ORDER = ["cmdb", "plan", "calls", "waiting", "makespan", "peer", "hana", "abap"]


def names() -> list[str]:
    """The benchmarks there are: those of ``ORDER`` first, then the others by name."""
    there = {path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    return [name for name in ORDER if name in there] + sorted(there - set(ORDER))


def main(chosen: list[str]) -> int:
    """Run *chosen* (all when empty); 1 when one of them failed, 2 when a name is unknown."""
    sys.path[:0] = [str(collection.link(ROOT)), str(ROOT)]
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    failed = []
    for name in chosen or names():
        module = importlib.import_module(f"tests.bench.{name}")
        work = getattr(module, "main", None)
        if work is None:
            continue
        print(f"== {name}: {(module.__doc__ or '').strip().splitlines()[0] if module.__doc__ else ''}", flush=True)
        started = time.monotonic()
        try:
            code = work([]) if inspect.signature(work).parameters else work()
        except Exception as problem:  # one broken benchmark must not hide the others
            print(f"{name}: {type(problem).__name__}: {problem}", file=sys.stderr)
            code = 1
        if code:
            failed.append(name)
        print(f"   ({time.monotonic() - started:.1f} s)", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
