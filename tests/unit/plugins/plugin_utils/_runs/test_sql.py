# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens where the database libraries are not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ansible_collections
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import sql

WITHOUT = """
import importlib, pkgutil, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
for module in pkgutil.iter_modules(_runs.__path__):
    if module.name != "migrations":
        importlib.import_module(f"{_runs.__name__}.{module.name}")
try:
    _runs.open_store("sqlite:////proc/nowhere/x.db")
except _runs.StoreError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("sqlalchemy,alembic", "The run database needs SQLAlchemy 2 on the controller"),
        ("sqlalchemy", "pip install 'SQLAlchemy>=2' alembic"),
    ],
)
def test_without_the_libraries_everything_can_be_read_and_nothing_opened(missing: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT, missing],
        env={**os.environ, "PYTHONPATH": str(Path(list(ansible_collections.__path__)[0]).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


def test_what_is_missing_bears_every_use() -> None:
    missing = sql.Missing()
    assert missing.select(missing.c.name, of=1).where(missing.a < 1, missing.b | ~missing.c) is missing
