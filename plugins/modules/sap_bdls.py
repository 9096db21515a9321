#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logical system names of a client, converted by the report of transaction BDLS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_bdls
short_description: Convert logical system names in the tables of a client (BDLS)
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Runs the report C(RBDLSMAP) of transaction BDLS as background jobs in the client that is logged on to, one pair of
    names after the other. Each pair has a test run, the conversion, then a test run that must find nothing left.
  - A test run that is cancelled, reports a problem, or whose counts cannot be read stops the module before anything is
    converted. One that reports a problem after the conversion proves nothing.
  - It refuses, before anything is started, another system than O(confirm_sid), a production client, a client whose
    logical system in C(T000) does not fit the mapping, names that look mixed up, a new name that C(TBDLS) does not have
    in the way O(new_name) says, a conversion that somebody else runs, and a system that is not quiet.
  - It warns of users who are logged on, and of calls that wait in queues.
  - The names of the jobs are made of client, kind and both names. So a job that is on its way is attached to, after the
    controller was killed for example, and a conversion whose start was not answered is never started twice.
  - A pair whose second test run of an earlier run found nothing left is no change. A warning names that job.
  - Only jobs with the same variant, or the same O(values), count. With others it is another conversion, so one that was
    proved for a few tables says nothing about the rest, and one of them on its way is refused.
options:
  mapping:
    description: The names, in the order in which they are converted.
    type: list
    elements: dict
    required: true
    suboptions:
      old:
        description: The name that stands in the tables.
        type: str
        required: true
      new:
        description: The name that takes its place.
        type: str
        required: true
      variant:
        description:
          - Saved variant of C(RBDLSMAP) for the conversion. Nobody could read here what the selection screen of the
            report looks like on a real system, so a variant that a person saved is the safe way.
          - What the variant says is read and compared with the mapping by the names in O(selection_names).
        type: str
      test_variant:
        description: Saved variant for the test run. Required together with O(mapping[].variant).
        type: str
  confirm_sid:
    description: System ID that the system must report before anything is done.
    type: str
    required: true
  logical_system:
    description:
      - The name that the client itself has in the end (C(T000-LOGSYS)). It is a second statement that shows when old
        and new are mixed up.
      - Without it the client must have one of the old names now, or a job of an earlier run of this module must show
        that it was converted. Needed when only names of other systems are converted, or when C(T000) was changed first.
    type: str
  new_name:
    description:
      - How C(TBDLS) has to be about each new name before the conversion. V(defined) catches a name that is misspelt.
        Sources differ about what the report asks for; some say that the new name must not be there, which is
        V(undefined).
      - Afterwards each new name has to be there in any case.
    type: str
    choices: [defined, undefined, any]
    default: defined
  production_clients:
    description: Clients of the category production that may be converted all the same.
    type: list
    elements: str
    default: []
  quiesced:
    description:
      - Whether the system has to be quiet, with no job of any client released, ready or active, and without a record
        of an open update in C(VBHDR).
      - A conversion that somebody else runs as a job is refused in any case. One that runs in a dialog is not seen.
    type: bool
    default: true
  logged_on:
    description:
      - What to do when somebody but O(rfc_user) is logged on to the client on the application server that answers, or
        when that cannot be read. V(fail) refuses, V(warn) warns and goes on, V(ignore) does not ask.
    type: str
    choices: [fail, warn, ignore]
    default: warn
  queues:
    description:
      - The same for transactional calls that wait or failed (C(ARFCSSTATE)), and for queues of the client (qRFC) that
        are not empty. Old names inside of them are not converted.
    type: str
    choices: [fail, warn, ignore]
    default: warn
  test_run_only:
    description: Whether to stop after the test runs.
    type: bool
    default: false
  run:
    description:
      - V(once) takes what an earlier run of this module did for done. A conversion that was cancelled, or that left
        entries, is a failure then.
      - V(again) does not count jobs that ended before. One that is on its way still counts.
    type: str
    choices: [once, again]
    default: once
  selection_names:
    description:
      - Names on the selection screen of the report, used where a pair has no variant, and to read the variants. The
        screen is read first, and a name that it does not have is refused.
      - The defaults are known from one public program.
    type: dict
    default: {}
    suboptions:
      old:
        description: Field of the old name.
        type: str
        default: OLD_LS
      new:
        description: Field of the new name.
        type: str
        default: NEW_LS
      test:
        description: Field that asks for a test run. It is empty for the conversion.
        type: str
        default: TESTRUN
      test_value:
        description: Value of that field for a test run.
        type: str
        default: X
  values:
    description: More values for the selection screen, the same in every run, where a pair has no variant.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the field on the selection screen.
        type: str
        required: true
      kind:
        description: V(P) for a parameter, V(S) for a select option.
        type: str
        choices: [P, S]
        default: P
      sign:
        description: V(I) includes, V(E) excludes.
        type: str
        choices: [I, E]
        default: I
      option:
        description: How V(low) is compared.
        type: str
        choices: [EQ, NE, CP, NP, BT, NB, GT, GE, LT, LE]
        default: EQ
      low:
        description: The value.
        type: str
        default: ""
      high:
        description: The end of an interval.
        type: str
        default: ""
  count_patterns:
    description:
      - Patterns of lines in the list or log of the job that tell a number of entries, with the named groups C(table),
        C(count) and, if there is one, C(field). The words depend on release and language.
      - Of several lines about one field of a table the one with the largest number counts, because the list and the
        log repeat each other. Where the report writes a line for each part of a table, the number is too small then.
      - The default is how the simulator of this project words it, not a real system. Run with O(test_run_only=true)
        first. When no line fits, the module fails and shows the lines.
    type: list
    elements: str
    default:
      - '^\s*Table\s+(?P<table>[A-Z0-9_/]+)\s+field\s+(?P<field>[A-Z0-9_/]+):\s*(?P<count>[0-9][0-9.,]*)\s+entries'
  nothing_patterns:
    description: Patterns of lines that say that there is no entry at all, for reports that do not list tables then.
    type: list
    elements: str
    default: []
  problem_patterns:
    description: Patterns of lines that tell of a problem, besides messages of the types E, A and X.
    type: list
    elements: str
    default: ['(?i)\bduplicate']
  count_fields:
    description:
      - Fields as V(TABLE-FIELD), such as V(RSBASIDOC-SLOGSYS), that are counted with C(RFC_READ_TABLE) before and
        after, besides what the report says. An old name that is left there is a failure.
      - Every row that has a name is read, so large tables take long. Memory does not grow.
    type: list
    elements: str
    default: []
  start:
    description: V(immediately) needs a free background work process. V(asap) waits for one, and needs a server.
    type: str
    choices: [immediately, asap]
    default: immediately
  server:
    description: Application server on which the jobs run. By default, for O(start=asap), the one that is logged on to.
    type: str
  job_class:
    description: Class of the jobs.
    type: str
    choices: [A, B, C]
  print_parameters:
    description: Fields of the print parameters (C(ALLPRIPAR)). Without them the jobs leave a log and no list.
    type: dict
  xbp_version:
    description: Version of the interface XBP to log on to.
    type: str
    default: "3.0"
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: Says what would be started, after all refusals were looked at. No test run is started.
  diff_mode:
    support: full
