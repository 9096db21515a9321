# SPDX-License-Identifier: GPL-3.0-or-later
"""How to watch an instance until it is what it should be.

Transitions are waited out. A failure names the instance, the guilty processes, and the last lines of their trace.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, FrozenSet, List, Optional, Sequence, Tuple, Union

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import model
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.client import Client, ServiceDown
from ansible_collections.basis.landscape.plugins.module_utils._wait import (
    Clock,
    Hopeless,
    Limits,
    NeverCame,
    wait_until,
)

Processes = List[model.Process]


def wait_for_service(client: Client, seconds: float, delay: float, clock: Optional[Clock] = None) -> model.Identity:
    """Who the instance is, as soon as its sapstartsrv is up; a service that is down is waited for ``seconds``.

    :raises ServiceDown: it did not come up.
    """
    limits = Limits(seconds + 1.0, delay, patience=seconds)
    doing = f"reach sapstartsrv of {client.label}"
    return wait_until(doing, client.identity, lambda _who: True, limits, clock=clock, bear=(ServiceDown,)).value


def known_processes(client: Client, limits: Limits, clock: Optional[Clock] = None) -> Processes:
    """The process list, once it is not empty; an empty one is waited out for the grace of ``limits``.

    :raises Failed: it stays empty (reason ``empty_process_list``).
    """
    doing = f"read the processes of {client.label}"
    try:
        found: Processes = wait_until(
            doing, client.processes, bool, Limits(max(limits.grace, 0.001), limits.delay), clock=clock
        ).value
    except NeverCame as error:
        why = f"the process list is empty for {limits.grace:g} s, which is neither started nor stopped"
        raise Failed(doing, why, reason="empty_process_list") from error
    return found


def list_is_whole(processes: Processes, limits: Limits) -> bool:
    """Whether a started instance lists all it has, by one look: nothing has joined the list for the grace.

    While an instance starts its processes join the list one after the other, so a list that is all GREEN may not be the
    whole one yet. A process that does not say when it was started may just have been.
    """
    age = model.youngest(processes)
    return age is not None and age >= limits.grace


def wait_for_state(
    client: Client,
    wanted: str,
    limits: Limits,
    *,
    doing: str,
    lost: Tuple[str, ...] = (),
    expected: Collection[str] = (),
    clock: Optional[Clock] = None,
) -> Processes:
    """Poll the process list until the instance is ``wanted`` (started or stopped).

    While an instance starts its processes join the list one after the other, so a list that is all GREEN may not be the
    whole one yet: it counts when it holds the ``expected`` names, else when it stays the same for the grace, or for
    half of the timeout when that is shorter.

    :param lost: states that may not last longer than the grace; for a stop also: it runs again after stopping began.
    :param expected: names of processes that a started instance shows; empty when they are not known.
    :raises NeverCame: the timeout passed.
    :raises Hopeless: a lost state lasted.
    :raises LandscapeError: sapstartsrv could not be asked for longer than the patience.
    """
    view = _View(wanted, lost, frozenset(expected), min(limits.grace, limits.timeout / 2), clock or Clock())
    try:
        return wait_until(
            doing,
            client.processes,
            view.done,
            limits,
            clock=clock,
            hopeless=view.hopeless,
            bear=(Unreachable, TimedOut),
            describe=view.in_words,
        ).value
    except (NeverCame, Hopeless) as error:
        explain(client, error, model.GREEN if wanted == model.STARTED else model.GRAY)
        raise


class _View:
    """How a wait for one state looks at process lists."""

    def __init__(
        self, wanted: str, lost: Tuple[str, ...], expected: FrozenSet[str], grace: float, clock: Clock
    ) -> None:
        self._wanted = wanted
        self._lost = lost
        self._expected = expected
        self._grace = grace
        self._clock = clock
        self._whole: Tuple[FrozenSet[str], float] = (frozenset(), 0.0)
        self._stopping_seen = False

    def done(self, processes: Processes) -> bool:
        """Whether the wanted state is there, for a start with the whole list."""
        state = model.state_of(processes)
        self._stopping_seen = self._stopping_seen or state == model.STOPPING
        if state != self._wanted:
            self._whole = (frozenset(), 0.0)
            return False
        names = frozenset(model.lasting_names(processes))
        if self._wanted != model.STARTED or (self._expected and self._expected <= names):
            return True
        if self._whole[0] != names:
            self._whole = (names, self._clock.now())
        return self._clock.now() - self._whole[1] >= self._grace

    def hopeless(self, processes: Processes) -> bool:
        """Whether this cannot become the wanted state by itself."""
        state = model.state_of(processes)
        runs_again = self._wanted == model.STOPPED and self._stopping_seen and state == model.STARTED
        return runs_again or state in self._lost

    def in_words(self, processes: Processes) -> str:
        """The list, with the names that are still missing in it."""
        words = model.processes_in_words(processes)
        if model.state_of(processes) == self._wanted == model.STARTED:
            missing = sorted(self._expected - model.lasting_names(processes))
            words += f", not listed yet: {', '.join(missing)}" if missing else ""
            words += f", unchanged for less than {self._grace:g} s"
        return words


def explain(client: Client, error: Union[NeverCame, Hopeless], colour: str) -> None:
    """Add the guilty processes and the end of the first one's trace to an error about a process list."""
    last: Sequence[model.Process] = error.last or ()
    guilty = model.guilty(last, colour)
    error.facts["processes"] = [
        {"name": p.name, "description": p.description, "colour": p.colour, "text": p.text, "pid": p.pid} for p in guilty
    ]
    for process in guilty[:3]:
        tail = client.log_tail(process.name)
        if tail is not None:
            error.facts["log"] = {"process": process.name, "file": tail.file, "lines": tail.lines}
            error.why += f"; last lines of {tail.file}: " + " | ".join(tail.lines)
            break


def as_data(processes: Sequence[model.Process]) -> List[Dict[str, Any]]:
    """A process list as plain data."""
    return [
        {
            "name": p.name,
            "description": p.description,
            "colour": p.colour,
            "text": p.text,
            "started": p.started,
            "elapsed": p.elapsed,
            "pid": p.pid,
        }
        for p in processes
    ]


__all__ = ("as_data", "explain", "known_processes", "list_is_whole", "wait_for_service", "wait_for_state")
