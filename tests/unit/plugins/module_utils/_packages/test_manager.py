# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf, zypper, apt share: waiting for a lock, names of failures, the proof of an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._packages import apt, dnf, zypper
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import (
    COMMON_SIGNS,
    KINDS,
    Manager,
    Sign,
)
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change, Installed, Selection
from tests.unit.plugins.module_utils.steppedclock import SteppedClock

HELD, DONE = Answer(1, "", "waiting\nlock is held\nby process 7\n"), Answer(0, "done\n", "")


class Toy(Manager):
    """A package manager in a few lines: locked with the words "is held", stuck with "A needs B"."""

    name = "toy"
    unlock = "toy unlock"
    signs = (
        Sign(r"^dependency", "broken_dependencies", "Repair the repository"),
        Sign(r"no route", "repository_unreachable", "Look at the network"),
        Sign(r"are you root", "not_root", "Become root"),
        Sign(r"no route at all", "never", "The first sign that fits counts"),
    )

    def __init__(self, timeout: float = 60.0, delay: float = 5.0) -> None:
        self.time = SteppedClock()
        super().__init__(Commands(), lock_timeout=timeout, lock_delay=delay, clock=self.time)
        self.holders = [""]
        self.host_locks: list[str] = []
        self.broken: list[str] = []

    def locked(self, answer: Answer) -> bool:
        return "is held" in answer.text

    def in_use(self) -> str:
        return self.holders.pop(0) if len(self.holders) > 1 else self.holders[0]

    def locks(self) -> list[str]:
        return self.host_locks

    def locked_name(self, entry: str) -> str:
        return entry.split(":")[0]

    def conflict(self, text: str) -> tuple[list[str], list[str]]:
        lines = [line for line in text.splitlines() if " needs " in line]
        return lines, [name for line in lines for name in line.split(" needs ")]

    def unfinished(self) -> list[str]:
        return self.broken


def giving(*answers: Answer) -> Callable[[], Answer]:
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_a_lock_is_waited_for() -> None:
    toy = Toy()
    assert toy.unlocked("install", giving(HELD, HELD, DONE)) is DONE
    assert toy.time.naps == [5.0, 5.0]


def test_what_fails_for_another_cause_is_not_tried_again() -> None:
    toy, bad = Toy(), Answer(1, "", "no route\n")
    assert toy.unlocked("install", giving(bad, DONE)) is bad and toy.time.naps == []
    slow = TimedOut("ask", "slow")

    def attempt() -> Answer:
        raise slow

    with pytest.raises(TimedOut) as caught:
        toy.unlocked("install", attempt)
    assert caught.value is slow and toy.time.naps == []


def test_a_lock_that_stays_is_a_failure_in_the_words_of_its_holder() -> None:
    toy = Toy(timeout=12)
    with pytest.raises(Failed) as caught:
        toy.unlocked("install", giving(HELD))
    error = caught.value
    assert error.reason == "package_manager_locked" and error.doing == "install"
    assert error.why == "toy is held by another process, also after 12 s: lock is held / by process 7"
    assert error.cure is not None and error.cure.endswith("nothing was done")
    assert toy.time.time == pytest.approx(12)


@pytest.mark.parametrize("timeout", [0, -5])
def test_without_a_timeout_nothing_is_waited_for(timeout: float) -> None:
    toy = Toy(timeout=timeout)
    with pytest.raises(Failed, match=f"also after {timeout} s"):
        toy.unlocked("install", giving(HELD))
    assert toy.time.time < 0.01
    assert Toy(timeout=timeout).unlocked("install", giving(DONE)) is DONE


def test_the_host_is_at_rest_when_nobody_changes_packages() -> None:
    toy = Toy()
    toy.holders = ["apt-get (7)", "apt-get (7)", ""]
    toy.at_rest("read the packages")
    assert toy.time.naps == [5.0, 5.0]
    toy.holders = ["apt-get (7)"]
    with pytest.raises(Failed, match=r"also after 60 s: apt-get \(7\)") as caught:
        toy.at_rest("read the packages")
    assert caught.value.reason == "package_manager_locked"
    assert "nothing was done" not in caught.value.message, "an upgrade may have gone before"