notes:
  - O(timeout) is for each job from its start to its end. A job that takes longer is left running, and a later run
    attaches to it. It is never aborted.
  - A test run is a job of the system, so it counts as a change, too.
  - The values of a job are read with C(RS_VARIANT_CONTENTS_RFC). A job whose values cannot be read any more proves
    nothing. One that had a value in a select option that O(values) leaves open does not count either. A single value
    that is left open may be the report's own, so it does not matter, and the warning about the proof has it.
  - What an earlier run proved is known from its jobs in C(TBTCO). It does not count while C(T000) says one of the old
    names, or when one of O(count_fields) has the old name. When both C(T000) and C(TBTCO) are kept over a refresh,
    use O(run=again) after it.
seealso:
  - module: basis.landscape.sap_job
  - module: basis.landscape.sap_background_jobs
"""

EXAMPLES = r"""
- name: See what a conversion would change
  delegate_to: localhost
  basis.landscape.sap_bdls:
    mapping:
      - old: PRDCLNT100
        new: QASCLNT100
    test_run_only: true
    confirm_sid: QAS
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Convert after a refresh, with variants that a person saved
  delegate_to: localhost
  basis.landscape.sap_bdls:
    mapping:
      - old: PRDCLNT100
        new: QASCLNT100
        test_variant: OWN_TEST
        variant: OWN_REAL
      - old: BWPCLNT100
        new: BWQCLNT100
        test_variant: BW_TEST
        variant: BW_REAL
    logical_system: QASCLNT100
    count_fields: [RSBASIDOC-SLOGSYS]
    confirm_sid: QAS
    timeout: 86400
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
before:
  description: The client as it was found.
  returned: once the system could be read
  type: dict
  contains:
    logical_system:
      description: Its name in C(T000).
      type: str
    pairs:
      description:
        - C(old), C(new) and C(state) of each pair, which is V(open), V(testing), V(tested), V(converting),
          V(unproved), V(left), V(cancelled) or V(converted).
      type: list
      elements: dict
