# SPDX-License-Identifier: GPL-3.0-or-later
"""What zypper prints, against what is read from it. The texts are captured from zypper 1.14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._packages import zypper
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change, Selection

SUMMARY = """<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<install-summary download-size="6400" space-usage-diff="0" packages-to-change="1">
<to-upgrade>
<solvable type="package" name="landscape-core" edition="0:1.2-1" arch="noarch" edition-old="1.0-1" arch-old="noarch">
<description>Test &amp; package.</description></solvable>
</to-upgrade>
<to-install>
<solvable type="patch" name="LANDSCAPE-2026-2" edition="1" arch="noarch" summary="landscape-core 1.2"/>
<solvable type="package" name="landscape-extra" edition="1.0-1" arch="noarch"/>
</to-install>
<to-remove>
<solvable type="package" name="landscape-gone" edition="1.0-1" arch="noarch"/>
</to-remove>
</install-summary>
</stream>
"""


def test_summary() -> None:
    """Packages with their actions; an advisory is no package."""
    assert zypper.read_summary(SUMMARY) == [
        Change("landscape-core", "noarch", "1.0-1", "1.2-1", "upgraded"),
        Change("landscape-extra", "noarch", None, "1.0-1", "installed"),
        Change("landscape-gone", "noarch", "1.0-1", None, "removed"),
    ]
    assert (
        zypper.read_summary("<?xml version='1.0'?>\n<stream><message type=\"info\">Nothing to do.</message></stream>")
        == []
    )


def test_summary_that_is_cut_off() -> None:
    """Half an answer is an error, not an empty plan."""
    with pytest.raises(Failed, match="no XML"):
        zypper.read_summary(SUMMARY[:200])


def test_rpm_output() -> None:
    """What rpm said, and not what a package says of itself."""
    text = (
        '<stream><description>error in %post scriptlet</description><message type="info">Additional rpm output:\n'
        "warning: %post(a-1-1.noarch) scriptlet failed, exit status 1 &amp; more\n</message></stream>"
    )
    assert zypper.rpm_output(text) == "\nwarning: %post(a-1-1.noarch) scriptlet failed, exit status 1 & more\n"


def test_locks() -> None:
    """What is written for one call can be read back, behind the host's own locks."""
    assert zypper.read_locks(
        "\ntype: package\nmatch_type: glob\nsolvable_name: a\n" + zypper.lock_entries(("b*", "c"))
    ) == [
        "a",
        "b*",
        "c",
    ]


@pytest.mark.parametrize(
    ("configuration", "becomes"),
    [
        ("[main]\narch = x86_64\n", "[main]\nlocksfile.path = /t/locks\narch = x86_64\n"),
        (
            "[main]\nlocksfile.path = /etc/zypp/locks\narch = x86_64\n",
            "[main]\nlocksfile.path = /t/locks\narch = x86_64\n",
        ),
        ("", "[main]\nlocksfile.path = /t/locks\n"),
    ],
)
def test_configuration_of_one_call(configuration: str, becomes: str) -> None:
    """Only the place of the locks changes."""
    assert zypper.with_locks_file(configuration, "/t/locks") == becomes


def test_names_do_not_go_with_security() -> None:
    """zypper patches advisories, which have no package names."""
    with pytest.raises(BadInput, match="advisory"):
        zypper.Zypper(Commands()).pending(Selection(names=("a",), security=True), {})


NOTHING_TO_DO = """<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
{}<message type="info">Reading installed packages...</message>
<install-summary download-size="0" space-usage-diff="0" packages-to-change="0">
</install-summary>
<message type="info">Nothing to do.</message>
</stream>
"""
WITHOUT_REPOSITORY = (
    '<message type="warning">No repositories defined. Operating only with the installed resolvables. '
    "Nothing can be installed.</message>\n"
)
NOT_ENABLED = """<?xml version='1.0'?>
<stream>
<message type="{}">There are no enabled repositories defined.</message>
<message type="info">Use &apos;zypper addrepo&apos; or &apos;zypper modifyrepo&apos; commands.</message>
</stream>
"""
REPOSITORIES = """<?xml version='1.0'?>
<stream>
<repo-list>
{}</repo-list>
</stream>
"""
REPOSITORY = '<repo alias="{}" name="one" type="rpm-md" priority="99" enabled="{}"><url>dir:/srv</url>\n</repo>\n'
ENABLED = REPOSITORIES.format(REPOSITORY.format("one", 1) + REPOSITORY.format("two", 0))
DISABLED = REPOSITORIES.format(REPOSITORY.format("one", 0))