def test_who_may_not_see_the_holder_is_told_at_once() -> None:
    class Blind(Toy):
        def in_use(self) -> str:
            raise Denied("see who changes packages", "this user may not", reason="not_root")

    blind = Blind()
    with pytest.raises(Denied):
        blind.at_rest("read the packages")
    assert blind.time.naps == []


@pytest.mark.parametrize(
    ("err", "out", "kind", "reason", "why"),
    [
        ("a\n  E: no route to x \nb\n", "", Unreachable, "repository_unreachable", "E: no route to x (exit code 4)"),
        ("no route at all\n", "", Unreachable, "repository_unreachable", "no route at all (exit code 4)"),
        ("", "are you root?", Denied, "not_root", "are you root? (exit code 4)"),
        ("no route\n", "x: No space left on device\n", Failed, "disk_full", "x: No space left on device (exit code 4)"),
        ("10 %\r20 %\rx: Read-only file system\r\n", "", Failed, "read_only_file_system", "x: Read-only file system"),
        ("new\n", "old\n", Failed, "unknown_exit_code", "toy ended with 4: old / new"),
        ("", " \n", Failed, "unknown_exit_code", "toy ended with 4: it said nothing"),
    ],
)
def test_a_failure_has_a_kind_by_the_line_that_tells_it(
    err: str, out: str, kind: type[LandscapeError], reason: str, why: str
) -> None:
    error = Toy().failure("install", Answer(4, out, err))
    assert error.__class__ is kind and error.reason == reason
    assert error.why.startswith(why)
    assert error.facts == {"rc": 4, "provider": "toy"}


STUCK = "planning\ndependency\nA needs Bee\nC needs A\n"


@pytest.mark.parametrize(
    ("held", "host_locks", "blamed", "cures"),
    [
        ((), [], ([], []), ["Repair the repository"]),
        (("z*",), ["zoo:1"], ([], []), ["Repair the repository"]),
        (("B*", "A"), [], (["A", "Bee"], []), ["The call holds A, Bee back"]),
        ((), ["C*:1", "Bee:2", "zoo:1"], ([], ["C*:1", "Bee:2"]), ["The host itself locks C*:1, Bee:2", "toy unlock"]),
        (("A",), ["A:1"], (["A"], ["A:1"]), ["The call holds A back", "The host itself locks A:1"]),
    ],
)
def test_only_a_hold_that_is_in_the_way_is_blamed(
    held: tuple[str, ...], host_locks: list[str], blamed: tuple[list[str], list[str]], cures: list[str]
) -> None:
    toy = Toy()
    toy.host_locks = host_locks
    error = toy.failure("plan", Answer(4, "", STUCK), Selection(held=held))
    assert (error.facts["held"], error.facts["host_locks"]) == blamed
    assert (error.facts["rc"], error.facts["provider"], error.reason) == (4, "toy", "broken_dependencies")
    assert error.why == "A needs Bee / C needs A (exit code 4)"
    assert all(words in str(error.cure) for words in cures) and ("Repair" in str(error.cure)) is ("Repair" in cures[0])


def test_a_conflict_without_reasons_keeps_the_line_that_tells_it() -> None:
    error = Toy().failure("plan", Answer(4, "", "dependency\n"), Selection(held=("A",)))
    assert error.why == "dependency (exit code 4)" and error.facts["held"] == []
    endless = Toy().failure("plan", Answer(4, "", "dependency\n" + "A needs B\n" * 1000))
    assert len(endless.why) < 2100 and endless.why.endswith("(exit code 4)")


