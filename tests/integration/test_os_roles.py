# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles os_patch and os_reboot make of a site's own tasks, of a policy, of a host that cannot tell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

BOOT = Path("/proc/sys/kernel/random/boot_id")
PATCHED = {"ansible.builtin.set_fact": {"os_patch_result": {"changed": True, "reboot_required": False}}}


class Host:
    """This machine as the host of a role, with a boot id in a file, so that a boot is a write."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.boot = folder / "boot_id"
        self.boot.write_text("first\n", encoding="ascii")
        self.bin = folder / "bin"
        self.bin.mkdir()

    def tasks(self, *tasks: dict[str, Any]) -> str:
        """A task file of the site's own."""
        path = self.folder / "tasks.yml"
        path.write_text(yaml.safe_dump(list(tasks)), encoding="utf-8")
        return str(path)

    def command(self, name: str, script: str) -> None:
        """A command of the host that answers as *script* does."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def role(self, name: str, **options: Any) -> tuple[dict[str, Any] | None, str]:
        """What the role leaves in its fact, None when it failed; with all that Ansible said, on one line."""
        fact, left = f"{name}_result", self.folder / "left.json"
        left.unlink(missing_ok=True)
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "environment": {"PATH": f"{self.bin}:{self.environment['PATH']}"},
            "tasks": [
                # What an earlier play left is no answer of this one.
                {"ansible.builtin.set_fact": {fact: {"changed": False, "reboot_required": False}}},
                {
                    "ansible.builtin.include_role": {"name": f"basis.landscape.{name}"},
                    "vars": {f"{name}_become": False, **{f"{name}_{key}": value for key, value in options.items()}},
                },
                {"ansible.builtin.copy": {"content": f"{{{{ {fact} | to_json }}}}", "dest": str(left)}},
            ],
        }
        playbook = self.folder / "play.yml"
        playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", str(playbook)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = " ".join(done.stdout.split())
        assert (done.returncode == 0) is left.exists(), said
        return (json.loads(left.read_text(encoding="utf-8")) if left.exists() else None), said

    def reboot(self, **options: Any) -> tuple[dict[str, Any] | None, str]:
        """The role os_reboot, with the boot id of the file."""
        return self.role("os_reboot", boot_id_command=f"cat {self.boot}", **options)


@pytest.fixture
def host(tmp_path: Path, ansible_environment: dict[str, str]) -> Host:
    """One host."""
    return Host(tmp_path, ansible_environment)


def test_own_patch(host: Host) -> None:
    """What the site's tasks leave out of the result is filled in."""
    result, said = host.role("os_patch", provider="custom", custom_tasks=host.tasks(PATCHED))
    assert result is not None, said
    assert result.pop("reboot_evidence") == {"source": str(host.folder / "tasks.yml"), "evidence": []}
    assert result == {
        "provider": "custom",
        "changed": True,
        "reboot_required": False,
        "boot_id": BOOT.read_text(encoding="ascii").strip(),
        "packages": [],
        "held_back": [],
        "locked_absent": [],
        "locks": [],
        "before": {},
        "after": {},
    }


def test_own_patch_without_tasks(host: Host) -> None:
    """It is named before anything is done."""
    result, said = host.role("os_patch", provider="custom")
    assert result is None
    assert "os_patch_custom_tasks names no task file" in said


@pytest.mark.parametrize("fact", [None, {"changed": True}, {"changed": "yes", "reboot_required": False}])
def test_own_patch_that_does_not_say_what_it_did(host: Host, fact: dict[str, Any] | None) -> None:
    """Neither silence, which an earlier result would fill, nor half an answer is one."""
    task = {"ansible.builtin.set_fact": {"os_patch_result": fact}} if fact else {"ansible.builtin.meta": "noop"}
    result, said = host.role("os_patch", provider="custom", custom_tasks=host.tasks(task))
    assert result is None
    assert "Could not tell what was patched" in said


def test_own_reboot(host: Host) -> None:
    """The boot id proves it; a boot that has ended already is not ended again."""
    tasks = host.tasks({"ansible.builtin.shell": f"echo another >> {host.boot}; sed -i 1d {host.boot}"})
    options = {"provider": "custom", "custom_tasks": tasks, "required": "yes", "boot_id": "first"}
    result, said = host.reboot(**options)
    assert result == {
        "rebooted": True,
        "required": True,
        "why": "required",
        "boot_id_before": "first",
        "boot_id_after": "another",
        "seconds": 0,
    }, said
    again, said = host.reboot(**options)
    assert again is not None, said
    assert (again["rebooted"], again["why"], again["boot_id_after"]) == (False, "another_boot", "another")


def test_own_reboot_that_does_not_happen(host: Host) -> None:
    """Tasks that end well prove nothing while the same boot runs."""
    result, said = host.reboot(
        provider="custom", custom_tasks=host.tasks({"ansible.builtin.meta": "noop"}), policy="always"
    )
    assert result is None
    assert "See that another boot runs" in said


def test_own_reboot_without_tasks(host: Host) -> None:
    """It is named."""
    result, said = host.reboot(provider="custom", policy="always")
    assert result is None
    assert "os_reboot_custom_tasks names no task file" in said


UNKNOWN = {"zypper": "exit 1", "rpm": "echo bash 0:5-1 x86_64"}


@pytest.mark.parametrize("required", ["ask", "yes"])
def test_policy_never(host: Host, required: str) -> None:
    """The host stays as it is, whatever it needs, and is not asked."""
    for name in UNKNOWN:
        host.command(name, "exit 9")
    result, said = host.reboot(
        policy="never",
        required=required,
        package_provider="zypper",
        provider="custom",
        custom_tasks=host.tasks({"ansible.builtin.shell": f"echo another > {host.boot}"}),
    )
    assert result is not None, said
    assert (result["rebooted"], result["required"], result["why"]) == (False, False, "policy_never")
    assert host.boot.read_text(encoding="ascii") == "first\n"


def test_refuse_to_guess(host: Host) -> None:
    """A host that cannot tell whether it needs a reboot is neither rebooted nor done; a policy decides."""
    for name, script in UNKNOWN.items():
        host.command(name, script)
    tasks = host.tasks({"ansible.builtin.shell": f"echo another > {host.boot}"})
    options = {"package_provider": "zypper", "provider": "custom", "custom_tasks": tasks}
    result, said = host.reboot(**options)
    assert result is None
    assert "Could not tell whether a reboot is needed: zypper needs-rebooting says exit code 1" in said
    assert "Set os_reboot_policy to always or never" in said
    assert host.boot.read_text(encoding="ascii") == "first\n"
    result, said = host.reboot(**options, policy="always")
    assert result is not None, said
    assert (result["rebooted"], result["why"]) == (True, "policy_always")