class Host(Commands):
    """A host whose zypper answers each of its commands in the same way."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        super().__init__()
        self.answers = answers

    def ask(self, *command: str, environment: object = None) -> Answer:
        name = next(word for word in command[1:] if not word.startswith("-"))
        return Answer(*self.answers[name], "")


@pytest.mark.parametrize("text", [ENABLED, REPOSITORIES.format("<x/>" + REPOSITORY.format("one", 1))])
def test_repositories(text: str) -> None:
    """Only those that are enabled count."""
    assert zypper.read_repositories(text) == ["one"]


@pytest.mark.parametrize("text", ["<stream></stream>", "", "# | Alias | Name\n"])
def test_repositories_in_another_shape(text: str) -> None:
    """What is no list of repositories is an error, not a host without any."""
    with pytest.raises(Failed, match="read zypper's repositories") as caught:
        zypper.read_repositories(text)
    assert caught.value.reason == "unknown_output"


@pytest.mark.parametrize(
    "text",
    [
        "<stream></stream>",
        "<stream><message type='info'>Loading repository data...</message></stream>",
        "<stream><message type='info'>0 patches needed (0 security patches)</message></stream>",
        "<stream><prompt id='1'><text>Continue?</text></prompt></stream>",
    ],
)
def test_answer_without_a_summary(text: str) -> None:
    """Nothing is to be done when zypper says so; other words are no plan."""
    with pytest.raises(Failed, match="no summary") as caught:
        zypper.read_summary(text)
    assert caught.value.reason == "unknown_output"


def test_summary_that_counts_more_than_it_names() -> None:
    """Changes of a kind that is not known are not none."""
    text = NOTHING_TO_DO.format("").replace('change="0"', 'change="1"')
    with pytest.raises(Failed, match="counts 1"):
        zypper.read_summary(text)


@pytest.mark.parametrize(
    ("rc", "out"),
    [(6, NOT_ENABLED.format("warning")), (0, NOT_ENABLED.format("warning")), (0, NOT_ENABLED.format("error"))],
)
def test_refresh_without_a_repository(rc: int, out: str) -> None:
    """Newer zypper ends with 6, older with 0; the host has nothing to be patched from in both cases."""
    with pytest.raises(Failed, match="no enabled repositories.*Register the host") as caught:
        zypper.Zypper(Host(refresh=(rc, out))).refresh()
    assert caught.value.reason == "no_repository"


@pytest.mark.parametrize("security", [False, True])
@pytest.mark.parametrize("held", [(), ("landscape-*",)])
@pytest.mark.parametrize(
    ("repos", "warning", "reason"),
    [
        ((0, ENABLED), "", None),
        ((0, ENABLED), WITHOUT_REPOSITORY, "no_repository"),
        ((6, REPOSITORIES.format("")), "", "no_repository"),
        ((6, NOT_ENABLED.format("warning")), "", "no_repository"),
        ((0, DISABLED), "", "no_repository"),
        (
            (0, ENABLED),
            '<message type="warning">Disabling repository &apos;one&apos; because of the above error.</message>\n',
            "repository_unreachable",
        ),
    ],
)
def test_plan_of_a_host_without_a_repository(
    security: bool, held: tuple[str, ...], repos: tuple[int, str], warning: str, reason: str | None
) -> None:
    """Without a refresh too: zypper has nothing to do, ends with 0, and says of disabled repositories no word."""
    plan = (0, NOTHING_TO_DO.format(warning))
    host = zypper.Zypper(Host(repos=repos, update=plan, patch=plan))
    selection = Selection(security=security, held=held)
    if reason is None:
        assert host.pending(selection, {}) == zypper.Pending([], [])
        return
    with pytest.raises(LandscapeError) as caught:
        host.pending(selection, {})
    assert caught.value.reason == reason
    assert caught.value.cure


PROBLEM = """<?xml version='1.0'?>
<stream>
{}<message type="info">Resolving package dependencies...</message>
<prompt id="1">
<description>Problem: landscape-tools-1.3-1.noarch requires landscape-extra, but this requirement cannot be provided
  not installable providers: landscape-extra-1.0-1.noarch[landscape]
 Solution 1: remove lock to allow installation of landscape-extra-1.0-1.noarch[landscape]
 Solution 2: do not install landscape-tools-1.3-1.noarch
