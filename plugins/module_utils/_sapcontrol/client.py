# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that sapstartsrv understands.

Errors are classified by the HTTP status first and by the fault's text second, since texts differ by release.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, LandscapeError, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import model, wire
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.functions import FUNCTIONS, changes
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import Address, Link, Reply, ServiceDown

Row = Dict[str, Optional[str]]


class ServiceFault(Failed):
    """sapstartsrv answered with a SOAP fault; ``text`` is its own text."""

    reason = "fault"

    def __init__(self, doing: str, text: str, code: str = "", **facts: Any) -> None:
        self.text = text
        super().__init__(doing, text or "sapstartsrv gave a fault without a text", fault=text, fault_code=code, **facts)

    @property
    def already_started(self) -> bool:
        """Start on an instance that runs."""
        return "already started" in self.text.lower()

    @property
    def dispatcher_down(self) -> bool:
        """Asked for something that only a running dispatcher can tell."""
        return "dpattachstartservice failed" in self.text.lower()


class LogTail(NamedTuple):
    """The end of a process's trace file."""

    file: str
    lines: List[str]


class Client:
    """Talks to the sapstartsrv of one instance.

    :param link: the way to it.
    :param label: what errors call the instance until it has said who it is (``PRD/01``).
    """

    def __init__(self, link: Link, label: str) -> None:
        self._link = link
        self.label = label

    def close(self) -> None:
        """Give back the connection."""
        self._link.close()

    # The door for everything

    def call(self, function: str, parameters: Optional[Mapping[str, Any]] = None) -> wire.Answer:
        """Call a function by its name; what may change something is sent once.

        :raises ServiceFault: sapstartsrv says no.
        :raises Denied: who asks is not known or not allowed.
        :raises Unknown: a change was sent and not answered.
        :raises LandscapeError: the rest of the tree, see `link`.
        """
        doing = f"call {function} of {self.label}"
        body = wire.encode(function, parameters or {})
        change = changes(function)
        reply = self._link.tell(body, doing) if change else self._link.ask(body, doing)
        return self._understood(reply, function, doing, change)

    def _understood(self, reply: Reply, function: str, doing: str, change: bool) -> wire.Answer:
        where = f"{self._link.name} said HTTP {reply.status}"
        if reply.status == 401:
            raise Denied(doing, f"user or password is refused ({where})", reason="credentials", cure=self._cure_401())
        if reply.status == 403:
            raise Denied(doing, f"the user has no right to it ({where})", reason="permission")
        if reply.status not in (200, 500):
            error = Unknown if change and reply.status >= 500 else Failed
            raise error(doing, where, reason="http_status", status=reply.status)
        try:
            answer = wire.decode(reply.body, function)
        except wire.Malformed as error:
            if change:
                raise Unknown(
                    doing, f"it was sent, and the answer cannot be read: {error}", cause="malformed"
                ) from error
            raise Failed(doing, str(error), reason="malformed", status=reply.status) from error
        if isinstance(answer, wire.Fault):
            raise self._fault(answer, doing)
        if reply.status == 500:
            raise Failed(doing, f"{where} with a good answer in it", reason="http_status", status=500)
        return answer

    def _fault(self, fault: wire.Fault, doing: str) -> LandscapeError:
        text = fault.text.lower()
        if "invalid credentials" in text:
            return Denied(
                doing, f"user or password is refused ({fault.text})", reason="credentials", cure=self._cure_401()
            )
        if "permission denied" in text:
            return Denied(doing, f"the user has no right to it ({fault.text})", reason="permission")
        return ServiceFault(doing, fault.text, fault.code)

    def _cure_401(self) -> str:
        if self._link.scheme == "unix":
            return "Become <sid>adm for this task: the socket trusts the instance's own user"
        return "Check sapcontrol_user and sapcontrol_password: an operating system user of that host"

    # Questions

    def processes(self) -> List[model.Process]:
        """GetProcessList."""
        return self._read("GetProcessList", lambda answer: [model.Process.read(r) for r in answer.rows("process")])

    def instances(self, timeout: int = 0) -> List[model.Instance]:
        """GetSystemInstanceList, as the peer gives it: with twins."""
        return self._read(
            "GetSystemInstanceList",
            lambda answer: [model.Instance.read(r) for r in answer.rows("instance")],
            {"timeout": timeout},
        )

    def identity(self) -> model.Identity:
        """GetInstanceProperties."""
        return self._read("GetInstanceProperties", lambda answer: model.Identity.read(answer.rows("properties")))

    def parameter(self, name: str) -> str:
        """ParameterValue of one profile parameter."""
        return self._read("ParameterValue", lambda answer: answer.text("value") or "", {"parameter": name})

    def versions(self) -> List[Row]:
        """GetVersionInfo: rows of Filename, VersionInfo, Time."""
        return self._rows("GetVersionInfo")

    def queues(self) -> List[Row]:
        """GetQueueStatistic: rows of Typ, Now, High, Max, Writes, Reads."""
        return self._rows("GetQueueStatistic")

    def work_processes(self) -> List[Row]:
        """ABAPGetWPTable: one row for each work process."""
        return self._rows("ABAPGetWPTable")

    def java_processes(self) -> List[Row]:
        """J2EEGetProcessList2."""
        return self._rows("J2EEGetProcessList2")

    def locks(self) -> List[Row]:
        """EnqGetLockTable."""
        return self._rows("EnqGetLockTable")

    def replication_colour(self) -> str:
        """The state of the enqueue replication as the (A)SCS sees it, from EnqGetStatistic."""
        return self._read("EnqGetStatistic", lambda answer: model.colour(answer.text("replication-state")))

    def check_access(self, function: str) -> None:
        """AccessCheck: nothing when the function may be called.

        :raises Denied: it may not.
        """
        try:
            self.call("AccessCheck", {"function": function})
        except ServiceFault as error:
            raise Denied(
                f"call {function} of {self.label}", error.text, reason="permission", cure=self._cure_401()
            ) from error

    def failover(self) -> model.Failover:
        """HAGetFailoverConfig."""
        return self._read(
            "HAGetFailoverConfig",
            lambda a: model.Failover.read(
                a.text("HAActive"), a.text("HAProductVersion"), a.text("HAActiveNode"), a.texts("HANodes")
            ),
        )

    def in_maintenance(self, instance_only: bool = True) -> bool:
        """HACheckMaintenanceMode: its answer has no content, so a good answer means on and a fault means not on."""
        try:
            self.call("HACheckMaintenanceMode", {"instance-only": instance_only})
        except ServiceFault:
            return False
        return True

    def cluster_checks(self) -> List[Row]:
        """HACheckConfig: rows of state, category, description, comment."""
        return self._rows("HACheckConfig")

    def traces(self) -> List[str]:
        """The names of the developer traces."""
        return [str(row["filename"]) for row in self._rows("ListDeveloperTraces") if row.get("filename")]

    def trace_end(self, filename: str, size: int = 4096) -> List[str]:
        """The last ``size`` bytes of a developer trace, as lines."""
        return self._read(
            "ReadDeveloperTrace", lambda answer: answer.texts("lines"), {"filename": filename, "size": -abs(size)}
        )

    def log_entries(self, filename: str, most: int = 100) -> List[str]:
        """Entries of a log file, as ReadLogFile gives them for at most ``most`` entries."""
        asked = {"filename": filename, "filter": "", "language": "", "maxentries": most, "statecookie": ""}
        return self._read("ReadLogFile", lambda answer: answer.texts("fields"), asked)

    def log_tail(self, process: str, lines: int = 10) -> Optional[LogTail]:
        """The last lines of the trace of a process; None when there is none or it cannot be read."""
        try:
            name = model.trace_name(process, self.traces())
            if name is None:
                return None
            read = [line.rstrip() for line in self.trace_end(name)]
        except LandscapeError:
            return None  # it only adds to another error, which must not be hidden
        return LogTail(name, [line for line in read if line][-lines:])

    def certificate(self) -> Dict[str, Any]:
        """The certificate of sapstartsrv; empty unless https with verification."""
        return self._link.certificate(f"read the certificate of {self.label}")

    # Changes

    def start(self, runlevel: Optional[str] = None) -> None:
        """Start: comes back at once; look afterwards."""
        self.call("Start", {"runlevel": runlevel})

    def stop(self, soft_timeout: int) -> None:
        """Stop with ``soft_timeout`` seconds of grace: comes back at once; look afterwards."""
        self.call("Stop", {"softtimeout": soft_timeout, "IsSystemStop": 0})

    def restart_instance(self, soft_timeout: int, runlevel: Optional[str] = None) -> None:
        """RestartInstance."""
        self.call("RestartInstance", {"softtimeout": soft_timeout, "runlevel": runlevel})

    def restart_service(self) -> None:
        """RestartService: sapstartsrv alone, the instance is not touched."""
        self.call("RestartService")

    def start_system(
        self, option: str, level: Optional[str], wait_timeout: int, runlevel: Optional[str] = None
    ) -> None:
        """StartSystem; ``wait_timeout`` is what sapstartsrv allows each priority level, in seconds."""
        self.call(
            "StartSystem",
            {"options": option, "prioritylevel": level, "waittimeout": wait_timeout, "runlevel": runlevel},
        )

    def stop_system(self, option: str, level: Optional[str], soft_timeout: int, wait_timeout: int) -> None:
        """StopSystem; the soft timeout stands before the wait timeout here, other than on sapcontrol's command line."""
        self.call(
            "StopSystem",
            {"options": option, "prioritylevel": level, "softtimeout": soft_timeout, "waittimeout": wait_timeout},
        )

    def set_server_inactive(self, inactive: bool) -> None:
        """ABAPSetServerInactive: takes a dialog instance out of the load balancing, or back in."""
        self.call("ABAPSetServerInactive", {"inactive": inactive})

    # How

    def _rows(self, function: str) -> List[Row]:
        field = FUNCTIONS[function].rows
        if field is None:
            raise ValueError(f"{function} returns no list")
        return self._read(function, lambda answer: answer.rows(field))

    def _read(
        self, function: str, value: Callable[[wire.Answer], Any], parameters: Optional[Mapping[str, Any]] = None
    ) -> Any:
        answer = self.call(function, parameters)
        try:
            return value(answer)
        except wire.Malformed as error:
            raise Failed(f"read the answer to {function} of {self.label}", str(error), reason="malformed") from error


def connect(address: Address, label: str) -> Client:
    """A client for the instance at an address; nothing is opened before the first question."""
    return Client(Link(address), label)


__all__ = ("Address", "Client", "LogTail", "ServiceDown", "ServiceFault", "connect")
