# SPDX-License-Identifier: GPL-3.0-or-later
"""What os_packages does with real package managers on small real hosts: plans, holds, real faults with their names."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tests.molecule.scenario import NEEDS

pytestmark = [pytest.mark.needs(*NEEDS), pytest.mark.timeout(600)]

ADDRESSES = {"patchapt": "127.0.2.11", "patchdnf": "127.0.2.12", "patchzypp": "127.0.2.13"}
SOURCES = {
    "patchapt": "/etc/apt/sources.list",
    "patchdnf": "/etc/yum.repos.d/landscape.repo",
    "patchzypp": "/etc/zypp/repos.d/landscape.repo",
}
# How another process holds each package manager: the same file, the same way.
HOLD_APT = (
    "import fcntl, sys; held = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(held, fcntl.LOCK_EX); "
    "print('held', flush=True); sys.stdin.read()"
)
LOCKS = {
    "patchapt": ["python3", "-c", f'"{HOLD_APT}"'],
    "patchdnf": [
        "mkdir -p /var/cache/dnf; echo $$ > /var/cache/dnf/metadata_lock.pid; echo held; cat;"
        " rm /var/cache/dnf/metadata_lock.pid"
    ],
    "patchzypp": ["echo $$ > /run/zypp.pid; echo held; cat; rm /run/zypp.pid"],
}


@dataclass
class Outcome:
    """What one call of the module gave."""

    failed: bool
    result: dict[str, Any]
    text: str = ""

    @property
    def reason(self) -> str | None:
        """The name of the failure."""
        return self.result["error"]["reason"] if self.failed else None

    @property
    def plan(self) -> set[tuple[str, str | None, str | None]]:
        """Name, version before, version after, without the release of rpm."""
        plain = [(p["name"], p["from"], p["to"]) for p in self.result["packages"]]
        return {(name, old and old.partition("-")[0], new and new.partition("-")[0]) for name, old, new in plain}


class Small:
    """The hosts and their repository."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.programs = root / "extensions" / "molecule" / "hosts"
        self.template = root / "extensions" / "molecule" / "default" / "hosts.json.j2"
        self.state = root / ".cache" / "os_packages"
        self.hosts = self.state / "hosts"
        self.environment = environment
        self.ansible = str(Path(sys.executable).parent / "ansible")

    def program(self, name: str, *words: str) -> str:
        """Run one of the programs that make the hosts."""
        command = [sys.executable, str(self.programs / name), *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def offer(self, state: str) -> None:
        """Publish the repository in one of its states."""
        self.program("repositories.py", str(self.state / "repository"), state)

    def up(self) -> None:
        """Make the hosts, with the old versions."""
        self.down()
        self.state.mkdir(parents=True, exist_ok=True)
        engine = jinja2.Environment(undefined=jinja2.StrictUndefined)
        engine.filters.update(combine=lambda one, two: {**one, **two}, to_nice_json=json.dumps)
        text = engine.from_string(self.template.read_text(encoding="utf-8")).render(
            hostvars={name: {"ansible_host": address} for name, address in ADDRESSES.items()},
            dnf_plugins=self.program("plugins.py", str(self.state)),
        )
        description = self.state / "hosts.json"
        description.write_text(text, encoding="utf-8")
        self.offer("old")
        share = f"{self.state / 'repository'}:/srv/landscape"
        self.program("smallhosts.py", "up", str(self.hosts), str(description), "--share", share)

    def down(self) -> None:
        """Remove them."""
        self.program("smallhosts.py", "down", str(self.hosts))

    def ssh(self, host: str, command: str) -> list[str]:
        """The command line that runs *command* on *host*."""
        options = [
            "-i",
            str(self.hosts / "key"),
            "-o",
            f"UserKnownHostsFile={self.hosts / 'known_hosts'}",
            "-p",
            "2222",
        ]
        return ["ssh", *options, f"root@{ADDRESSES[host]}", command]

    def do(self, host: str, command: str) -> str:
        """Run *command* on *host*."""
        done = subprocess.run(
            self.ssh(host, command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.strip()

    @contextlib.contextmanager
    def held(self, host: str) -> Iterator[None]:
        """While another process on *host* holds the package manager."""
        with subprocess.Popen(
            self.ssh(host, " ".join(LOCKS[host])), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield
            holder.stdin.close()

    def call(
        self, host: str, *, check: bool = False, variables: dict[str, Any] | None = None, **options: Any
    ) -> Outcome:
        """Call the module on *host*, with *variables* of Ansible's for this call."""
        inventory = self.state / "inventory.json"
        connection = {
            "ansible_port": 2222,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(self.hosts / "key"),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.hosts / 'known_hosts'}",
        }
        hosts = {name: {"ansible_host": address} for name, address in ADDRESSES.items()}
        inventory.write_text(
            json.dumps({"all": {"hosts": hosts, "vars": {**connection, **(variables or {})}}}), encoding="utf-8"
        )
        command = [
            self.ansible,
            "-i",
            str(inventory),
            host,
            "-m",
            "basis.landscape.os_packages",
            "-a",
            json.dumps({"provider": "auto", **options}),
            "--diff",
        ]
        done = subprocess.run(
            [*command, *(["--check"] if check else [])],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        found = re.search(r"\| (SUCCESS|CHANGED|FAILED!) => (\{.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
        assert found, done.stdout
        return Outcome(found.group(1) == "FAILED!", json.loads(found.group(2)), done.stdout)


@pytest.fixture(scope="module")
def small(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The hosts, one for each package manager."""
    home = tmp_path_factory.mktemp("ansible")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(root / ".cache" / "collections"),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/tmp/basis-os",
    }
    made = Small(root, environment)
    made.up()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(params=sorted(ADDRESSES))
def host(request: pytest.FixtureRequest, small: Small) -> str:
    """One host after the other; the repositories offer the new versions."""
    small.offer("new")
    return str(request.param)


RESTORE = {
    "patchapt": "dpkg --force-all -i /srv/landscape/deb/*/landscape-{tools,core,certified}_1.0_all.deb",
    "patchdnf": "cd /srv/landscape/rpm; rpm -U --oldpackage --replacepkgs landscape-{tools,core,certified}-1.0-1.*.rpm",
}
RESTORE["patchzypp"] = RESTORE["patchdnf"]


@pytest.fixture
def upgradable(small: Small, host: str) -> Iterator[str]:
    """A host that may be upgraded: it has its old versions again afterwards."""
    yield host
    small.do(host, "rm -f /run/landscape-* /run/reboot-required*")
    small.do(host, f"bash -c '{RESTORE[host]}'")


TOOLS, CORE, CERTIFIED = (
    ("landscape-tools", "1.0", "1.1"),
    ("landscape-core", "1.0", "1.2"),
    ("landscape-certified", "1.0", "2.0"),
)


@pytest.mark.parametrize(
    ("options", "plan", "held"),
    [
        ({}, {TOOLS, CORE, CERTIFIED}, set()),
        ({"locked": ["landscape-cert*"]}, {TOOLS, CORE}, {CERTIFIED[0]}),
        ({"exclude": ["landscape-tools"]}, {CORE, CERTIFIED}, {TOOLS[0]}),
        ({"names": ["landscape-t*"]}, {TOOLS}, set()),
        ({"security": True}, {CORE}, set()),
        ({"security": True, "locked": ["landscape-core"]}, set(), {CORE[0]}),
    ],
)
def test_plan(small: Small, host: str, options: dict[str, Any], plan: set[Any], held: set[str]) -> None:
    """Check mode says what an upgrade would do, and what is held back, and does nothing."""
    outcome = small.call(host, check=True, **options)
    assert outcome.plan == plan
    assert {package["name"] for package in outcome.result["held_back"]} == held
    assert outcome.result["changed"] is bool(plan)
    assert small.do(host, "cat /usr/share/landscape-*/version").split() == ["1.0", "1.0", "1.0"]


@pytest.mark.parametrize(
    ("options", "plan", "held"),
    [
        ({"locked": ["landscape-core"]}, {TOOLS}, {CORE[0]}),
        ({"exclude": ["landscape-t*"]}, {CORE}, {TOOLS[0]}),
        ({"locked": ["landscape-certified", "landscape-nothing"]}, {TOOLS, CORE}, set()),
        ({"exclude": ["landscape-*"]}, set(), {TOOLS[0], CORE[0]}),
    ],
)
def test_plan_of_advisories_some_of_which_are_held(
    small: Small, host: str, options: dict[str, Any], plan: set[Any], held: set[str]
) -> None:
    """Of two security advisories one can be held: the other one comes all the same."""
    small.offer("secure")
    outcome = small.call(host, check=True, security=True, **options)
    assert not outcome.failed, outcome.result
    assert outcome.plan == plan
    assert {package["name"] for package in outcome.result["held_back"]} == held


def test_security_upgrade(small: Small, upgradable: str) -> None:
    """Only what fixes an advisory is upgraded, first without the one that is held, then the rest; the diff says it."""
    host = upgradable
    small.offer("secure")
    versions = "cd /usr/share; cat landscape-tools/version landscape-core/version landscape-certified/version"
    first = small.call(host, security=True, locked=["landscape-core"])
    assert not first.failed, first.result
    assert (first.plan, small.do(host, versions).split()) == ({TOOLS}, ["1.1", "1.0", "1.0"])
    second = small.call(host, security=True)
    assert (second.plan, small.do(host, versions).split()) == ({CORE}, ["1.1", "1.2", "1.0"])
    assert small.call(host, check=True, security=True).plan == set()
    change = second.result["packages"][0]
    key, old, new = f"landscape-core.{change['arch']}", change["from"], change["to"]
    said = second.text.splitlines()
    assert [line for line in said if line.startswith(("-packages: ", "+packages: "))] == [
        f"-packages: {key} {old}",
        f"+packages: {key} {new}",
    ]
    assert f"+upgrade landscape-core {old} to {new}" in said


def test_hosts_own_lock(small: Small, host: str) -> None:
    """What the host itself locks counts too, for security fixes as well."""
    lock, unlock = {
        "patchapt": ("apt-mark hold landscape-core", "apt-mark unhold landscape-core"),
        "patchzypp": ("zypper addlock landscape-core", "zypper removelock landscape-core"),
    }.get(host, ("", ""))
    if not lock:
        pytest.skip("this dnf has no plugin for it")
    small.offer("secure")
    small.do(host, lock)
    try:
        outcomes = [small.call(host, check=True, security=security) for security in (True, False)]
    finally:
        small.do(host, unlock)
    assert [outcome.plan for outcome in outcomes] == [{TOOLS}, {TOOLS, CERTIFIED}]
    assert [outcome.result["locks"] for outcome in outcomes] == [["landscape-core"]] * 2


def test_package_that_is_not_installed(small: Small, host: str) -> None:
    """A name that means nothing is an error."""
    assert small.call(host, names=["landscape-nothing"]).reason == "package_not_found"


def test_locked_package_that_is_not_installed(small: Small, host: str) -> None:
    """It cannot move, so it is told and is no error; but it does not come with an upgrade either."""
    small.offer("wide")
    absent = ["landscape-extra", "landscape-n*"]
    outcome = small.call(host, check=True, locked=[*absent, "landscape-cert*"])
    if host == "patchdnf":
        assert outcome.reason == "broken_dependencies"
        needs = r"landscape-tools-1.3-1.noarch requires landscape-extra.*holds landscape-extra back: take it off locked"
        assert re.search(needs, outcome.result["msg"]), outcome.result
        assert outcome.result["error"]["facts"]["held"] == ["landscape-extra"]
        small.offer("new")
        outcome = small.call(host, check=True, locked=[*absent, "landscape-cert*"])
    assert not outcome.failed, outcome.result
    assert outcome.plan == {CORE} | ({TOOLS} if host != "patchapt" else set())
    assert outcome.result["left_out"] == (["landscape-tools"] if host != "patchdnf" else [])
    assert outcome.result["locked_absent"] == absent
    assert f"no installed package has such a name: {', '.join(absent)}" in " ".join(outcome.text.split())


def test_named_package_that_needs_a_locked_one(small: Small, host: str) -> None:
    """What is asked for by name and not possible is an error that names who needs whom and what is in the way."""
    small.offer("wide")
    outcome = small.call(host, check=True, names=["landscape-tools"], locked=["landscape-ex*"])
    assert outcome.reason == "broken_dependencies", outcome.result
    said = r"landscape-tools.* landscape-extra.*The call holds landscape-extra back: take it off locked or exclude"
    assert re.search(said, outcome.result["msg"]), outcome.result
    assert outcome.result["error"]["facts"]["held"] == ["landscape-extra"]


def test_look_without_root(small: Small, host: str) -> None:
    """apt is looked at by anybody, also whether it is held; what needs root is refused at once, and says so."""
    somebody = {"ansible_become": True, "ansible_become_method": "su", "ansible_become_user": "nobody"}
    options = {"variables": {**somebody, "ansible_become_flags": "-s /bin/sh", "ansible_pipelining": True}}
    assert small.call(host, check=True).plan == {TOOLS, CORE, CERTIFIED}
    looked = small.call(host, check=True, refresh=False, lock_timeout=1, lock_delay=0.2, **options)
    if host != "patchapt":
        assert looked.reason == "not_root", looked.result
        return
    assert looked.plan == {TOOLS, CORE, CERTIFIED}
    for words in ({"check": True}, {"refresh": False}):
        assert small.call(host, **words, **options).reason == "not_root"
    with small.held(host):
        held = small.call(host, check=True, refresh=False, lock_timeout=1, lock_delay=0.2, **options)
    assert held.reason == "package_manager_locked", held.result
    assert re.search(r"process \d+ holds /var/lib/dpkg/lock-frontend", held.result["msg"])


@pytest.mark.parametrize("refresh", [True, False])
def test_unreachable_repository(small: Small, host: str, refresh: bool) -> None:
    """No patch is skipped because a repository does not answer."""
    small.do(host, f"sed -i.kept s,/srv/landscape,/srv/nowhere, {SOURCES[host]}")
    try:
        outcome = small.call(host, refresh=refresh)
    finally:
        small.do(host, f"mv {SOURCES[host]}.kept {SOURCES[host]}")
    if host == "patchapt" and not refresh:
        pytest.skip("apt without a refresh knows nothing of a source that it never read")
    assert outcome.reason == "repository_unreachable"
    assert outcome.result["error"]["kind"] == "unreachable"
    assert small.do(host, "cat /usr/share/landscape-core/version") == "1.0"


@pytest.mark.parametrize("refresh", [True, False])
def test_no_repository(small: Small, host: str, refresh: bool) -> None:
    """A host that has nothing to be patched from is not a host that is patched."""
    small.do(host, f"sed -i.kept 's/^enabled=1/enabled=0/; s/^deb /#deb /' {SOURCES[host]}")
    try:
        outcome = small.call(host, check=True, refresh=refresh)
    finally:
        small.do(host, f"mv {SOURCES[host]}.kept {SOURCES[host]}")
    assert outcome.reason == "no_repository", outcome.result
    assert small.call(host, check=True).plan == {TOOLS, CORE, CERTIFIED}


def test_locked_package_manager(small: Small, host: str) -> None:
    """Another process is waited for; one that does not end is named."""
    with small.held(host):
        outcome = small.call(host, lock_timeout=1, lock_delay=0.2)
    assert outcome.reason == "package_manager_locked"
    assert small.call(host, check=True).plan == {TOOLS, CORE, CERTIFIED}


def test_broken_dependency(small: Small, host: str) -> None:
    """dnf refuses the whole, apt tells what it leaves out, zypper takes the version before."""
    small.offer("broken")
    outcome = small.call(host, check=True)
    if host == "patchdnf":
        assert outcome.reason == "broken_dependencies"
    else:
        assert outcome.plan == {CORE, CERTIFIED} | ({TOOLS} if host == "patchzypp" else set())
        assert outcome.result["left_out"] == (["landscape-tools"] if host == "patchapt" else [])


def test_outdated_run(small: Small, host: str) -> None:
    """A run that a newer owner took over does not patch any more."""
    ci = f"TST/{host}/D01"
    assert not small.call(host, exclude=["landscape-*"], fence={"epoch": 2, "ci": ci}).failed
    assert small.call(host, fence={"epoch": 1, "ci": ci}).reason == "fenced"


def test_an_attempt_that_goes_on_tells_what_the_first_one_did(small: Small, upgradable: str) -> None:
    """The first attempt of a piece of work ended behind one package; later ones tell of all, other work does not."""
    fence = {"epoch": 1, "ci": f"TST/{upgradable}/D02", "work": "r1/patch"}
    assert small.call(upgradable, names=["landscape-core"], fence=fence).plan == {CORE}
    on = small.call(upgradable, exclude=["landscape-certified"], fence={**fence, "epoch": 2})
    assert on.result["changed"] and on.plan == {CORE, TOOLS}
    again = small.call(upgradable, exclude=["landscape-certified"], fence={**fence, "epoch": 3})
    assert not again.result["changed"] and again.plan == {CORE, TOOLS}
    other = small.call(upgradable, exclude=["landscape-certified"], fence={**fence, "epoch": 3, "work": "r2/patch"})
    assert not other.result["changed"] and other.plan == set()


def test_full_disk(small: Small, host: str) -> None:
    """No space is a failure by its name, and the package stays as it was."""
    folder = "/usr/share/landscape-tools"
    small.do(
        host,
        f"cp -a {folder} /var/kept; mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs {folder}; "
        f"cp /var/kept/version {folder}/",
    )
    try:
        outcome = small.call(host, names=["landscape-tools"])
    finally:
        small.do(host, f"umount {folder}; rm -r /var/kept")
    assert outcome.reason == "disk_full", outcome.result
    assert small.call(host, check=True, names=["landscape-tools"]).plan == {TOOLS}


def test_upgrade_does_what_the_plan_said(small: Small, upgradable: str) -> None:
    """With new dependencies too; after it nothing is left to do, and the host wants its reboot."""
    host = upgradable
    small.offer("wide")
    planned = small.call(host, check=True, locked=["landscape-certified"])
    done = small.call(host, locked=["landscape-certified"])
    again = small.call(host, locked=["landscape-certified"])
    assert planned.plan == {("landscape-tools", "1.0", "1.3"), CORE, ("landscape-extra", None, "1.0")}
    assert done.plan == planned.plan
    assert done.result["changed"] is True
    assert done.result["reboot_required"] is True
    assert (again.result["changed"], again.plan) == (False, set())
    assert done.result["before"]["packages_digest"] != done.result["after"]["packages_digest"]
    assert again.result["before"]["packages_digest"] == done.result["after"]["packages_digest"]


SCRIPTED = ("landscape-tools", "1.0", "1.3")


def test_last_script_still_runs(small: Small, upgradable: str) -> None:
    """The new version stands in the database; until its last script ends, nothing is proved and nothing is done."""
    host = upgradable
    small.offer("scripted")
    small.do(host, "touch /run/landscape-wait")
    late = small.call(host, names=["landscape-tools"], timeout=8, lock_timeout=1, lock_delay=0.2)
    assert small.do(host, "cat /usr/share/landscape-tools/version") == "1.3"
    assert (late.reason, late.result["error"]["kind"]) == ("still_running", "unknown"), late.result
    assert [package["to"].partition("-")[0] for package in late.result["error"]["facts"]["packages"]] == ["1.3"]
    for refresh in (True, False):
        again = small.call(host, names=["landscape-tools"], refresh=refresh, lock_timeout=1, lock_delay=0.2)
        assert again.reason == "package_manager_locked", again.result
    small.do(host, "rm /run/landscape-wait")
    assert small.call(host, names=["landscape-tools"]).plan == set()


def test_last_script_fails(small: Small, upgradable: str) -> None:
    """dpkg keeps the package half configured: never done before it is configured. rpm ends with 0: a failure."""
    host = upgradable
    small.offer("scripted")
    small.do(host, "touch /run/landscape-full")
    failed = small.call(host, locked=["landscape-certified"])
    assert failed.reason == "transaction", failed.result
    assert "landscape-tools" in failed.result["msg"]
    assert {package["name"] for package in failed.result["error"]["facts"]["packages"]} == {TOOLS[0], CORE[0]}
    if host != "patchapt":
        return
    for options in ({"locked": ["landscape-*"]}, {"names": ["landscape-core"]}, {"security": True, "refresh": False}):
        assert small.call(host, **options).reason == "transaction"
    small.do(host, "rm /run/landscape-full")
    planned = small.call(host, check=True, security=True)
    assert planned.plan == {("landscape-tools", "1.3", "1.3")}
    assert planned.result["packages"][0]["action"] == "configured"
    done = small.call(host, security=True)
    assert (done.plan, done.result["changed"]) == (planned.plan, True)
    assert small.do(host, "dpkg-query -W -f '${db:Status-Abbrev}' landscape-tools").strip() == "ii"
    assert small.do(host, "cat /usr/share/landscape-certified/version") == "1.0"
    assert small.call(host, locked=["landscape-certified"]).plan == set()


def test_interrupted_dpkg(small: Small, upgradable: str) -> None:
    """A dpkg that was killed in the middle is repaired by hand; until then the host is not patched."""
    host = upgradable
    if host != "patchapt":
        pytest.skip("rpm keeps no journal that is to be repaired")
    small.do(host, "sed -i '/^Package: landscape-core$/,/^$/s/ok installed/ok unpacked/' /var/lib/dpkg/status")
    small.do(host, "cd /var/lib/dpkg && sed -n '/^Package: landscape-core$/,/^$/p' status > updates/0001")
    outcome = small.call(host, locked=["landscape-*"])
    assert (outcome.reason, "dpkg --configure -a" in outcome.result["msg"]) == ("interrupted_transaction", True)
    small.do(host, "dpkg --configure -a")
    assert small.call(host, locked=["landscape-*"]).plan == set()
