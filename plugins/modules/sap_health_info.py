#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How well one SAP instance does, as named verdicts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_health_info
short_description: Judge the health of an SAP instance by named checks
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Asks the sapstartsrv of one instance and returns for each check a verdict, the words for a person, and the evidence.
  - What cannot be told counts as not healthy. A check that does not go with the kind of instance says so and does not
    count.
  - The module fails only when the instance cannot be asked at all, or is another than was meant.
options:
  sid:
    description: System ID that the instance must report.
    type: str
    required: true
  number:
    description: Instance number.
    type: str
    required: true
  instance:
    description: Instance name that the instance must report, such as V(D01), when given.
    type: str
  checks:
    description:
      - The checks to make, in this order.
      - V(processes) wants every process of the instance GREEN.
      - V(instances) wants every instance of the system GREEN.
      - V(work_processes) wants no work process of an ABAP instance ended or stopped, and O(free_dialog) free ones for
        dialogs.
      - V(queues) wants no queue of the dispatcher filled by O(queue_percent) or more.
      - V(java_processes) wants every server process of a Java instance running.
      - V(enqueue_replication) wants the replication of the lock table GREEN. Only the central services instance of a
        system with a replicator can tell.
      - V(cluster) wants no error among the checks of the cluster's configuration. It goes with instances that a cluster
        owns.
      - V(certificate) wants the certificate of sapstartsrv valid for O(certificate_days). It goes with C(https) and
        verification only.
    type: list
    elements: str
    choices:
      - processes
      - instances
      - work_processes
      - queues
      - java_processes
      - enqueue_replication
      - cluster
      - certificate
    default:
      - processes
      - instances
      - work_processes
      - queues
      - java_processes
      - enqueue_replication
      - cluster
      - certificate
  free_dialog:
    description: Dialog work processes that must be free.
    type: int
    default: 1
  queue_percent:
    description: A queue that is filled by so many percent of its maximum is bad.
    type: int
    default: 80
  certificate_days:
    description: Days that the certificate must still be valid.
    type: int
    default: 30
  ignore:
    description: Rows of the instance list that belong to no instance any more, as C(host/number).
    type: list
    elements: str
    default: []
  before:
    description:
      - The checks of an earlier look by name, each a dict with its C(verdict), such as the filter
        P(basis.landscape.health_record#filter) makes them for each instance.
      - A check that was V(good) and is V(not_applicable) now counts as not healthy. What it looked at is gone.
      - With C(names) of V(processes) each process of then has to be there. A database of HANA that does not come up may
        have no row at all.
    type: dict
    default: {}
  timeout:
    description:
      - Seconds within which checks that are worse than in O(before) are made again, until none is. Without O(before)
        these are all that are not well.
    type: float
    default: 0.0
  service_timeout:
    description: Seconds to wait for sapstartsrv itself to come up; O(timeout) when that is longer.
    type: float
    default: 0.0
  delay:
    description: Seconds between two looks, with O(timeout).
    type: float
    default: 5.0
extends_documentation_fragment:
  - basis.landscape.attributes.info
  - basis.landscape.sapcontrol
seealso:
  - module: basis.landscape.sap_instance
  - module: basis.landscape.sap_quiesce_info
"""

EXAMPLES = r"""
- name: Look at the instance
  become: true
  become_user: prdadm
  basis.landscape.sap_health_info:
    sid: PRD
    number: "01"
  register: health

- name: Go on only when all is well
  ansible.builtin.assert:
    that: health.healthy
    fail_msg: "{{ health.bad | join('; ') }}"
"""

RETURN = r"""
healthy:
  description: Whether at least one check is good, and none is bad, unknown, or lost since O(before).
  returned: success
  type: bool
bad:
  description: The words of the checks that are not healthy, or that none was made that goes with the instance.
  returned: success
  type: list
  elements: str
  sample: ["processes: disp+work YELLOW (Starting)"]
checks:
  description: The checks in the order asked for.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The check.
      type: str
    verdict:
      description: V(good), V(bad), V(unknown) or V(not_applicable).
      type: str
    words:
      description: The verdict for a person.
      type: str
    evidence:
      description: The data that the verdict stands on.
      type: raw
instance:
  description: Who the instance says it is.
  returned: success
  type: dict
  sample: {sid: PRD, number: "01", name: D01, host: prdapp1}
error:
  description: What went wrong, as in M(basis.landscape.sap_instance).
  returned: failure
  type: dict
"""

import ssl
import time
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible_collections.basis.landscape.plugins.module_utils._argspec import instance_number, system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Client,
    address_of,
    connect,
    model,
    sapcontrol_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._steps import watch
from ansible_collections.basis.landscape.plugins.module_utils._steps.verdict import (
    BAD,
    GOOD,
    NOT_APPLICABLE,
    UNKNOWN,
    Verdict,
    is_worse,
    process_name,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, NeverCame, wait_until

CHECKS = (
    "processes",
    "instances",
    "work_processes",
    "queues",
    "java_processes",
    "enqueue_replication",
    "cluster",
    "certificate",
)


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "sid": {"type": "str", "required": True},
            "number": {"type": "str", "required": True},
            "instance": {"type": "str"},
            "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(CHECKS)},
            "free_dialog": {"type": "int", "default": 1},
            "queue_percent": {"type": "int", "default": 80},
            "certificate_days": {"type": "int", "default": 30},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "before": {"type": "dict", "default": {}},
            "timeout": {"type": "float", "default": 0.0},
            "service_timeout": {"type": "float", "default": 0.0},
            "delay": {"type": "float", "default": 5.0},
        }
    )
    return own.merge(sapcontrol_spec())


class Health:
    """The checks of one instance; each method of a check's name returns its verdict."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        sid, number = system_id(params["sid"]), instance_number(params["number"])
        self._client: Client = connect(address_of(params, number), f"{sid}/{number}")
        self.who = watch.wait_for_service(
            self._client, max(params["timeout"], params["service_timeout"]), params["delay"]
        )
        name = params["instance"] or self.who.name
        if (self.who.sid, self.who.number, self.who.name) != (sid, number, name):
            raise Denied(
                f"look at {sid}/{number}/{name}",
                f"the sapstartsrv that answered belongs to {self.who.sid}/{self.who.number}/{self.who.name}",
                reason="wrong_instance",
            )
        self._client.label = self.who.label
        self._rows: Optional[List[model.Instance]] = None
        self._before: List[str] = list((params["before"].get("processes") or {}).get("names") or ())

    def judge_all(self) -> List[Dict[str, Any]]:
        """The checks that were asked for, of this moment."""
        self._rows = None
        return [self.judge(name) for name in self._params["checks"]]

    def judge(self, name: str) -> Dict[str, Any]:
        """One check, where everything that cannot be told is unknown."""
        check: Callable[[], Verdict] = getattr(self, name)
        try:
            found = check()
        except LandscapeError as error:
            found = Verdict(UNKNOWN, error.message, error.as_result())
        except model.Malformed as error:
            found = Verdict(UNKNOWN, f"the answer cannot be read: {error}")
        return {"name": name, "verdict": found.verdict, "words": found.words, "evidence": found.evidence}

    def processes(self) -> Verdict:
        """Every process is GREEN, and none of those of before is gone."""
        found = self._client.processes()
        words = model.processes_in_words(found)
        verdict = GOOD if model.state_of(found) == model.STARTED else UNKNOWN if not found else BAD
        rows = watch.as_data(found)
        gone = Counter(self._before) - Counter(map(process_name, rows))
        if gone and verdict == GOOD:
            verdict, words = BAD, f"not listed any more: {', '.join(sorted(gone.elements()))}; {words}"
        return Verdict(verdict, words, rows)

    def instances(self) -> Verdict:
        """Every instance of the system is GREEN."""
        rows = self._instances()
        wrong = [f"{row.label} {row.colour}" for row in rows if row.colour != model.GREEN]
        evidence = [row.as_data() for row in rows]
        if not rows:
            return Verdict(UNKNOWN, "the instance list is empty", evidence)
        return Verdict(BAD if wrong else GOOD, ", ".join(wrong) or f"{len(rows)} instances GREEN", evidence)

    def work_processes(self) -> Verdict:
        """None is ended or stopped, enough are free for dialogs."""
        if "ABAP" not in self._features():
            return Verdict(NOT_APPLICABLE, "no ABAP instance")
        rows = self._client.work_processes()
        dead = [f"{r.get('Typ')} {r.get('No')} {r.get('Status')}" for r in rows if r.get("Status") in ("Stop", "Ended")]
        dialog = [r for r in rows if r.get("Typ") == "DIA"]
        free = sum(r.get("Status") == "Wait" for r in dialog)
        evidence = {"total": len(rows), "dialog": len(dialog), "free_dialog": free, "dead": dead}
        words = f"{free} of {len(dialog)} dialog work processes free"
        if not rows:
            return Verdict(UNKNOWN, "the work process table is empty", evidence)
        if dead:
            return Verdict(BAD, f"not running: {', '.join(dead)}; {words}", evidence)
        return Verdict(GOOD if free >= self._params["free_dialog"] else BAD, words, evidence)

    def queues(self) -> Verdict:
        """No queue is nearly full."""
        if "ABAP" not in self._features():
            return Verdict(NOT_APPLICABLE, "no ABAP instance")
        rows = self._client.queues()
        if not rows:
            return Verdict(UNKNOWN, "the queue statistic is empty", rows)
        full = []
        for row in rows:
            now, most = model.integer(row.get("Now"), "Now"), model.integer(row.get("Max"), "Max")
            if most > 0 and now * 100 >= most * self._params["queue_percent"]:
                full.append(f"{row.get('Typ')} {now} of {most}")
        return Verdict(BAD if full else GOOD, ", ".join(full) or f"{len(rows)} queues with room", rows)

    def java_processes(self) -> Verdict:
        """Every server process runs."""
        if "J2EE" not in self._features():
            return Verdict(NOT_APPLICABLE, "no Java instance")
        rows = self._client.java_processes()
        wrong = [
            f"{row.get('name')} {row.get('statetext') or row.get('state')}"
            for row in rows
            if row.get("state") != "SAPControl-J2EE-RUNNING"
        ]
        if not rows:
            return Verdict(UNKNOWN, "the list of Java processes is empty", rows)
        return Verdict(BAD if wrong else GOOD, ", ".join(wrong) or f"{len(rows)} Java processes running", rows)

    def enqueue_replication(self) -> Verdict:
        """The copy of the lock table is kept."""
        if "ENQUE" not in self._features():
            return Verdict(NOT_APPLICABLE, "no central services instance")
        if not any("ENQREP" in row.features for row in self._instances()):
            return Verdict(NOT_APPLICABLE, "the system has no enqueue replicator")
        colour = self._client.replication_colour()
        return Verdict(GOOD if colour == model.GREEN else BAD, f"the replication is {colour}", {"colour": colour})

    def cluster(self) -> Verdict:
        """The cluster's own checks show no error."""
        if not self._client.failover().active:
            return Verdict(NOT_APPLICABLE, "no cluster owns the instance")
        rows = self._client.cluster_checks()
        states = {"SAPControl-HA-SUCCESS": GOOD, "SAPControl-HA-WARNING": GOOD, "SAPControl-HA-ERROR": BAD}
        verdicts = [states.get(str(row.get("state")), UNKNOWN) for row in rows]
        wrong = [
            f"{r.get('description')} {r.get('comment') or ''}".strip() for r, v in zip(rows, verdicts) if v != GOOD
        ]
        if not rows:
            return Verdict(UNKNOWN, "the cluster's checks are empty", rows)
        worst = BAD if BAD in verdicts else UNKNOWN if UNKNOWN in verdicts else GOOD
        return Verdict(worst, ", ".join(wrong) or f"{len(rows)} checks without error", rows)

    def certificate(self) -> Verdict:
        """The certificate lasts."""
        found = self._client.certificate()
        if not found:
            return Verdict(NOT_APPLICABLE, "the connection has no verified certificate")
        until = str(found.get("notAfter"))
        days = (ssl.cert_time_to_seconds(until) - time.time()) / 86400.0
        evidence = {"not_after": until, "days_left": round(days, 1)}
        verdict = GOOD if days >= self._params["certificate_days"] else BAD
        return Verdict(verdict, f"valid for {int(days)} more days, until {until}", evidence)

    def _instances(self) -> List[model.Instance]:
        if self._rows is None:
            rows, _twins = model.without_twins(self._client.instances())
            gone = {label.lower() for label in self._params["ignore"]}
            self._rows = [row for row in rows if f"{row.host.lower()}/{row.number}" not in gone]
        return self._rows

    def _features(self) -> List[str]:
        """The features of the instance that is asked."""
        rows = [row for row in self._instances() if row.number == self.who.number]
        own = [row for row in rows if row.host.lower() == self.who.host.lower()] or rows
        if len(own) != 1:
            found = ", ".join(row.label for row in own) or "none"
            why = f"the instance list has no single row for {self.who.host}/{self.who.number} (found: {found})"
            raise LandscapeError(f"tell the kind of {self.who.label}", why, reason="instance_not_listed")
        return list(own[0].features)


def look(context: Context) -> Dict[str, Any]:
    """All checks that were asked for, with the sum of them."""
    params = context.params
    before = _verdicts(params["before"])
    health = Health(params)

    def worse(check: Dict[str, Any]) -> bool:
        return is_worse(check["verdict"], before.get(check["name"]))

    try:
        # Without a timeout the first look is the last one.
        limits = Limits(max(params["timeout"], 0.001), params["delay"])
        checks = wait_until(
            f"see {health.who.label} well",
            health.judge_all,
            lambda found: params["timeout"] <= 0 or not any(map(worse, found)),
            limits,
        ).value
    except NeverCame as error:
        checks = error.last
    bad = [f"{c['name']}: {c['words']}" for c in checks if c["verdict"] in (BAD, UNKNOWN) or worse(c)]
    if not bad and not any(check["verdict"] == GOOD for check in checks):
        bad = ["nothing is known of its health: no check was made that goes with this instance"]
    who = health.who
    return {
        "healthy": not bad,
        "bad": bad,
        "checks": checks,
        "instance": {"sid": who.sid, "number": who.number, "name": who.name, "host": who.host},
    }


def _verdicts(before: Mapping[str, Any]) -> Dict[str, str]:
    """The verdicts of an earlier look by the name of their check.

    :raises BadInput: something else was given.
    """
    found = {}
    for name, check in before.items():
        if not isinstance(check, Mapping) or not isinstance(check.get("verdict"), str):
            raise BadInput("read the option before", f"{name} must have a verdict, and is {check!r}")
        found[name] = check["verdict"]
    return found


def main() -> None:
    """Run the module."""
    run_query(spec(), look)


if __name__ == "__main__":
    main()