</description>
<text>Choose from above solutions by number or cancel</text>
</prompt>
</stream>
"""


@pytest.mark.parametrize("warning", ["", "<message type=\"warning\">Repository 'one' is outdated.</message>\n"])
@pytest.mark.parametrize(
    ("held", "host_locks", "says"),
    [
        # This failure is to be told, also where the locks cannot be read.
        (("landscape-ex*",), None, r"The call holds landscape-extra back: take it off locked or exclude"),
        ((), ["landscape-e*", "bash"], r"The host itself locks landscape-e\*: .*\(zypper removelock\)"),
        (("bash",), [], "Repair the repository"),
    ],
)
def test_upgrade_that_needs_what_is_held(
    monkeypatch: pytest.MonkeyPatch, warning: str, held: tuple[str, ...], host_locks: list[str] | None, says: str
) -> None:
    """Who needs whom is said, also beside a warning, which hold is in the way, and what a person can do."""

    def locks() -> list[str]:
        if host_locks is None:
            raise PermissionError("locks")
        return host_locks

    host = zypper.Zypper(Commands())
    monkeypatch.setattr(host, "locks", locks)
    error = host.failure("plan the upgrade", Answer(4, PROBLEM.format(warning), ""), Selection(held=held))
    assert error.reason == "broken_dependencies"
    assert re.search(rf"landscape-tools-1.3-1.noarch requires landscape-extra.*{says}", str(error))
    assert "Solution" not in str(error)


def test_a_lock_that_did_not_apply_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the advisories bring anew is planned without the host's locks."""
    host = zypper.Zypper(Locks({(): PROBLEM.format("")}))
    monkeypatch.setattr(host, "locks", lambda: ["landscape-e*"])
    with pytest.raises(Failed, match="Repair the repository") as caught:
        host.pending(Selection(security=True, held=("bash",)), {})
    assert caught.value.facts["host_locks"] == []


def test_held_package_is_named_by_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the plan under the holds has the problem, it knows what the call holds back."""
    monkeypatch.setattr(zypper, "LOCKS", "/none/locks")
    free = plan(solvable("landscape-tools", "1.3-1", "1.0-1"), solvable("landscape-extra", "1.0-1"))
    commands = Locks({("the host's own",): free, ("landscape-extra",): PROBLEM.format("")})
    with pytest.raises(Failed, match="The call holds landscape-extra back") as caught:
        zypper.Zypper(commands).pending(Selection(names=("landscape-tools",), held=("landscape-extra",)), {})
    assert caught.value.facts["held"] == ["landscape-extra"]


def solvable(name: str, new: str, old: str = "") -> str:
    """One package of a plan."""
    before = f' edition-old="{old}" arch-old="x86_64"' if old else ""
    return f'<solvable type="package" name="{name}" edition="{new}" arch="x86_64"{before}/>'


def plan(upgrade: str, install: str = "") -> str:
    """zypper's plan; nothing to do when it is empty."""
    sections = f"<to-upgrade>{upgrade}</to-upgrade><to-install>{install}</to-install>"
    count = (upgrade + install).count("<solvable")
    summary = f'<install-summary packages-to-change="{count}">{sections}</install-summary>'
    return f"<stream>{summary if count else '<message>Nothing to do.</message>'}</stream>"


