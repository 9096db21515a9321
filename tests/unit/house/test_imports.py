# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports go down only: floors, rooms, the few files that may know a library."""

from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

import pytest

from tests.unit.house.source import OURS, Source, ours, sources

FLOORS = {
    "_errors": 0,
    "_wait": 1,
    "_operation": 1,
    "_argspec": 1,
    "_fence": 1,
    # 2: the rooms, every folder of module_utils but _steps
    "_steps": 3,
    "_module": 4,
}
CLIENT_LIBRARIES = {"hdbcli", "pyrfc", "pyrfcx", "saprfclib", "paramiko"}
DATABASE_LIBRARIES = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}
ROOMS_WITH_LIBRARIES = {"_hana", "_rfc", "_j2ee"}


def place(dotted: str) -> tuple[str, str]:
    """The area of a file and, where the area has rooms, its room: ``("module_utils", "_sapcontrol")``."""
    parts = dotted.split(".")
    return parts[1], parts[2] if len(parts) > 2 else ""


def is_room(area: str, name: str) -> bool:
    return any(
        source.path.parts[:3] == ("plugins", area, name) and len(source.path.parts) > 3 for source in sources("plugins")
    )


def floor(dotted: str) -> int:
    area, name = place(dotted)
    if area == "module_utils":
        return FLOORS.get(name, 2)
    return {"modules": 5, "plugin_utils": 6 if is_room(area, name) else 7}.get(area, 8)


def may_import(importer: str, imported: str) -> str | None:
    """Why the import is not allowed; None when it is."""
    here, there = place(importer), place(imported)
    if here == there:
        return None
    if there[0] not in ("module_utils", "plugin_utils"):
        return "a module or plugin is nobody's library"
    if here[0] in ("module_utils", "modules") and there[0] == "plugin_utils":
        return "plugin_utils stays on the controller"
    if here[0] == "doc_fragments":
        return "a doc fragment is text"
    if here[0] == there[0] and is_room(*here) and is_room(*there) and floor(importer) == floor(imported):
        return "a room never imports a room"
    if here[0] == "plugin_utils" and is_room(*here) and there[0] == "module_utils" and floor(imported) > 1:
        return "a controller room knows floors 0 and 1 only"
    if floor(importer) == floor(imported) and floor(importer) in (
        1,
        7,
    ):  # no rooms: one level, kept straight by test_no_cycle
        return None
    return None if floor(imported) < floor(importer) else "imports go down only"


@pytest.mark.parametrize("source", sources("plugins"), ids=lambda source: str(source.path))
def test_floors_and_rooms(source: Source) -> None:
    wrong = [
        f"{source.path}:{one.line}: imports {target}: {why}"
        for one in source.imports()
        if (target := ours(one)) is not None and (why := may_import(source.dotted, target)) is not None
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("plugins.module_utils._errors", "plugins.module_utils._wait", False),
        ("plugins.module_utils._wait", "plugins.module_utils._errors", True),
        ("plugins.module_utils._sapcontrol.client", "plugins.module_utils._sapcontrol.wire", True),
        ("plugins.module_utils._sapcontrol.client", "plugins.module_utils._module", False),
        ("plugins.modules.sap_instance", "plugins.module_utils._module", True),
        ("plugins.modules.sap_instance", "plugins.plugin_utils._runs", False),
        ("plugins.plugin_utils._plan.graph", "plugins.plugin_utils._runs.store", False),
        ("plugins.plugin_utils._plan.graph", "plugins.module_utils._errors", True),
        ("plugins.plugin_utils._plan.graph", "plugins.module_utils._sapcontrol.client", False),
        ("plugins.action.maintenance_gate", "plugins.plugin_utils._runs", True),
        ("plugins.action.maintenance_gate", "plugins.modules.sap_instance", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert (may_import(importer, imported) is None) is allowed


def test_no_cycle() -> None:
    graph = {
        source.dotted: {
            target
            for one in source.imports()
            if not one.for_types_only and (target := ours(one)) is not None and target != source.dotted
        }
        for source in sources("plugins")
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        pytest.fail(f"files import each other: {' -> '.join(problem.args[1])}")


@pytest.mark.parametrize("source", sources("plugins"), ids=lambda source: str(source.path))
def test_libraries_stay_in_their_room(source: Source) -> None:
    area, room = place(source.dotted)
    wrong = []
    for one in source.imports():
        top = one.module.split(".")[0]
        where = f"{source.path}:{one.line}: {one.module}"
        if one.module.startswith("."):
            wrong.append(f"{where}: write the full path, {OURS}...")
        if top in CLIENT_LIBRARIES and source.path.name != "link.py":
            wrong.append(f"{where}: only a room's link.py knows it")
        if top in DATABASE_LIBRARIES and (area, room) != ("plugin_utils", "_runs"):
            wrong.append(f"{where}: only plugin_utils/_runs knows a database")
        if area == "module_utils" and room != "_module" and top == "ansible":
            wrong.append(f"{where}: Ansible is known to _module.py alone")
        if one.name == "AnsibleModule" and source.path != PurePosixPath("plugins/module_utils/_module.py"):
            wrong.append(f"{where}: AnsibleModule is known to _module.py alone")
        standard = top in sys.stdlib_module_names or top in ("ansible", "ansible_collections", "")
        if area in ("module_utils", "modules") and room not in ROOMS_WITH_LIBRARIES and not standard:
            wrong.append(f"{where}: a managed host has the standard library only")
    assert wrong == []


@pytest.mark.parametrize("source", sources("tests/simulator"), ids=lambda source: str(source.path))
def test_the_simulator_knows_nothing_of_the_collection(source: Source) -> None:
    wrong = [
        f"{source.path}:{one.line}: {one.module}"
        for one in source.imports()
        if one.module.split(".")[0] in ("ansible_collections", "plugins") or "basis.landscape" in one.module
    ]
    assert wrong == []
    assert "ansible_collections.basis.landscape.plugins" not in source.text
