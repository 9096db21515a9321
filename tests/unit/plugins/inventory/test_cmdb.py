# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the inventory plugin, made through Ansible's own inventory manager and programs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from tests.simulator.launch import Simulator
from tests.unit.plugins.plugin_utils._cmdb.conftest import EXPORT
from tests.unit.plugins.plugin_utils._cmdb.test_outside import related


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An inventory folder with a whole export and no configuration yet."""
    (tmp_path / "landscape.json").write_text(json.dumps(EXPORT), encoding="utf-8")
    return tmp_path


Load = Callable[..., dict[str, Any]]


def configure(folder: Path, **options: Any) -> Path:
    """Writes the plugin's configuration."""
    path = folder / "cmdb.yml"
    path.write_text(yaml.safe_dump({"plugin": "basis.landscape.cmdb", **options}), encoding="utf-8")
    return path


@pytest.fixture
def load(folder: Path, ansible_environment: dict[str, str]) -> Load:
    """Loads the inventory of a configuration in a process of its own; see `probe`."""

    def loaded(*, refused: bool = False, **options: Any) -> dict[str, Any]:
        found = probed(configure(folder, **options), ansible_environment)
        assert ("error" in found) is refused, found
        return found

    return loaded


def probed(path: Path, environment: dict[str, str]) -> dict[str, Any]:
    """What `probe` finds in an inventory."""
    probe = str(Path(__file__).with_name("probe.py"))
    done = subprocess.run(
        [sys.executable, probe, str(path)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def program(name: str, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs one of Ansible's programs of this Python."""
    command = [sys.executable, str(Path(sys.executable).parent / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def listed(value: Any) -> Any:
    """The output of ansible-inventory without the marks of texts that are no templates."""
    if isinstance(value, dict):
        return (
            value["__ansible_unsafe"]
            if set(value) == {"__ansible_unsafe"}
            else {k: listed(v) for k, v in value.items()}
        )
    return [listed(item) for item in value] if isinstance(value, list) else value


def test_variables_and_groups(load: Load) -> None:
    found = load(path="landscape.json")
    landscape = _cmdb.load_document(EXPORT)
    assert sorted(found["hosts"]) == ["prdapp1", "prdapp2", "prddb1", "web1"]
    host = found["hosts"]["prdapp1"]
    assert host == {
        "ansible_host": "127.0.1.1",
        "landscape_host": {
            **landscape["hosts"]["prdapp1"],
            "instances": [
                {"id": key, **landscape["instances"][key]} for key in ("PRD/prdapp1/ASCS00", "PRD/prdapp1/D01")
            ],
        },
    }
    assert found["groups"]["all"]["vars"] == {
        "landscape_systems": landscape["systems"],
        "landscape_redundancy_groups": landscape["redundancy_groups"],
        "landscape_calendars": landscape["calendars"],
    }
    for name, hosts in _cmdb.groups(landscape).items():
        assert sorted(found["groups"][name]["hosts"]) == sorted(hosts)


@pytest.mark.parametrize("name", ["prod.cmdb.yml", "cmdb.yaml", "prod.cmdb.yaml"])
def test_files_of_its_own(folder: Path, name: str, ansible_environment: dict[str, str]) -> None:
    path = configure(folder, path="landscape.json").rename(folder / name)
    assert probed(path, ansible_environment)["mine"] is True


@pytest.mark.parametrize("name", ["mycmdb.yml", "cmdb.yml.bak", "landscape.yml"])
def test_other_files(folder: Path, name: str, ansible_environment: dict[str, str]) -> None:
    path = configure(folder, path="landscape.json").rename(folder / name)
    assert not probed(path, ansible_environment)["mine"]


def test_compose_groups_keyed_groups(load: Load) -> None:
    found = load(
        path="landscape.json",
        strict=True,
        compose={"numbers": "landscape_host.instances | map(attribute='number') | list"},
        groups={"clustered": "landscape_host.instances | selectattr('cluster_owned') | list | length > 0"},
        keyed_groups=[{"prefix": "os", "key": "landscape_host.os | default('none', true)"}],
    )
    assert found["hosts"]["prdapp1"]["numbers"] == ["00", "01"]
    assert found["groups"]["clustered"]["hosts"] == ["prddb1"]
    assert found["groups"]["os_none"]["hosts"] == ["web1"]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("ending", ["json", "yml"])
def test_texts_of_the_cmdb_are_never_templates(folder: Path, load: Load, ending: str, cached: bool) -> None:
    proof = folder / "proof"
    evil = "{{ lookup('ansible.builtin.pipe', 'touch " + str(proof) + "') }}"
    export = json.loads((folder / "landscape.json").read_text())
    export["hosts"][0].update(owner=evil, address=evil, attributes={evil: evil})
    export["systems"][0]["owner"] = evil
    (folder / f"evil.{ending}").write_text(json.dumps(export))
    options: dict[str, Any] = {"path": f"evil.{ending}", "compose": {"copied": "landscape_host.owner"}}
    if cached:
        options |= {
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(folder / "cache"),
        }
        load(**options)
    found = load(**options)
    assert found["hosts"]["prdapp1"]["copied"] == evil
    assert found["hosts"]["prdapp1"]["landscape_host"]["owner"] == evil
    assert found["texts"] > 100
    assert found["trusted"] == []
    assert not proof.exists()


def test_a_play_prints_the_text_and_does_not_run_it(folder: Path, ansible_environment: dict[str, str]) -> None:
    proof = folder / "proof"
    export = json.loads((folder / "landscape.json").read_text())
    export["hosts"][0]["owner"] = evil = "{{ lookup('ansible.builtin.pipe', 'touch " + str(proof) + "') }}"
    (folder / "landscape.json").write_text(json.dumps(export))
    path = str(configure(folder, path="landscape.json"))
    show = ["-m", "debug", "-a", "msg={{ landscape_host.owner }}"]
    done = program("ansible", "-i", path, "-c", "local", "prdapp1", *show, environment=ansible_environment)
    assert done.returncode == 0, done.stderr
    assert evil in done.stdout
    assert not proof.exists()


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give either path or url"),
        ({"path": "landscape.json", "url": "https://x.example"}, "give either path or url"),
        ({"path": "none.json"}, "No such file"),
        ({"path": "landscape.json", "mapping": "snow"}, "none of native, servicenow"),
        ({"path": "landscape.json", "mapping_changes": {"paging": {}, "tabels": {}}}, 'unknown key "tabels"'),
        ({"path": "landscape.json", "additional_paths": ["landscape.json"]}, "already the name of"),
        ({"path": "landscape.json", "export_path": "none/x.json"}, "Could not write the export"),
    ],
)
def test_errors_are_ansibles(
    folder: Path, options: dict[str, Any], words: str, ansible_environment: dict[str, str]
) -> None:
    ansible_environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "1"
    done = program(
        "ansible-inventory", "-i", str(configure(folder, **options)), "--list", environment=ansible_environment
    )
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"aditional_paths": ["more.json"]}, 'unknown key "aditional_paths" (did you mean "additional_paths"?)'),
        ({"source": "file"}, 'unknown key "source"'),
        ({"keyd_groups": [], "Path": "x"}, 'unknown keys "Path"'),
        ({"1": 2, "keyd_groups": []}, '"1", "keyd_groups" (did you mean "keyed_groups"?)'),
    ],
)
def test_an_unknown_key_is_refused(load: Load, folder: Path, options: dict[str, Any], words: str) -> None:
    error = load(refused=True, path="landscape.json", **options)["error"]
    assert words in error and str(folder / "cmdb.yml") in error


