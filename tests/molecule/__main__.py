# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.molecule [SCENARIO ...]``: the scenarios by hand, with what they need of the machine."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.env import debian
from tests.molecule import scenario

ROOT = Path(__file__).resolve().parents[2]


def main(names: list[str]) -> int:
    """Run the named scenarios, all when none is named; 0 when each is proved, 2 when the machine cannot run them."""
    unknown = sorted(set(names) - set(scenario.SCENARIOS))
    if unknown:
        print(f"Could not run {unknown[0]}: the scenarios are {', '.join(scenario.SCENARIOS)}", file=sys.stderr)
        return 2
    chosen = names or list(scenario.SCENARIOS)
    debian.install()
    lacking = debian.missing(sorted({need for name in chosen for need in scenario.SCENARIOS[name].needs}))
    if lacking:
        print(f"SKIPPED: molecule scenarios: {debian.advice(lacking)}", file=sys.stderr)
        return 2
    for name in chosen:
        try:
            print(scenario.run(ROOT, name))
        except scenario.NotProved as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{name}: proved")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
