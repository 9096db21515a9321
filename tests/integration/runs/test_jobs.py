# SPDX-License-Identifier: GPL-3.0-or-later
"""The background jobs of a system rest while it is patched; exactly those that rested go on afterwards."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import INSTANCE, LANDSCAPE, Site, kill
from tests.simulator.launch import Simulator

LIBRARIES = ("pyrfc", "saprfclib")
if not any(importlib.util.find_spec(library) for library in LIBRARIES):
    pytest.skip(f"none of {', '.join(LIBRARIES)} is installed", allow_module_level=True)
OWN = ("NIGHT_CLOSE", "NIGHT_OPEN", "WEEKLY")
ABAP = {
    "jobs": [{"name": name, "report": "ZOWN", "every": 864000, "next": 864000, "client": "100"} for name in OWN],
    "reports": {"ZOWN": {"seconds": 60}},
}
OURS = {"landscape_hold_jobs": True, "landscape_hosts": "web,app,db", "sap_jobs_delay": 0.2}

HEARD = """
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "heard"
    CALLBACK_NEEDS_ENABLED = True

    def v2_on_any(self, *heard, **more):
        with open("heard.txt", "a", encoding="utf-8") as file:
            for one in heard:
                print(getattr(one, "_result", None), getattr(one, "_filename", None), file=file)
"""


@pytest.fixture
def site(tmp_path: pathlib.Path, host_python: HostPython) -> Iterator[Site]:
    """The small landscape, whose ABAP system has three jobs of its own that start in ten days."""
    systems = [
        {**system, "simulation": {"abap": ABAP}} if system["name"] == "PRD" else system
        for system in LANDSCAPE["systems"]
    ]
    with Simulator.start({**LANDSCAPE, "systems": systems}, speed=120) as simulator:
        yield Site(tmp_path, simulator, host_python)


def jobs(site: Site, status: str) -> set[str]:
    """The system's own jobs that are in a state."""
    return {job["name"] for job in site.simulator.abap("PRD")["jobs"] if job["status"] == status} & set(OWN)


def story(site: Site) -> list[Any]:
    """What happened to the jobs and to instances, in order: an effect with the host or the number of jobs.

    The start of the web dispatcher in front is left out: the jobs do not wait for it, and it may come before or after.
    """
    told = []
    for row in site.simulator.journal():
        if row.get("effect") in ("jobs_suspended", "jobs_released"):
            told.append((row["effect"], row["count"]))
        elif row.get("effect") == "stopped" or (row.get("effect") == "started" and row["host"] != "web"):
            told.append((row["effect"], row["host"]))
    return told