def test_every_key_that_ansible_knows_is_allowed(load: Load) -> None:
    ansibles = {
        "cache": False,
        "cache_plugin": "memory",
        "cache_timeout": 9,
        "cache_prefix": "x",
        "cache_connection": "/x",
    }
    constructed = {"strict": True, "compose": {}, "groups": {}, "keyed_groups": [], "use_extra_vars": False}
    assert load(path="landscape.json", **ansibles, **constructed, leading_separator=False)["hosts"]


def written_configurations(root: Path) -> dict[str, dict[str, Any]]:
    """Every configuration in the documentation, by where it stands."""
    module = ast.parse((root / "plugins/inventory/cmdb.py").read_text(encoding="utf-8"))
    found = {
        f"EXAMPLES {number}": document
        for node in module.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES"
        for number, document in enumerate(yaml.safe_load_all(ast.literal_eval(node.value)))
    }
    for page in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)):
            if "plugin: basis.landscape.cmdb" in block:
                found[f"{page.name} {number}"] = yaml.safe_load(block)
    return found


def test_configurations_in_the_documentation_are_read(root: Path, folder: Path, load: Load) -> None:
    written = written_configurations(root)
    assert len(written) >= 6 and any(place.startswith("README") for place in written)
    (folder / "landscape.yml").write_text(json.dumps(EXPORT), encoding="utf-8")
    for place, configuration in written.items():
        options = {key: value for key, value in configuration.items() if key != "plugin"}
        offline = "path" in options and options.get("mapping", "native") == "native"
        if "url" in options:
            options |= {"url": "https://127.0.0.1:1", "attempts": 1, "timeout": 1.0, "cache": False, "ca_file": None}
        found = load(refused=not offline, **options)
        assert "unknown key" not in found.get("error", ""), place