class Locks(Commands):
    """A host whose zypper plans this under these locks, which are name patterns in their order."""

    def __init__(self, plans: dict[tuple[str, ...], str]) -> None:
        super().__init__()
        self.plans = plans
        self.calls: list[tuple[str, ...]] = []

    def ask(self, *command: str, environment: Mapping[str, str] | None = None) -> Answer:
        if "repos" in command:
            return Answer(0, ENABLED, "")
        words = command[command.index("--no-refresh") + 1 :]
        self.calls.append(tuple(word for word in words if not word.startswith("--")))
        text = self.plans[self.locks_of(environment)]
        return Answer(4 if "<prompt" in text else 0, text, "")

    def change(self, *command: str, environment: Mapping[str, str] | None = None) -> Answer:
        words = command[command.index("--no-refresh") + 1 :]
        self.calls.append((*(word for word in words if not word.startswith("--")), "!"))
        self.plans = dict.fromkeys(self.plans, plan(""))
        return Answer(0, "<stream></stream>", "")

    @staticmethod
    def locks_of(environment: Mapping[str, str] | None) -> tuple[str, ...]:
        """The locks in the configuration of one call."""
        if not environment:
            return ("the host's own",)
        configuration = Path(environment["ZYPP_CONF"]).read_text(encoding="utf-8")
        path = configuration.partition("locksfile.path = ")[2].splitlines()[0]
        return tuple(zypper.read_locks(Path(path).read_text(encoding="utf-8")))


KERNEL = solvable("kernel-default", "6.4.0-2")
GLIBC = solvable("glibc", "2.38-2", "2.38-1")
DATABASE = solvable("certified", "2-1", "1-1")
#: Two kernels beside each other, as zypper keeps them.
THERE = {"kernel-default.x86_64": ("6.4.0-0", "6.4.0-1"), "glibc.x86_64": ("2.38-1",), "certified.x86_64": ("1-1",)}


def locked(
    monkeypatch: pytest.MonkeyPatch, folder: Path, held: tuple[str, ...], host_locks: list[str]
) -> tuple[str, ...]:
    """Give the host locks of its own; the key in `Locks` of what is planned under them with the call's."""
    own = folder / "locks"
    own.write_text(zypper.lock_entries(tuple(host_locks)), encoding="utf-8")
    monkeypatch.setattr(zypper, "LOCKS", str(own))
    return (*host_locks, *held) if held else ("the host's own",)


@pytest.mark.parametrize(("held", "host_locks"), [(("certified",), []), ((), ["certified"]), (("cert*",), ["other"])])
def test_kernel_beside_a_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: tuple[str, ...], host_locks: list[str]
) -> None:
    """A new kernel is to be installed beside the old one: a security fix by its name all the same, unlike new names."""
    under = locked(monkeypatch, tmp_path, held, host_locks)
    advisories = plan(GLIBC + DATABASE, KERNEL + solvable("brought-along", "1-1"))
    by_name = plan(GLIBC, KERNEL + solvable("brought-along", "1-1"))
    commands = Locks({(): advisories, under: by_name})
    host = zypper.Zypper(commands)
    selection = Selection(held=held, security=True)
    pending = host.pending(selection, THERE)
    assert commands.calls == [("patch", "security"), ("update", "glibc", "kernel-default")]
    assert [(change.name, change.action) for change in pending.changes] == [
        ("brought-along", "installed"),
        ("glibc", "upgraded"),
        ("kernel-default", "installed"),
    ]
    assert [change.name for change in pending.held_back] == (["certified"] if held else [])
    assert pending.left_out == ()
    commands.calls.clear()
    monkeypatch.setattr(host, "installed", lambda: THERE)
    host.upgrade(selection, pending)
    assert commands.calls[1] == ("update", "glibc", "kernel-default", "!")
    assert [call for call in commands.calls if call[-1] == "!"] == commands.calls[1:2]


@pytest.mark.parametrize(
    ("held", "host_locks"), [(("kernel-*", "certified"), []), ((), ["kernel-default", "certified"])]
)
def test_kernel_that_is_locked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: tuple[str, ...], host_locks: list[str]
) -> None:
    """A kernel that is held or locked is not asked for by name, and is told when the call holds it."""
    under = locked(monkeypatch, tmp_path, held, host_locks)
    commands = Locks({(): plan(GLIBC + DATABASE, KERNEL), under: plan(GLIBC)})
    pending = zypper.Zypper(commands).pending(Selection(held=held, security=True), THERE)
    assert commands.calls == [("patch", "security"), ("update", "glibc")]
    assert [change.name for change in pending.changes] == ["glibc"]
    assert sorted(change.name for change in pending.held_back) == (["certified", "kernel-default"] if held else [])