@pytest.mark.parametrize("library", LIBRARIES)
def test_jobs_rest_from_before_the_first_stop_until_the_system_is_up(site: Site, library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    by = {"sap_jobs_rfc_by_sid": {"PRD": {"rfc_provider": library}}}
    notice = {"sap_jobs_message": "PRD goes down in {minutes} minutes", "sap_jobs_countdown": [0.02]}
    outcome = site.play(run_name="r1", sap_jobs_quiet_checks=["updates"], **by, **notice, **OURS)
    assert outcome.code == 0, outcome.output
    assert (
        "PRD now: users: 4: MILLER (100), NGUYEN (100), OKAFOR (100) and 1 more; jobs that run: none; to hold back: 3"
        in (outcome.output)
    )
    [page] = (site.folder / "state" / "plans").glob("*.html")
    assert "Who works in the systems now" in page.read_text(encoding="utf-8")
    told = [row for row in site.simulator.journal() if row.get("effect") in ("message_shown", "jobs_suspended")]
    assert [row["effect"] for row in told] == ["message_shown"] * 4 + ["jobs_suspended"], "before anything is changed"
    down = [("stopped", "web"), ("stopped", "app"), ("stopped", "db")]
    up = [("started", "db"), ("started", "app")]
    assert story(site) == [("jobs_suspended", 3), *down, *up, ("jobs_released", 3)]
    assert jobs(site, "S") == set(OWN)
    with site.store() as store:
        [record] = store.undo_records("r1")
        steps = {row["step"]: row["result"] for row in store.steps("r1", ci="app")}
    assert record.state == "undone" and record.key == "suspend_jobs:PRD"
    assert {job["name"] for job in record.before["kept"]["jobs"]} == set(OWN)
    assert steps["suspend_jobs:PRD"]["jobs"] == steps["release_jobs:PRD"]["jobs"] == 3
    assert len(steps["suspend_jobs:PRD"]["told"]) == 4
    reports = site.folder / "state" / "reports"
    [rested] = json.loads((reports / "r1.json").read_text(encoding="utf-8"))["hosts"]["app"]["jobs"]
    assert (rested["sid"], rested["held"]["jobs"], rested["given"]["jobs"]) == ("PRD", 3, 3)
    assert rested["held"]["at"] < rested["given"]["at"]
    assert "Background jobs" in (reports / "r1.html").read_text(encoding="utf-8")
    assert site.state() == "succeeded"


def test_a_controller_killed_in_between_leaves_it_to_the_next_one_to_give_exactly_those_back(site: Site) -> None:
    site.simulator.abap("PRD", "job", name="LONG", report="ZOWN", next=1)
    site.simulator.fault("job_never_ends", job="LONG")
    process = site.begin(run_name="r1", **OURS)
    site.simulator.wait(deadline=90, effect="jobs_suspended")
    kill(process, signal.SIGKILL)  # while it waits for the running job: nobody has told the run that jobs are suspended
    site.end(process)
    assert jobs(site, "Z") == set(OWN)
    site.simulator.abap("PRD", "job", name="NEW", report="ZOWN", next=864000)  # somebody's, meanwhile
    site.simulator.clear()
    late = {"name": "rfc_slow", "function": "BAPI_XBP_JOB_STATUS_GET", "seconds": 3}
    site.simulator.control("POST", "/faults", {**late, "on": {"effect": "jobs_released"}})
    process = site.begin(run="r1", **OURS)
    site.simulator.wait(deadline=120, effect="jobs_released")
    kill(process, signal.SIGKILL)  # it has not even seen that they are given back
    site.end(process)
    assert site.states()["app"]["release_jobs:PRD"] == "running" and site.everything_is_up()
    site.simulator.clear()
    again = site.play(run="r1", **OURS)
    assert again.code == 0, again.output
    assert jobs(site, "S") == set(OWN) and site.state() == "succeeded"
    with site.store() as store:
        assert {record.state for record in store.undo_records("r1")} == {"undone"}
    assert [effect for effect, _what in story(site)].count("stopped") == 3, "each system once"
    released = [row["count"] for row in site.simulator.journal() if row.get("effect") == "jobs_released"]
    assert released == [4], "those of the first controller with the new one, which the second one held back, once"


def test_jobs_of_a_run_that_cannot_go_on_are_given_back_where_nothing_was_stopped(site: Site) -> None:
    site.simulator.abap("PRD", "job", name="LONG", report="ZOWN", next=1)
    site.simulator.fault("job_never_ends", job="LONG")
    # Said beside import_playbook, as a site does: hostvars knows nothing of it.
    of_all = site.folder / "group_vars" / "all.yml"
    inventory = yaml.safe_load(of_all.read_text(encoding="utf-8"))
    said = {"landscape_hold_jobs": True, "sap_jobs_rfc": inventory.pop("sap_jobs_rfc")}
    of_all.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    ours = {"ansible.builtin.import_playbook": "basis.landscape.patch_landscape", "vars": said}
    (site.folder / "ours.yml").write_text(yaml.safe_dump([{"name": "Patch", **ours}]), encoding="utf-8")
    options = {**OURS, "landscape_hold_jobs": None, "playbook": str(site.folder / "ours.yml")}
    # What every callback is told, as AWX writes it down.
    (site.folder / "heard").mkdir()
    (site.folder / "heard" / "heard.py").write_text(HEARD, encoding="utf-8")
    site.environment["ANSIBLE_CALLBACK_PLUGINS"] = str(site.folder / "heard")
    site.environment["ANSIBLE_CALLBACKS_ENABLED"] = "basis.landscape.run_state,heard"
    outcome = site.play(run_name="r1", sap_jobs_running_timeout=1, **options)
    assert outcome.code == 2 and "1 jobs still run: LONG/" in outcome.output, outcome.output
    assert story(site) == [("jobs_suspended", 3), ("jobs_released", 3)]
    heard = (site.folder / "heard.txt").read_text(encoding="utf-8")
    assert "give_jobs_back" in heard and site.simulator.info["abap"]["PRD"]["users"]["BASIS_AUTO"] not in heard
    assert jobs(site, "S") == set(OWN)
    with site.store() as store:
        assert not store.open_undo("r1")
    site.simulator.clear()
    again = site.play(run="r1", **options)
    assert again.code == 0, again.output
    assert story(site)[2] == ("jobs_suspended", 3), "the run that is continued holds them back again"
    assert jobs(site, "S") == set(OWN)


def test_a_controller_killed_while_it_gives_jobs_back_has_them_held_back_again(site: Site) -> None:
    site.simulator.abap("PRD", "job", name="LONG", report="ZOWN", next=1)
    site.simulator.fault("job_never_ends", job="LONG")
    process = site.begin(run_name="r1", sap_jobs_running_timeout=1, **OURS)
    site.simulator.wait(deadline=120, effect="jobs_released")
    kill(process, signal.SIGKILL)  # they are given back, because the run cannot go on; nobody has told the run so
    site.end(process)
    assert not [effect for effect, _what in story(site) if effect == "stopped"]
    with site.store() as store:
        assert [record.state for record in store.open_undo("r1")] == ["undoing"]
    site.simulator.clear()
    again = site.play(run="r1", **OURS)
    assert again.code == 0, again.output
    effects = [effect for effect, _what in story(site)]
    assert effects[:4] == ["jobs_suspended", "jobs_released", "jobs_suspended", "stopped"], "not under running jobs"
    assert effects[-1] == "jobs_released" and jobs(site, "S") == set(OWN)


def test_an_unsilence_that_fails_does_not_keep_jobs_held_back(site: Site) -> None:
    tasks = {}
    for step, act in (("silence", {"msg": "quiet"}), ("unsilence", {"that": False, "fail_msg": "no monitor answers"})):
        module = "ansible.builtin.debug" if step == "silence" else "ansible.builtin.assert"
        path = site.folder / f"{step}.yml"
        path.write_text(json.dumps([{"name": "Act", module: act}]), encoding="utf-8")
        tasks[step] = str(path)
    site.simulator.abap("PRD", "job", name="LONG", report="ZOWN", next=1)
    site.simulator.fault("job_never_ends", job="LONG")
    outcome = site.play(run_name="r1", sap_jobs_running_timeout=1, landscape_step_tasks=tasks, **OURS)
    assert outcome.code == 2 and "no monitor answers" in outcome.output
    assert story(site) == [("jobs_suspended", 3), ("jobs_released", 3)] and jobs(site, "S") == set(OWN)
    with site.store() as store:
        left = store.open_undo("r1")
    assert {(record.kind, record.state) for record in left} == {("silence", "applied")}, "what stays is told"


def test_jobs_of_a_system_that_is_not_up_again_stay_held_back(site: Site) -> None:
    site.simulator.fault("red_on_start", instance=INSTANCE["app"])
    outcome = site.play(run_name="r1", **OURS)
    assert outcome.code == 2
    assert "jobs_released" not in [effect for effect, _what in story(site)] and jobs(site, "Z") == set(OWN)
    site.simulator.clear()
    site.simulator.state(instances={INSTANCE["app"]: {"phase": "stopped"}})  # somebody has mended it
    again = site.play(run="r1", **OURS)
    assert again.code == 0, again.output
    assert story(site)[-1] == ("jobs_released", 3) and jobs(site, "S") == set(OWN)


def test_jobs_of_a_system_that_is_up_and_not_well_stay_held_back(site: Site) -> None:
    verify = site.folder / "verify.yml"
    tasks = {"landscape_step_tasks": {"verify": str(verify)}}
    for worse, code in ((True, 2), (False, 0)):
        act = {"name": "Act", "ansible.builtin.assert": {"that": "maintenance_ci != 'app'" if worse else True}}
        verify.write_text(json.dumps([act]), encoding="utf-8")
        outcome = site.play(**({"run_name": "r1"} if worse else {"run": "r1"}), **tasks, **OURS)
        assert outcome.code == code, outcome.output
        assert site.everything_is_up()
        assert jobs(site, "Z" if worse else "S") == set(OWN)


def test_the_run_that_starts_a_landscape_gives_back_what_the_one_that_stopped_it_held(site: Site) -> None:
    tasks = {}
    for step in ("silence", "unsilence"):
        path = site.folder / f"{step}.yml"
        line = f"echo {step} {{{{ maintenance_ci }}}} >> {site.folder / 'changes'}"
        act = {"name": "Act", "ansible.builtin.shell": line, "delegate_to": "localhost"}
        path.write_text(json.dumps([act]), encoding="utf-8")
        tasks[step] = str(path)
    down = site.play(playbook="stop_landscape", run_name="down", landscape_step_tasks=tasks, **OURS)
    assert down.code == 0, down.output
    assert jobs(site, "Z") == set(OWN) and site.state("down") == "succeeded"
    changes = site.folder / "changes"
    hosts = ("app", "db", "web")
    assert sorted(changes.read_text().splitlines()) == [f"silence {host}" for host in hosts], "it is down on purpose"
    up = site.play(playbook="start_landscape", run_name="up", landscape_step_tasks=tasks, **OURS)
    assert up.code == 0, up.output
    assert story(site)[-1] == ("jobs_released", 3) and jobs(site, "S") == set(OWN)
    assert sorted(changes.read_text().splitlines())[3:] == [f"unsilence {host}" for host in hosts]
    with site.store() as store:
        assert {record.state for record in store.undo_records("down")} == {"undone"}
        assert [record.state for record in store.undo_records("up")] == ["undone"] * 4


def test_a_system_whose_jobs_were_not_held_back_is_started_without_a_word_to_it(site: Site) -> None:
    hosts = {"landscape_hosts": "web,app,db"}
    down = site.play(playbook="stop_landscape", run_name="down", **hosts)
    assert down.code == 0, down.output
    wrong = {"rfc_client": "000", "rfc_user": "NOBODY", "rfc_password": "Wrong-1"}
    up = site.play(playbook="start_landscape", run_name="up", **{**OURS, "sap_jobs_rfc": wrong})
    assert up.code == 0, up.output
    assert site.state("up") == "succeeded" and site.states("up")["app"]["release_jobs:PRD"] == "done"
    assert not [row for row in site.simulator.journal() if row.get("call") == "LOGON"]


def test_what_a_stop_run_held_back_is_not_forgotten(site: Site) -> None:
    down = site.play(playbook="stop_landscape", run_name="down", **OURS)
    assert down.code == 0, down.output
    report = site.play(playbook="show_run", run="down")
    assert "left to the run that starts the system: suspend_jobs of PRD" in report.output
    for playbook, options, why in (
        ("start_landscape", {"landscape_hosts": "web,app,db"}, "has no release_jobs for it"),
        ("patch_landscape", {"landscape_hosts": "web,app,db"}, "has no release_jobs for it"),
        ("patch_landscape", OURS, "would begin with suspend_jobs"),
    ):
        refused = site.play(playbook=playbook, **options)
        told = " ".join(refused.output.split())
        assert refused.code == 2 and "run down, which stopped it, left its suspend_jobs" in told, refused.output
        assert why in told and "run start_landscape with landscape_hold_jobs" in told
    assert site.effects("started") == [], "nothing was begun"
    settled = site.play(playbook="settle_run", run="down", reason="released by hand in SM37")
    assert settled.code == 0 and "suspend_jobs:PRD" in settled.output, settled.output
    up = site.play(playbook="start_landscape", run_name="up", landscape_hosts="web,app,db")
    assert up.code == 0, up.output
    assert jobs(site, "Z") == set(OWN), "a person said that they see to it"


def test_a_plan_says_whose_jobs_are_not_held_back(site: Site) -> None:
    silent = site.play(playbook="plan_landscape", landscape_hosts="web,app,db")
    assert "warning: Background jobs are not held back, and those that run are broken off: PRD." in silent.output
    both = site.play(
        playbook="plan_landscape", landscape_step_tasks={"suspend_jobs": str(site.folder / "no.yml")}, **OURS
    )
    assert both.code == 2 and "let one of them hold the jobs back" in both.output.replace("\n", " ")
    wrong = site.play(playbook="plan_landscape", **{**OURS, "landscape_hold_jobs": "perhaps"})
    assert wrong.code == 2 and "landscape_hold_jobs" in wrong.output


TOLD = {"sap_jobs_message": "PRD goes down in {minutes} minutes", "sap_jobs_countdown": [10]}
NOTICE = {"name": "basis.landscape.sap_jobs", "tasks_from": "notice"}


def lacking(**what: Any) -> Callable[[Site], dict[str, Any]]:
    """The user has not the authorization."""

    def arrange(site: Site) -> dict[str, Any]:
        site.simulator.fault("rfc_missing_authorization", system="PRD", **what)
        return {}

    return arrange


def left(**job: Any) -> Callable[[Site], dict[str, Any]]:
    """The system has a job that somebody left."""

    def arrange(site: Site) -> dict[str, Any]:
        site.simulator.abap("PRD", "job", report="ZOWN", next=864000, **job)
        return {}

    return arrange


def by_soap(site: Site) -> dict[str, Any]:
    """The system is reached by the service whose calls are a session each."""
    system = site.simulator.info["abap"]["PRD"]
    [server] = system["instances"].values()
    options = {"rfc_client": system["client"], "rfc_user": "BASIS_AUTO", "rfc_password": system["users"]["BASIS_AUTO"]}
    options |= {"rfc_provider": "soap", "rfc_url": server["https"], "rfc_ca_file": site.simulator.info["ca_file"]}
    return {"sap_jobs_rfc": options}


# What is there, which may say what else the run is told; what the run is told; the words of the refusal.
REFUSED: dict[str, tuple[Callable[[Site], dict[str, Any]] | None, dict[str, Any], list[str]]] = {
    "jobs": (
        lacking(object="S_TABU_DIS"),
        {},
        [
            "PRD on app: its jobs could not be held back: Could not read the table TBTCO: ",
            "To allow it: mend that, or set landscape_hold_jobs: false for this host.",
        ],
    ),
    "the interface": (lacking(object="S_XMI_PROD"), {}, ["1 unmet condition.", "log on to XBP", "S_XMI_PROD for XBP"]),
    "no session": (
        by_soap,
        {},
        ["1 unmet condition.", "PRD on app: its jobs could not be held back: ", "each call is one of its own"],
    ),
    "jobs of somebody else": (
        left(name="OLD", status="Z"),
        {},
        ["1 unmet condition.", "1 jobs were suspended by somebody else: OLD/"],
    ),
    "a report that would start": (
        left(name="LANDSCAPE_BTCTRNS1_260101000000"),
        {},
        ["1 unmet condition.", "LANDSCAPE_BTCTRNS1_260101000000", "Delete it (SM37)"],
    ),
    "users": (
        lacking(object="S_ADMI_FCD", function="TH_USER_LIST"),
        TOLD,
        ["PRD on app: its users could not be told: ", "To allow it: mend that, or leave sap_jobs_message empty."],
    ),
    "a check": (
        lacking(object="S_RFC", function="ENQUEUE_READ"),
        {"sap_jobs_quiet_checks": ["updates", "locks"]},
        ["PRD on app: the check locks has no answer, so it would never be seen to be quiet: ", "out of sap_jobs_quiet"],
    ),
    "a long message": (
        None,
        {**TOLD, "sap_jobs_message": "{{ sap_jobs_sid }} goes down in {minutes} minutes" + " or later" * 12},
        ["1 unmet condition.", "PRD on app: its users could not be told: ", "and TH_POPUP takes 128"],
    ),
    "a mistyped check": (None, {"sap_jobs_quiet_checks": ["update"]}, ["Got no match for: update"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_fail_in_the_window_is_refused_before_anything_is_touched(site: Site, case: str) -> None:
    arrange, options, words = REFUSED[case]
    more = {} if arrange is None else arrange(site)
    outcome = site.play(run_name="r1", **options, **more, **OURS)
    shown = " ".join(outcome.output.split())
    assert outcome.code == 2, outcome.output
    assert [text for text in words if text not in shown] == [], outcome.output
    assert [row for row in site.simulator.journal() if "effect" in row] == []


def test_jobs_that_run_before_the_time_has_come_are_no_reason_not_to_begin(site: Site) -> None:
    site.simulator.abap("PRD", "job", name="LONG", report="ZOWN", next=0)
    site.simulator.fault("job_never_ends", job="LONG")
    site.simulator.wait(effect="job_started", job="LONG")
    outcome = site.play(playbook="plan_landscape", sap_jobs_running="fail", **OURS)
    assert outcome.code == 0, outcome.output
    assert "jobs that run: 1: LONG since" in outcome.output


def test_users_who_cannot_be_seen_are_no_reason_when_nobody_is_to_be_told(site: Site) -> None:
    site.simulator.fault("rfc_missing_authorization", system="PRD", object="S_ADMI_FCD", function="TH_USER_LIST")
    outcome = site.play(playbook="plan_landscape", **OURS)
    assert outcome.code == 0, outcome.output
    assert "PRD now: users: not known; jobs that run: none; to hold back: 3" in outcome.output


def test_a_logon_that_is_refused_is_tried_once(site: Site) -> None:
    site.simulator.fault("rfc_logon_refused", system="PRD")
    outcome = site.play(playbook="plan_landscape", **TOLD, **OURS)
    assert outcome.code == 2 and "PRD on app: it cannot be asked over RFC" in " ".join(outcome.output.split())
    assert len([row for row in site.simulator.journal() if row.get("call") == "LOGON"]) == 1


def test_a_user_who_cannot_be_told_is_a_failure_or_a_warning(site: Site) -> None:
    given = {"sap_jobs_sid": "PRD", "sap_jobs_message": "PRD goes down", "sap_jobs_countdown": []}
    play = [{"hosts": "app", "gather_facts": False, "vars": given, "tasks": [{"ansible.builtin.import_role": NOTICE}]}]
    (site.folder / "notice.json").write_text(json.dumps(play), encoding="utf-8")
    for failures, code in (({}, 2), ({"sap_jobs_message_failures": "warn"}, 0)):
        site.simulator.fault(
            "rfc_missing_authorization", system="PRD", object="S_ADMI_FCD", function="TH_POPUP", times=1
        )
        told = site.play(playbook=str(site.folder / "notice.json"), **failures)
        assert told.code == code and "MILLER (100)" in told.output, told.output
    shown = [row["user"] for row in site.simulator.journal() if row.get("effect") == "message_shown"]
    assert len(shown) == 6 and "MILLER" not in shown, "the others are told each time"


def test_the_users_of_every_application_server_are_told(tmp_path: pathlib.Path, host_python: HostPython) -> None:
    more = {
        "hosts": [*LANDSCAPE["hosts"], {"name": "app2", "environment": "production", "os": "RHEL 9.4"}],
        "instances": [
            *LANDSCAPE["instances"],
            {"name": "D02", "system": "PRD", "host": "app2", "number": "02", "kind": "dialog"},
        ],
    }
    given: dict[str, Any] = {"sap_jobs_sid": "PRD", "sap_jobs_message": "PRD goes down", "sap_jobs_countdown": []}
    given |= {"sap_jobs_quiet_checks": ["users"], "sap_jobs_quiet_timeout": 1}
    playbooks = {}
    plan = {"playbook": "plan_landscape", **OURS, "landscape_hosts": "web,app,app2,db"}
    with Simulator.start({**LANDSCAPE, **more}, speed=120) as simulator:
        site = Site(tmp_path, simulator, host_python)
        for name in ("notice", "quiet"):
            role = {"name": "basis.landscape.sap_jobs", "tasks_from": name}
            tasks = [{"ansible.builtin.import_role": role}]
            playbooks[name] = str(tmp_path / f"{name}.json")
            play = [{"hosts": "app", "gather_facts": False, "vars": given, "tasks": tasks}]
            pathlib.Path(playbooks[name]).write_text(json.dumps(play), encoding="utf-8")
        told = site.play(playbook=playbooks["notice"])
        assert told.code == 0, told.output
        asked = {row["host"] for row in simulator.journal() if row.get("call") == "TH_POPUP"}
        assert asked == {"app", "app2"}
        few: dict[str, Any] = {"sap_jobs_quiet_limits": {"users": 99}}
        assert site.play(playbook=playbooks["quiet"], **few).code == 0
        one: dict[str, Any] = {"sap_jobs_servers": []}
        for name, why in (("notice", "would not be told"), ("quiet", "app2_PRD_02 were not asked")):
            alone = site.play(playbook=playbooks[name], **one, **few)
            assert alone.code == 2 and why in " ".join(alone.output.split()), alone.output
        # Users of other application servers who are not seen are no reason to refuse a plan; that they are not told, or
        # have to be counted, is.
        count: dict[str, Any] = {"sap_jobs_quiet_checks": ["users"], **few}
        for options, words in (
            ({**TOLD, **count}, None),
            (one, None),
            ({**TOLD, **one}, "its users could not be told: "),
            ({**count, **one}, "the check users has no answer"),
        ):
            planned = site.play(**plan, **options)
            assert planned.code == (2 if words else 0), planned.output
            assert (", not all are known; jobs that run" in planned.output) == ("sap_jobs_servers" in options)
            assert (words or "") in " ".join(planned.output.split())