def test_relation_types_that_nobody_named_are_a_warning(folder: Path, ansible_environment: dict[str, str]) -> None:
    found = related(("PRD", "HDP", "Uses::Used by"))
    (folder / "tables.json").write_text(json.dumps(found), encoding="utf-8")
    for changes, warned in (({}, True), ({"ignored_relation_types": ["Uses::Used by"]}, False)):
        path = configure(folder, path="tables.json", mapping="servicenow", mapping_changes=changes)
        done = program("ansible-inventory", "-i", str(path), "--list", environment=ansible_environment)
        assert done.returncode == 0 and "PRD/app1/D00" in done.stdout, done.stderr
        assert ('"Uses::Used by" (1)' in " ".join(done.stderr.split())) is warned


def test_a_refused_landscape_leaves_the_inventory_as_it_was(folder: Path, load: Load) -> None:
    export = json.loads((folder / "landscape.json").read_text())
    export["instances"][0]["host"] = "nowhere"
    (folder / "landscape.json").write_text(json.dumps(export))
    found = load(path="landscape.json", refused=True)
    assert "1 defect in the data" in found["error"]
    assert found["left"] == [[], ["all", "ungrouped"]]


# -- programs ----------------------------------------------------------------------------------------------------------


def test_ansible_inventory(folder: Path, ansible_environment: dict[str, str]) -> None:
    path = str(configure(folder, path="landscape.json", export_path="native.json"))
    done = program("ansible-inventory", "-i", path, "--list", "--export", environment=ansible_environment)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    output = listed(json.loads(done.stdout))
    landscape = _cmdb.load_document(EXPORT)
    assert output["all"]["vars"]["landscape_systems"] == landscape["systems"]
    assert sorted(output["_meta"]["hostvars"]) == sorted(landscape["hosts"])
    assert output["system_prd"]["hosts"] == ["prdapp1", "prdapp2"]
    assert _cmdb.load_files([str(folder / "native.json")]) == landscape
    done = program("ansible-inventory", "-i", path, "--list", "--limit", "tier_db", environment=ansible_environment)
    assert done.returncode == 0
    assert list(json.loads(done.stdout)["_meta"]["hostvars"]) == ["prddb1"]
    done = program("ansible-inventory", "-i", path, "--graph", "system_prd", environment=ansible_environment)
    assert done.stdout.split() == ["@system_prd:", "|--prdapp1", "|--prdapp2"]