@pytest.mark.parametrize(
    ("planned", "left_out"),
    [
        (plan(GLIBC, KERNEL), ()),
        (plan("", KERNEL), ("glibc",)),
        (plan(solvable("glibc", "2.38-1.5", "2.38-1")), ("glibc", "kernel-default")),
    ],
)
def test_upgrade_that_zypper_passes_over(
    monkeypatch: pytest.MonkeyPatch, planned: str, left_out: tuple[str, ...]
) -> None:
    """zypper says no word of what needs a package that is held: an older version of it, or none, is told."""
    monkeypatch.setattr(zypper, "LOCKS", "/none/locks")
    free = plan(GLIBC + DATABASE, KERNEL + solvable("brought-along", "1-1"))
    commands = Locks({("the host's own",): free, ("certified",): planned})
    pending = zypper.Zypper(commands).pending(Selection(held=("certified",)), THERE)
    assert pending.left_out == left_out
    assert [change.name for change in pending.held_back] == ["certified"]


def test_words_of_a_package_are_no_warning() -> None:
    """A package may describe itself in any words."""
    text = SUMMARY.replace("Test &amp; package.", "What to do with no enabled repositories.")
    text = text.replace("<install-summary", '<message type="warning">Be careful.</message>\n<install-summary')
    assert len(zypper.Zypper(Host(repos=(0, ENABLED), update=(0, text))).pending(Selection(), {}).changes) == 3


class Scripted(Commands):
    """Commands whose exit codes are given; keeps what was asked."""

    def __init__(self, *codes: int) -> None:
        super().__init__()
        self.codes = list(codes)
        self.asked: list[tuple[str, ...]] = []

    def change(self, *command: str, environment: object = None) -> Answer:
        self.asked.append(command)
        return Answer(self.codes.pop(0), "", "")


@pytest.mark.parametrize(("codes", "calls"), [((0,), 1), ((102,), 1), ((103, 0), 2), ((103, 102), 2)])
def test_run_again(codes: tuple[int, ...], calls: int) -> None:
    """After 103 zypper is run again, since it only updated itself; 102 is done and wants a reboot."""
    commands = Scripted(*codes)
    zypper.Zypper(commands).upgrade(Selection(), zypper.Pending([], []))
    assert len(commands.asked) == calls
    assert all("--non-interactive-include-reboot-patches" in call for call in commands.asked)


@pytest.mark.parametrize(
    ("codes", "reason"),
    [((103, 103, 103), "zypper_again"), ((8,), "unknown_exit_code"), ((107,), "transaction"), ((6,), "no_repository")],
)
def test_run_again_ends(codes: tuple[int, ...], reason: str) -> None:
    """It is not run again for ever; codes that are no success are failures."""
    with pytest.raises(Failed) as caught:
        zypper.Zypper(Scripted(*codes)).upgrade(Selection(), zypper.Pending([], []))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("out", "reason", "says"),
    [
        (
            '<message type="error">Skipping repository &apos;x&apos; because of the above error.</message>',
            "repository_unreachable",
            "'x'",
        ),
        (
            '<message type="error">nothing provides landscape-missing needed by x</message>',
            "broken_dependencies",
            "landscape-missing",
        ),
        ('<message type="error">Root privileges are required to run this command.</message>', "not_root", "Root"),
        (
            '<message type="error">Specified path &apos;/srv/x&apos; is not a directory: file:/srv/x</message>',
            "repository_unreachable",
            "/srv/x",
        ),
        ('<message type="error">rpm: No space left on device</message>', "disk_full", "No space"),
    ],
)
def test_failures_have_names(out: str, reason: str, says: str) -> None:
    """The messages in the XML are what names a failure."""
    error = zypper.Zypper(Commands()).failure(
        "upgrade packages", Answer(4, f"<?xml version='1.0'?>\n<stream>\n{out}\n</stream>", "")
    )
    assert error.reason == reason
    assert says in str(error)
