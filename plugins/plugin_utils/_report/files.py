# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the report of a run is kept as files."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils._report import facts, page

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store


def write(store: Store, run: str, directory: pathlib.Path) -> dict[str, str]:
    """Write the report of ``run`` as JSON and as an HTML page; return the paths by kind. Raises RunNotFound, OSError."""
    report = facts.gather(store, run)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, text in (("json", json.dumps(report, indent=1, sort_keys=True)), ("html", page.render(report))):
        path = directory / f"{run}.{kind}"
        path.write_text(text, encoding="utf-8")
        paths[kind] = str(path)
    return paths
