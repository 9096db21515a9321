# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is stated twice (action groups, fragments, role options) says the same in both places."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.house.source import OURS, ROOT, Source, sources

# A fragment and the function that builds its twin.
TWINS = {
    "wait": ("plugins.module_utils._argspec", "wait_spec"),
    "fence": ("plugins.module_utils._argspec", "fence_spec"),
    "sapcontrol": ("plugins.module_utils._sapcontrol.options", "sapcontrol_spec"),
    "hana": ("plugins.module_utils._hana.options", "hana_spec"),
    "rfc": ("plugins.module_utils._rfc.options", "rfc_spec"),
}
BARRIERS = {"throttle", "run_once", "any_errors_fatal", "serial", "max_fail_percentage"}
MODULES = {source.path.stem: source for source in sources("plugins/modules")}
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())


def constant(source: Source, name: str) -> Any:
    """The value of the string constant *name* of a module, read as YAML; None when it has none."""
    for node in source.module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


def fragments(source: Source) -> set[str]:
    """The names of this collection's fragments that a module's documentation extends."""
    extends = (constant(source, "DOCUMENTATION") or {}).get("extends_documentation_fragment", [])
    names = [extends] if isinstance(extends, str) else extends
    return {name.split(".")[2] for name in names if name.startswith("basis.landscape.")}


def groups() -> dict[str, set[str]]:
    """The action groups with their modules."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    return {group: set(members) for group, members in (runtime.get("action_groups") or {}).items()}


@pytest.mark.parametrize("group", groups())
def test_action_group_is_who_extends_the_fragment(group: str) -> None:
    assert groups()[group] == {name for name, source in MODULES.items() if group in fragments(source)}


def test_every_connection_fragment_has_its_action_group() -> None:
    rooms = {path.name.lstrip("_") for path in (ROOT / "plugins" / "module_utils").glob("_*") if path.is_dir()}
    extended = {name for source in MODULES.values() for name in fragments(source)}
    assert (extended & rooms) <= set(groups())


@pytest.mark.parametrize("name", MODULES)
def test_module_is_documented(name: str) -> None:
    source = MODULES[name]
    documentation = constant(source, "DOCUMENTATION")
    assert documentation["module"] == name
    assert documentation["short_description"] and documentation["description"] and documentation["author"]
    assert constant(source, "EXAMPLES")
    assert "RETURN = " in source.text
    assert f"basis.landscape.{name}" in source.text, "the examples use the full name"


def _simple(options: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "elements", "default", "required", "choices", "aliases")
    plain: dict[str, Any] = {}
    for name, option in options.items():
        words = {
            key: option[key]
            for key in kept
            if option.get(key) not in (None, False, [], ()) or key == "default" and key in option
        }
        words.setdefault("type", "str")
        inner = option.get("options") or option.get("suboptions")
        if inner:
            words["options"] = _simple(inner)
        plain[name] = {key: list(value) if isinstance(value, tuple) else value for key, value in words.items()}
    return plain


@pytest.mark.parametrize("name", TWINS)
def test_fragment_and_spec_are_twins(name: str) -> None:
    module, function = TWINS[name]
    build: Callable[[], Any] = getattr(importlib.import_module(OURS + module), function)
    fragment = importlib.import_module(f"{OURS}plugins.doc_fragments.{name}").ModuleDocFragment
    assert _simple(yaml.safe_load(fragment.DOCUMENTATION)["options"]) == _simple(build().options)


def test_secrets_are_marked() -> None:
    words = ("password", "passphrase", "token", "secret", "router")  # a route may hold the passwords of routers
    wrong = []
    for source in sources("plugins/module_utils", "plugins/modules"):
        for node in ast.walk(source.module):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                named = (
                    isinstance(key, ast.Constant)
                    and isinstance(key.value, str)
                    and any(word in key.value for word in words)
                )
                if (
                    named
                    and isinstance(value, ast.Dict)
                    and "'type'" in ast.unparse(value)
                    and "no_log" not in ast.unparse(value)
                ):
                    wrong.append(f"{source.path}:{value.lineno}")
    assert wrong == []


def _load(path: Path) -> Any:
    class Loader(yaml.SafeLoader):
        """Reads Ansible's own tags as their text."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: getattr(node, "value", None))
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader)


def _walk(node: Any, trail: str = "") -> Iterator[tuple[str, Any, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key), value, f"{trail}/{key}"
            yield from _walk(value, f"{trail}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, f"{trail}[{index}]")


@pytest.mark.parametrize(
    "path",
    sorted(
        [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("roles/*/handlers/*.yml")]
    ),
    ids=str,
)
def test_no_barrier_stands_in_a_gated_play(path: Path) -> None:
    assert [trail for key, _value, trail in _walk(_load(path)) if key in BARRIERS] == []


@pytest.mark.parametrize("role", ROLES)
def test_role_interface(role: str) -> None:
    folder = ROOT / "roles" / role
    entries = _load(folder / "meta" / "argument_specs.yml")["argument_specs"]
    assert "main" in entries and all(entry["short_description"] for entry in entries.values())
    assert (folder / "README.md").is_file(), "Galaxy takes no role without a README.md"
    options = {name: option for entry in entries.values() for name, option in entry.get("options", {}).items()}
    defaults_file = folder / "defaults" / "main.yml"
    defaults = (_load(defaults_file) if defaults_file.exists() else None) or {}
    assert set(defaults) <= set(options), "a default that the role's specification does not know"
    stated = {name: option["default"] for name, option in options.items() if "default" in option}
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert {name: value for name, value in stated.items() if "{{" not in str(value)} == plain, (
        "the defaults stand in both files"
    )
    for name, option in options.items():
        assert option.get("description"), f"{name} has no description"
        assert option.get("type"), f"{name} has no type"


def test_galaxy_file() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert (galaxy["namespace"], galaxy["name"], galaxy["dependencies"]) == ("basis", "landscape", {})
    assert {".cache", ".venv", ".venv-newest", ".landscape", "build"} <= set(galaxy["build_ignore"])