# -- cache -------------------------------------------------------------------------------------------------------------


def test_cache_is_used_and_forgets(folder: Path, load: Load) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
    load(path="landscape.json", export_path="first.json", **cache)
    assert (folder / "first.json").exists()
    (folder / "first.json").unlink()
    again = load(path="landscape.json", export_path="first.json", **cache)
    assert sorted(again["hosts"]) == ["prdapp1", "prdapp2", "prddb1", "web1"]
    assert again["groups"]["all"]["vars"]["landscape_systems"] == _cmdb.load_document(EXPORT)["systems"]
    assert not (folder / "first.json").exists(), "the landscape was not taken from the cache"
    export = json.loads((folder / "landscape.json").read_text())
    export["hosts"].append({"name": "new1"})
    (folder / "landscape.json").write_text(json.dumps(export))
    assert "new1" in load(path="landscape.json", export_path="first.json", **cache)["hosts"]
    (folder / "first.json").unlink()
    load(path="landscape.json", mapping_changes={"description": "x"}, export_path="first.json", **cache)
    assert (folder / "first.json").exists(), "another mapping must be read anew"


# -- the simulator's CMDB ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulator() -> Any:
    with Simulator.start(EXPORT) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Any:
    """Every test leaves the simulator as it was."""
    yield
    if "simulator" in request.fixturenames:
        request.getfixturevalue("simulator").clear()


def rest(simulator: Simulator, mapping: str = "native", **more: Any) -> dict[str, Any]:
    """Options for the simulator's CMDB over TLS."""
    info = simulator.info["cmdb"]
    return {"url": info["https"], "ca_file": simulator.info["ca_file"], "mapping": mapping, "pause": 0.01, **more}


CREDENTIALS = ["basic", "token", "environment", "lookup"]


@pytest.mark.parametrize("way", CREDENTIALS)
def test_credentials(
    simulator: Simulator, folder: Path, load: Load, way: str, ansible_environment: dict[str, str]
) -> None:
    info = simulator.info["cmdb"]
    options: dict[str, Any] = {}
    if way == "basic":
        options = {"user": info["user"], "password": info["password"]}
    elif way == "token":
        options = {"token": info["token"]}
    elif way == "environment":
        ansible_environment["BASIS_CMDB_USER"] = info["user"]
        ansible_environment["BASIS_CMDB_PASSWORD"] = info["password"]
    else:
        ansible_environment["SECRET_OF_THE_TEST"] = info["token"]
        options = {"token": "{{ lookup('ansible.builtin.env', 'SECRET_OF_THE_TEST') }}"}
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
    found = load(**rest(simulator, page_size=2, **options), **cache)
    assert found["groups"]["all"]["vars"]["landscape_systems"] == _cmdb.load_document(simulator.export())["systems"]
    kept = "".join(path.read_text() for path in (folder / "cache").iterdir())
    assert "landscape" in kept
    assert info["password"] not in kept
    assert info["token"] not in kept


@pytest.mark.parametrize("display", ["all", "true", "false"])
def test_servicenow(simulator: Simulator, folder: Path, load: Load, display: str) -> None:
    """All shapes of the table API give the same landscape; what it has no table for comes from a file."""
    export = simulator.export()
    (folder / "more.json").write_text(json.dumps({key: export[key] for key in ("calendars", "redundancy_groups")}))
    parameters = {"sysparm_display_value": display, "sysparm_exclude_reference_link": str(display == "all").lower()}
    tables = ("cmdb_ci_server", "cmdb_ci_appl", "cmdb_ci_db_instance", "cmdb_rel_ci", "cmdb_rel_type")
    options = rest(
        simulator,
        "servicenow",
        page_size=3,
        user=simulator.info["cmdb"]["user"],
        password=simulator.info["cmdb"]["password"],
        mapping_changes={"collections": {table: {"parameters": parameters} for table in tables}},
        additional_paths=["more.json"],
        export_path="native.json",
    )
    load(**options)
    for host in export["hosts"]:
        host.pop("attributes", None)  # the simulator's ServiceNow has no field for them
    assert _cmdb.load_files([str(folder / "native.json")]) == _cmdb.load_document(export)