after:
  description: The client as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
pairs:
  description: What was done for each pair. Also among RV(error.facts) of a failure once the system could be read.
  returned: success
  type: list
  elements: dict
  contains:
    old:
      description: The old name.
      type: str
    new:
      description: The new name.
      type: str
    found:
      description: Entries that the test run found. Null when this run had none.
      type: int
    converted:
      description: Entries that the conversion says it converted. Null when it does not tell, or was not run.
      type: int
    left:
      description: Entries that the second test run found. 0 when the pair is converted.
      type: int
    tables:
      description:
        - C(table), C(field), C(count) of the conversion, else of the test run. Those without entries are left out.
      type: list
      elements: dict
    counted:
      description: For each of O(count_fields), the rows with the C(old) and the C(new) name C(before) and C(after).
      type: list
      elements: dict
    jobs:
      description: The jobs by C(test), C(convert) and C(prove), as in M(basis.landscape.sap_job).
      type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(test), C(convert) or C(prove).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    reason:
      description:
        - Short name of the cause, such as V(wrong_system), V(production_client), V(mixed_up), V(wrong_logical_system),
          V(new_name), V(other_conversion), V(not_quiet), V(other_screen), V(other_variant), V(test_run_problem),
          V(conversion_problem), V(proof_problem), V(test_run_changed), V(counts_unreadable), V(names_left),
          V(not_converted), V(job_cancelled), V(not_answered).
      type: str
    facts:
      description: Data of the case.
      type: dict
"""

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, NoReturn, Optional, Set

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc import bdls, clients, model, quiet, screens
from ansible_collections.basis.landscape.plugins.module_utils._rfc.bdls import CONVERT, KINDS, PROVE, TEST, Pair
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs, Key, Work, end_of_log
from ansible_collections.basis.landscape.plugins.module_utils._rfc.onejob import OneJob, Start, output, values
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits

# States of a pair, by what its jobs show.
OPEN = "open"
TESTING = "testing"
TESTED = "tested"
CONVERTING = "converting"
UNPROVED = "unproved"
LEFT = "left"
CANCELLED = "cancelled"
CONVERTED = "converted"
COUNTS = r"^\s*Table\s+(?P<table>[A-Z0-9_/]+)\s+field\s+(?P<field>[A-Z0-9_/]+):\s*(?P<count>[0-9][0-9.,]*)\s+entries"
QUEUES = ("TRFC_QOUT_GET_CURRENT_QUEUES", "TRFC_QIN_GET_CURRENT_QUEUES")
NAMES = {TEST: "test", CONVERT: "convert", PROVE: "prove"}
WAITING = (model.RELEASED, model.READY, model.ACTIVE)


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "mapping": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "old": {"type": "str", "required": True},
                    "new": {"type": "str", "required": True},
                    "variant": {"type": "str"},
                    "test_variant": {"type": "str"},
                },
            },
            "confirm_sid": {"type": "str", "required": True},
            "logical_system": {"type": "str"},
            "new_name": {"type": "str", "choices": ["defined", "undefined", "any"], "default": "defined"},
            "production_clients": {"type": "list", "elements": "str", "default": []},
            "quiesced": {"type": "bool", "default": True},
            "logged_on": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "warn"},
            "queues": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "warn"},
            "test_run_only": {"type": "bool", "default": False},
            "run": {"type": "str", "choices": ["once", "again"], "default": "once"},
            "selection_names": {
                "type": "dict",
                "default": {},
                "options": {
                    "old": {"type": "str", "default": "OLD_LS"},
                    "new": {"type": "str", "default": "NEW_LS"},
                    "test": {"type": "str", "default": "TESTRUN"},
                    "test_value": {"type": "str", "default": "X"},
                },
            },
            "values": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "kind": {"type": "str", "choices": ["P", "S"], "default": "P"},
                    "sign": {"type": "str", "choices": ["I", "E"], "default": "I"},
                    "option": {
                        "type": "str",
                        "choices": ["EQ", "NE", "CP", "NP", "BT", "NB", "GT", "GE", "LT", "LE"],
                        "default": "EQ",
                    },
                    "low": {"type": "str", "default": ""},
                    "high": {"type": "str", "default": ""},
                },
            },
            "count_patterns": {"type": "list", "elements": "str", "default": [COUNTS]},
            "nothing_patterns": {"type": "list", "elements": "str", "default": []},
            "problem_patterns": {"type": "list", "elements": "str", "default": [r"(?i)\bduplicate"]},
            "count_fields": {"type": "list", "elements": "str", "default": []},
            "start": {"type": "str", "choices": ["immediately", "asap"], "default": "immediately"},
            "server": {"type": "str"},
            "job_class": {"type": "str", "choices": ["A", "B", "C"]},
            "print_parameters": {"type": "dict"},
            "xbp_version": {"type": "str", "default": "3.0"},
        }
    )
    return own.merge(rfc_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """What was seen: the client's row of T000, the state of each pair, what speaks against a start."""

    sid: str
    server: str
    row: clients.ClientRow
    pairs: Mapping[Pair, str]
    defined: Set[str]
    strangers: List[model.Job]
    busy: List[model.Job]
    updates: bool
    back: Set[Pair]  # whose way back this module has gone: what was new is old now