@pytest.mark.parametrize("made", [apt.Apt, dnf.Dnf, zypper.Zypper])
def test_every_manager_gives_what_is_asked_of_it(made: type[Manager]) -> None:
    for verb in ("refresh", "installed", "pending", "upgrade", "reboot_need", "locks", "locked", "in_use"):
        assert getattr(made, verb) is not getattr(Manager, verb), verb
    reasons = [sign.reason for sign in (*COMMON_SIGNS, *made.signs)]
    assert made.name and made.unlock and set(KINDS) <= set(reasons) and "broken_dependencies" in reasons


BEFORE: Installed = {"bash.x86_64": ("1",), "kernel.x86_64": ("5", "6"), "python3.11.noarch": ("1",)}


def proof(after: dict[str, tuple[str, ...]], *wanted: Change, held: tuple[str, ...] = (), broken: Any = ()) -> None:
    toy = Toy()
    toy.broken = list(broken)
    there = {key: versions for key, versions in {**BEFORE, **after}.items() if versions}
    toy.proof(wanted, BEFORE, there, Selection(held=held))


def up(name: str, new: str | None, arch: str = "x86_64", action: str = "upgraded") -> Change:
    return Change(name, arch, "1", new, action)


def test_an_upgrade_that_is_there_is_proved() -> None:
    proof({})
    proof({"bash.x86_64": ("2",)}, up("bash", "2"))
    proof({"bash.noarch": ("2",)}, up("bash", "2"))
    proof({"kernel.x86_64": ("5", "6", "7")}, up("kernel", "7", action="installed"), held=("bash",))
    proof({"python3.11.noarch": ("2",)}, up("python3.11", "2", "noarch"), held=("python3",))
    proof({}, up("gone", None, action="removed"), up("bash", "1", action="configured"))


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        ({}, up("bash", "2")),
        ({"bash.x86_64": ("3",)}, up("bash", "2")),
        ({"bash-doc.x86_64": ("2",)}, up("bash", "2")),
        ({}, up("new", "1", action="installed")),
        ({"kernel.x86_64": ("6",)}, up("kernel", "7", action="installed")),
    ],
)
def test_what_is_not_there_is_no_upgrade(after: Installed, wanted: Change) -> None:
    with pytest.raises(Failed) as caught:
        proof({**after, "held.noarch": ("2",)}, up("held", "2"), wanted, held=("held",), broken=["a 2 (unpacked)"])
    assert caught.value.reason == "not_upgraded", "told before anything else"
    assert caught.value.facts["packages"] == [wanted.as_data()] and wanted.in_words() in caught.value.why


def test_what_is_not_configured_is_not_done() -> None:
    with pytest.raises(Failed, match=r"not configured: a 2 \(unpacked\)") as caught:
        proof({"bash.x86_64": ("2",)}, up("bash", "2"), held=("bash",), broken=["a 2 (unpacked)"])
    assert (caught.value.reason, caught.value.facts["packages"]) == ("unfinished_packages", ["a 2 (unpacked)"])


@pytest.mark.parametrize(
    ("after", "held", "moved"),
    [
        ({"bash.x86_64": ("2",)}, ("bash",), ["bash"]),
        ({"bash.x86_64": ()}, ("b*",), ["bash"]),
        ({"bash-doc.noarch": ("1",)}, ("bash*",), ["bash-doc"]),
        ({"kernel.x86_64": ("6", "7"), "bash.i686": ("1",)}, ("kern?l", "bash"), ["bash", "kernel"]),
        ({"python3.11.noarch": ("2",)}, ("python3.11",), ["python3.11"]),
    ],
)
def test_what_is_held_has_not_moved_in_any_way(after: Installed, held: tuple[str, ...], moved: list[str]) -> None:
    with pytest.raises(Failed, match="changed them all the same") as caught:
        proof(after, held=held)
    assert (caught.value.reason, caught.value.facts["packages"]) == ("held_package_changed", moved)
    proof(after, held=("other",))