def test_netbox(simulator: Simulator, folder: Path, load: Load) -> None:
    options = rest(
        simulator,
        "netbox",
        page_size=3,
        token=simulator.info["cmdb"]["token"],
        export_path="native.json",
    )
    load(**options)
    made, wanted = _cmdb.load_files([str(folder / "native.json")]), _cmdb.load_document(simulator.export())
    assert list(made["hosts"]) == list(wanted["hosts"])
    assert {name: host["address"] for name, host in made["hosts"].items()} == {
        name: host["address"] for name, host in wanted["hosts"].items()
    }
    assert {name: system["type"] for name, system in made["systems"].items()} == {
        name: system["type"] for name, system in wanted["systems"].items()
    }
    assert {key: (one["number"], one["kind"], one["tier"]) for key, one in made["instances"].items()} == {
        key: (one["number"], one["kind"], one["tier"]) for key, one in wanted["instances"].items()
    }


FAULTS: list[tuple[dict[str, Any], str, int | None]] = [
    ({"name": "unauthorized"}, "HTTP 401", 1),
    ({"name": "denied"}, "HTTP 403", 1),
    ({"name": "server_error"}, "HTTP 500 (fault server_error) (3 attempts)", 3),
    ({"name": "drop_before"}, "(3 attempts)", 3),
    ({"name": "half_answer"}, "the answer broke off (3 attempts)", 3),
    ({"name": "not_soap"}, "is that a login page", 1),
    ({"name": "hang"}, "no answer in time (3 attempts)", 3),
    ({"name": "endless_pages"}, "the pages never end: page 3 is the same as one before", 3),
    ({"name": "wrong_certificate"}, "the certificate is not trusted", 0),
    ({"name": "expired_certificate"}, "the certificate is not trusted: certificate has expired", 0),
]


@pytest.mark.parametrize(("fault", "words", "calls"), FAULTS, ids=[row[0]["name"] for row in FAULTS])
def test_faults_of_the_cmdb(
    simulator: Simulator,
    folder: Path,
    fault: dict[str, Any],
    words: str,
    calls: int | None,
    ansible_environment: dict[str, str],
) -> None:
    journal = simulator.journal()
    before = journal[-1]["n"] if journal else 0
    simulator.fault(door="cmdb", **fault)
    ansible_environment |= {
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "BASIS_CMDB_USER": simulator.info["cmdb"]["user"],
        "BASIS_CMDB_PASSWORD": simulator.info["cmdb"]["password"],
    }
    path = configure(folder, **rest(simulator, attempts=3, timeout=0.5, page_size=2))
    done = program("ansible-inventory", "-i", str(path), "--list", environment=ansible_environment)
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert simulator.info["cmdb"]["password"] not in done.stderr
    assert done.stdout.strip() == ""
    asked = [row for row in simulator.journal(after=before) if row.get("door") == "cmdb"]
    if calls is not None:
        assert len(asked) == calls


def test_a_fault_that_passes_is_outlived(simulator: Simulator, load: Load) -> None:
    simulator.fault("server_error", door="cmdb", times=2)
    found = load(**rest(simulator, token=simulator.info["cmdb"]["token"]))
    assert len(found["hosts"]) == 4


def test_the_demo_loads(root: Path, ansible_environment: dict[str, str]) -> None:
    found = probed(root / "inventories" / "demo" / "cmdb.yml", ansible_environment)
    assert len(found["hosts"]) == 40
    assert len(found["groups"]["all"]["vars"]["landscape_systems"]) == 12