class Conversion(Operation[State]):
    """Look: T000, TBDLS, the jobs. Plan: refuse, or test, convert, prove. Act: each job once. Verify: their output."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._pairs = bdls.pairs_of(params["mapping"])
        self._stated = (params["logical_system"] or "").strip().upper()
        if self._stated and self._stated in [pair.old for pair in self._pairs]:
            why = f"{self._stated} is logical_system, the name in the end, and an old name in mapping"
            raise BadInput("read the option logical_system", why, reason="mixed_up")
        self._screen = bdls.Screen.read(params["selection_names"])
        self._more = values(params["values"])
        self._reading = bdls.Reading(params["count_patterns"], params["nothing_patterns"], params["problem_patterns"])
        self._fields = [_field(text) for text in params["count_fields"]]
        grace = params["failure_grace"]
        self._limits = Limits(params["timeout"], params["delay"], grace=grace, patience=grace)
        self._client = connect(params)
        self._number = self._client.link.address.client
        self._client.need_session(f"convert logical system names of client {self._number}")
        self._jobs = Jobs(self._client, version=params["xbp_version"])
        self._told: Dict[Pair, Dict[str, Any]] = {}
        self._work: Dict[Pair, Dict[str, OneJob]] = {}
        self._unread: List[str] = []

    # Look

    def look(self) -> State:
        """Who is it, how is the client, which jobs are there."""
        doing = f"convert logical system names of client {self._number}"
        identity = self._client.confirm(doing, self._params["confirm_sid"])
        for pair in self._pairs:
            self._told[pair] = {"found": None, "converted": None, "left": None, "tables": [], "counted": [], "jobs": {}}
            self._work[pair] = {
                kind: OneJob(self._client, self._jobs, pair.job(kind, self._number), self._step(pair, kind), whole=True)
                for kind in KINDS
            }
        state = self._see(identity.sid, identity.instance)
        words = dict(state.pairs)
        for pair in self._pairs:
            counted: List[Dict[str, Any]] = [
                {"field": f"{table}-{field}", "before": self._count(pair, table, field), "after": None}
                for table, field in self._fields
            ]
            self._told[pair]["counted"] = counted
            if words[pair] == CONVERTED and any(row["before"]["old"] for row in counted):
                words[pair] = OPEN  # a refresh since then has brought the old name back
        if any(word != CONVERTED for word in words.values()):
            self._check_screens()
        return state._replace(pairs=words)

    def _step(self, pair: Pair, kind: str) -> Work:
        return self._screen.work(pair, kind, self._more, self._params["print_parameters"] or {})

    def _see(self, sid: str, server: str) -> State:
        doing = f"read client {self._number}"
        row = clients.one(doing, clients.clients(self._client), self._number)
        pairs = {pair: self._state(pair, row) for pair in self._pairs}
        if row.logical_system in [pair.old for pair in self._pairs]:
            # The jobs of an earlier refresh may have been kept over this one, and then prove nothing.
            pairs = {pair: OPEN if word == CONVERTED else word for pair, word in pairs.items()}
        defined = clients.defined(self._client, [pair.new for pair in self._pairs])
        ours = {one.name for jobs in self._work.values() for one in jobs.values()}
        alive = self._jobs.alive(f"read the jobs of {sid}")
        others = [job for _key, job in sorted(alive.items()) if job.name not in ours and job.status in WAITING]
        converting: Set[Key] = self._jobs.of_program(bdls.PROGRAM) if others else set()
        updates = False
        if self._params["quiesced"]:
            updates = any(True for _row in self._client.rows("VBHDR", ["VBKEY"], most=1))
        strangers = [job for job in others if job.key in converting]
        back = {pair for pair in self._pairs if self._jobs.named(Pair(pair.new, pair.old).job(CONVERT, self._number))}
        return State(sid, server, row, pairs, defined, strangers, others, updates, back)

    def _state(self, pair: Pair, row: clients.ClientRow) -> str:
        """How far a pair is, by the jobs of this module; one with another variant or other values shows nothing."""
        work = self._work[pair]
        for one in work.values():
            one.look()
        if work[CONVERT].runs:
            return CONVERTING
        if work[PROVE].runs:
            return UNPROVED
        last, proof = work[CONVERT].done(), work[PROVE].done()
        if last is not None and last.status == model.CANCELLED:
            return CANCELLED
        if last is not None:
            if proof is None or proof.status != model.FINISHED or proof.ended < last.ended:
                return UNPROVED
            left = self._total(proof)
            if left is None:
                return UNPROVED
            return LEFT if left else CONVERTED
        if work[TEST].runs:
            return TESTING
        tested = work[TEST].done()
        if tested is None or tested.status != model.FINISHED:
            return OPEN
        if self._total(tested) == 0 and row.logical_system != pair.old:
            return CONVERTED  # there was nothing to convert
        return TESTED

    def _total(self, job: model.Job) -> Optional[int]:
        """How many entries the output of a job tells; None when it cannot be read any more, or tells of a problem."""
        try:
            lines = output(self._jobs, job.key)
        except Failed:
            return None
        counts = None if self._reading.problems(lines) else self._reading.counts(lines)
        return None if counts is None else sum(one.entries for one in counts)

    def _check_screens(self) -> None:
        if any(not pair.variant for pair in self._pairs):
            names = [*self._screen.names, *(row["SELNAME"] for row in self._more)]
            screens.check_screen(self._jobs, bdls.PROGRAM, names)
        for pair in self._pairs:
            for kind, variant in ((TEST, pair.test_variant), (CONVERT, pair.variant)):
                if variant:
                    screens.check_variant(self._client, bdls.PROGRAM, variant, bdls.said(self._screen, pair, kind))

    def _count(self, pair: Pair, table: str, field: str) -> Dict[str, int]:
        return {
            "old": clients.count(self._client, table, field, pair.old),
            "new": clients.count(self._client, table, field, pair.new),
        }

    # Plan

    def plan(self, state: State) -> List[Action[State]]:
        """Refuse what must not be; else what leads to each pair's end."""
        words = {pair: self._word(pair, state) for pair in self._pairs}
        self._refuse_client(state)
        ahead = [pair for pair in self._pairs if words[pair] != CONVERTED]
        if not ahead:
            self._tell_proofs()
            return []
        self._refuse_names(state, [pair for pair in ahead if words[pair] not in (CONVERTING, UNPROVED)])
        self._refuse_busy(state, any(word == CONVERTING for word in words.values()))
        actions: List[Action[State]] = []
        for pair in ahead:
            actions += self._of(pair, words[pair], state)
        return actions

    def _tell_proofs(self) -> None:
        """Which jobs of earlier runs say that nothing is to do."""
        for pair in self._pairs:
            work = self._work[pair]
            kind = PROVE if work[CONVERT].done() is not None else TEST
            proof = work[kind].done()
            if proof is None:
                raise AssertionError("proof is None")
            self._told[pair]["left"] = 0
            self._told[pair]["jobs"][NAMES[kind]] = proof.told()
            more = self._left_open(pair, proof)
            also = ". It had {}, which values leave open".format(", ".join(more)) if more else ""
            self._unread.append(
                f"{pair.words} was not tested again: {proof.label} found no entry at {proof.ended}{also}."
            )

    def _left_open(self, pair: Pair, proof: model.Job) -> List[str]:
        """What a job's selection has besides ours: a value of the report's own, or one that was given then."""
        if pair.variant:
            return []
        ours = [*self._screen.names, *(row["SELNAME"] for row in self._more)]
        found: List[str] = []
        for step in self._jobs.steps(proof.key):
            rows = screens.contents(
                self._client, f"read the values of the job {proof.label}", step.program, step.variant
            )
            found += [
                "{} = {}".format(row["SELNAME"], row["LOW"] or row["HIGH"]) for row in screens.left_open(rows, ours)
            ]
        return found

    def _word(self, pair: Pair, state: State) -> str:
        """The state of a pair as far as it counts: with ``run: again`` only what is on its way does."""
        word = state.pairs[pair]
        if self._params["run"] == "once":
            return word
        work = self._work[pair]
        if work[CONVERT].runs:
            return CONVERTING
        if work[PROVE].runs:
            return UNPROVED
        return TESTING if work[TEST].runs else OPEN

    def _of(self, pair: Pair, word: str, state: State) -> List[Action[State]]:
        where = f"client {self._number} of {state.sid}"
        if word in (CANCELLED, LEFT) and not self._params["test_run_only"]:
            self._refuse_rest(pair, word)
        test = self._action(pair, TEST, f"test the conversion {pair.words} in {where}", state)
        if self._params["test_run_only"]:
            return [] if word in (CONVERTING, UNPROVED) else [test]
        prove = self._action(pair, PROVE, f"see that nothing of {pair.old} is left in {where}", state)
        if word == UNPROVED:
            return [prove]
        convert = self._action(pair, CONVERT, f"convert {pair.words} in {where}", state)
        return [convert, prove] if word == CONVERTING else [test, convert, prove]

    def _action(self, pair: Pair, kind: str, words: str, state: State) -> Action[State]:
        verify = {TEST: self._tested, CONVERT: self._converted, PROVE: self._proved}[kind]
        if self._work[pair][kind].runs:
            self._work[pair][kind].attach()
            return Action(NAMES[kind], words, None, partial(self._noted, pair, partial(verify, pair, state)))
        return Action(
            NAMES[kind],
            words,
            partial(self._noted, pair, partial(self._begin, pair, kind, state)),
            partial(self._noted, pair, partial(verify, pair, state)),
        )

    def _refuse_client(self, state: State) -> None:
        """The client is one that may be converted, and its own name fits the mapping."""
        doing = f"convert logical system names of client {self._number} of {state.sid}"
        clients.refuse_production(doing, state.row, self._params["production_clients"])
        now = state.row.logical_system
        said = f"T000 says that client {self._number} is {now or 'without a logical system'}"
        own = next((pair for pair in self._pairs if pair.new == self._stated), None)
        if self._stated:
            if now != self._stated and (own is None or now != own.old):
                wanted = f"{own.old} or {own.new}" if own else self._stated
                self._deny(doing, f"{said}, not {wanted}", "wrong_logical_system")
            return
        own = next((pair for pair in self._pairs if pair.old == now), None)
        if own is not None:
            if own in state.back:
                self._deny(
                    doing,
                    f"{said}, and a job of this module has converted {own.new} -> {own.old} before",
                    "mixed_up",
                    f"If old and new are not mixed up, say logical_system: {own.new}",
                )
            return
        pair = next((one for one in self._pairs if one.new == now), None)
        if pair is None:
            self._deny(
                doing,
                f"{said}, which is none of the old names",
                "wrong_logical_system",
                f"If the client keeps that name, say logical_system: {now}" if now else "",
            )
        work = self._work[pair]
        if not work[CONVERT].ended and not work[CONVERT].runs:
            self._deny(
                doing,
                f"{said}, which is the new name of {pair.words}, and no job of this module has converted it",
                "mixed_up",
                f"If old and new are not mixed up, say logical_system: {now}",
            )

    def _deny(self, doing: str, why: str, reason: str, cure: str = "") -> NoReturn:
        raise Denied(doing, why, reason=reason, cure="Nothing was started" + (f". {cure}" if cure else ""))

    def _refuse_names(self, state: State, pairs: List[Pair]) -> None:
        wanted = self._params["new_name"]
        if wanted == "any":
            return
        wrong = [pair.new for pair in pairs if (pair.new in state.defined) is (wanted == "undefined")]
        if wrong:
            self._deny(
                f"convert logical system names of client {self._number} of {state.sid}",
                "TBDLS {} {}".format("has no" if wanted == "defined" else "has", ", ".join(wrong)),
                "new_name",
                "Correct the mapping or transaction BD54, or choose another new_name",
            )

    def _refuse_busy(self, state: State, converting: bool) -> None:
        doing = f"convert logical system names of client {self._number} of {state.sid}"
        self._refuse_strangers(doing, state.strangers)
        if converting:
            return
        self._heed(doing, "logged_on", self._users)
        self._heed(doing, "queues", self._waiting)
        if not self._params["quiesced"]:
            return
        if state.busy:
            names = ", ".join(f"{job.label} {job.state}" for job in state.busy[:10])
            self._deny(
                doing,
                f"{len(state.busy)} jobs are released or run: {names}",
                "not_quiet",
                "sap_background_jobs suspends them; quiesced: false does not ask",
            )
        if state.updates:
            self._deny(doing, "VBHDR has open updates (SM13)", "not_quiet", "Settle them; quiesced: false does not ask")

    def _heed(self, doing: str, option: str, read: Callable[[str], str]) -> None:
        """Refuse, or warn of, what speaks against a conversion and may be accepted."""
        way = self._params[option]
        if way == "ignore":
            return
        try:
            found = read(doing)
        except (Denied, Failed) as error:
            if way == "fail":
                error.cure = error.cure or f"{option}: ignore does not ask"
                raise
            self._unread.append(f"Not looked at ({option}): {error.why}.")
            return
        if found and way == "fail":
            self._deny(doing, found, "not_quiet", f"{option}: warn goes on all the same")
        if found:
            self._unread.append(f"Before the conversion {found}.")

    def _users(self, _doing: str) -> str:
        names = quiet.logged_on(self._client, self._number, self._client.link.address.user or "")
        return "{} users are logged on: {}".format(len(names), ", ".join(names[:10])) if names else ""

    def _waiting(self, doing: str) -> str:
        found = [f"of qRFC {one.name}" for function in QUEUES for one in quiet.queues(self._client, doing, function)]
        if any(True for _row in self._client.rows("ARFCSSTATE", ["ARFCDEST"], most=1)):
            found.insert(0, "of tRFC (SM58)")
        return "calls wait: {}".format(", ".join(found[:10])) if found else ""

    def _refuse_strangers(self, doing: str, strangers: List[model.Job]) -> None:
        if strangers:
            names = ", ".join(f"{job.label} {job.state}" for job in strangers)
            self._deny(doing, f"somebody else's {bdls.PROGRAM} is on its way: {names}", "other_conversion")

    def _refuse_rest(self, pair: Pair, word: str) -> None:
        doing = f"convert {pair.words} in client {self._number}"
        last = self._work[pair][PROVE if word == LEFT else CONVERT].done()
        if last is None:
            raise AssertionError("last is None")
        tail = end_of_log(self._jobs, last.key)
        if word == LEFT:
            why, reason = f"the job {last.label} of an earlier run found names that were left", "names_left"
        else:
            why, reason = f"the job {last.label} of an earlier run was cancelled", "job_cancelled"
        raise Failed(
            doing,
            "{}: {}".format(why, "; ".join(tail) or "its log cannot be read"),
            reason=reason,
            cure="Once the cause is settled, run: again tests and converts once more",
            job=last.told(),
            log=tail,
        )

    # Act

    def _begin(self, pair: Pair, kind: str, state: State) -> bool:
        """Start a job of a pair, once."""
        if kind in (CONVERT, PROVE) and self._nothing(pair):
            return False
        if kind == CONVERT:
            self._refuse_late(pair, state)
        server = self._params["server"] or (state.server if self._params["start"] == "asap" else "")
        start = Start(self._params["start"], server, self._params["job_class"] or "")
        return self._work[pair][kind].begin(start)

    def _nothing(self, pair: Pair) -> bool:
        """Whether the test run of this run found nothing to convert."""
        return self._told[pair]["found"] == 0

    def _refuse_late(self, pair: Pair, state: State) -> None:
        """What may have changed during the test run, which can take hours."""
        doing = f"convert {pair.words} in client {self._number} of {state.sid}"
        now = self._see(state.sid, state.server)
        self._refuse_strangers(doing, now.strangers)

    # Verify

    def _noted(self, pair: Pair, act: Any) -> Any:
        """Act, and have a failure tell what was done before it."""
        try:
            return act()
        except LandscapeError as error:
            error.facts.setdefault("pairs", self._all_told())
            raise

    def _finish(self, pair: Pair, kind: str, doing: str) -> List[Mapping[str, str]]:
        """The output of a job of a pair once it is at its good end."""
        self._work[pair][kind].started(doing)
        job = self._work[pair][kind].end(doing, self._limits)
        self._told[pair]["jobs"][NAMES[kind]] = job.told()
        return output(self._jobs, job.key)

    def _tested(self, pair: Pair, state: State) -> State:
        """The test run ended well, tells its counts and no problem, and changed nothing."""
        doing = f"see the end of the test run of {pair.words}"
        lines = self._finish(pair, TEST, doing)
        self._refuse_problems(doing, lines, "test_run_problem")
        counts = self._reading.counts(lines)
        if counts is None:
            raise bdls.unreadable(doing, lines)
        self._note(pair, "found", counts)
        now = self._see(state.sid, state.server)
        if now.row.logical_system != state.row.logical_system and pair.old == state.row.logical_system:
            raise Failed(
                doing,
                f"the client was {pair.old} before it and is {now.row.logical_system} now: it was no test run",
                reason="test_run_changed",
                cure="Look at selection_names or the variant of the test run",
            )
        if self._nothing(pair) and now.row.logical_system == pair.old:
            raise Failed(
                doing,
                f"it finds no {pair.old} in any table, and T000 says that the client is {pair.old}",
                reason="mixed_up",
                cure="Nothing was converted. See whether the data has the new name already; T000 is changed in SCC4",
            )
        if self._nothing(pair):
            self._told[pair]["left"] = 0
        return now

    def _converted(self, pair: Pair, state: State) -> State:
        """The conversion ended well; whether it left anything shows the test run after it."""
        if self._nothing(pair):
            return self._see(state.sid, state.server)
        doing = f"see the end of the conversion {pair.words}"
        lines = self._finish(pair, CONVERT, doing)
        counts = self._reading.counts(lines)
        if counts is None:
            self._unread.append(f"What the conversion {pair.words} wrote tells no number of entries.")
        else:
            self._note(pair, "converted", counts)
        self._refuse_problems(doing, lines, "conversion_problem")
        return self._see(state.sid, state.server)

    def _proved(self, pair: Pair, state: State) -> State:
        """Nothing is left: by a test run, by T000 and TBDLS, by the fields that are counted."""
        doing = f"see that nothing of {pair.old} is left"
        if not self._nothing(pair):
            lines = self._finish(pair, PROVE, doing)
            self._refuse_problems(doing, lines, "proof_problem")  # a table that it could not read has no count
            counts = self._reading.counts(lines)
            if counts is None:
                raise bdls.unreadable(doing, lines)
            left = [one for one in counts if one.entries]
            self._told[pair]["left"] = sum(one.entries for one in left)
            if left:
                names = ", ".join(f"{one.table}-{one.field} {one.entries}" for one in left[:20])
                raise Failed(doing, f"{pair.old} is still in {names}", reason="names_left", left=_told(left))
        now = self._see(state.sid, state.server)
        if now.row.logical_system == pair.old:
            raise Failed(doing, f"T000 still says that the client is {pair.old}", reason="not_converted")
        if pair.new not in now.defined and not self._nothing(pair):
            raise Failed(doing, f"TBDLS has no {pair.new}", reason="not_converted")
        for row in self._told[pair]["counted"]:
            table, field = row["field"].split("-")
            row["after"] = self._count(pair, table, field)
            if row["after"]["old"]:
                why = "{} rows of {} still have {}".format(row["after"]["old"], row["field"], pair.old)
                raise Failed(doing, why, reason="names_left")
        return now

    def _refuse_problems(self, doing: str, lines: List[Mapping[str, str]], reason: str) -> None:
        problems = self._reading.problems(lines)
        if problems:
            raise Failed(doing, "it says: {}".format("; ".join(problems[:10])), reason=reason, problems=problems[:50])

    def _note(self, pair: Pair, name: str, counts: List[bdls.Count]) -> None:
        self._told[pair][name] = sum(one.entries for one in counts)
        self._told[pair]["tables"] = _told(counts)

    # Tell

    def describe(self, state: State) -> Dict[str, Any]:
        """The client's own name, each pair in a word."""
        return {
            "logical_system": state.row.logical_system,
            "pairs": [{"old": pair.old, "new": pair.new, "state": state.pairs[pair]} for pair in self._pairs],
        }

    def facts(self, state: State) -> Dict[str, Any]:
        """What was done for each pair."""
        return {"sid": state.sid, "pairs": self._all_told()}

    def warnings(self) -> List[str]:
        """Counts that could not be read, and how the connection is made."""
        return advice(self._params) + self._unread

    def _all_told(self) -> List[Dict[str, Any]]:
        return [{"old": pair.old, "new": pair.new, **self._told[pair]} for pair in self._pairs]


def _field(text: str) -> List[str]:
    parts = text.strip().upper().split("-")
    if len(parts) != 2 or not all(parts):
        raise BadInput("read the option count_fields", f"{text!r} is not TABLE-FIELD")
    return parts


def _told(counts: List[bdls.Count]) -> List[Dict[str, Any]]:
    return [{"table": one.table, "field": one.field, "count": one.entries} for one in counts if one.entries]


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> Conversion:
    """The operation that the options ask for."""
    return Conversion(context.params)


if __name__ == "__main__":
    main()
