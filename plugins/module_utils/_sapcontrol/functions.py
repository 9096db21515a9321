# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SAPControl web service offers: its functions, their parameters in the order of the WSDL, what they change.

The source is the service's own WSDL (document/literal, ``urn:SAPControl``). Only functions that are known to read are
marked so; everything else counts as a change.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

# The types of parameters; int, bool and option (an enumeration) are mandatory on the wire, text and list are not.
INT, BOOL, TEXT, LIST, OPTION = "int", "bool", "text", "list", "option"

START_STOP_OPTIONS = (
    "SAPControl-ALL-INSTANCES",
    "SAPControl-SCS-INSTANCES",
    "SAPControl-DIALOG-INSTANCES",
    "SAPControl-ABAP-INSTANCES",
    "SAPControl-J2EE-INSTANCES",
    "SAPControl-PRIORITY-LEVEL",
    "SAPControl-TREX-INSTANCES",
    "SAPControl-ENQREP-INSTANCES",
    "SAPControl-HDB-INSTANCES",
    "SAPControl-ALLNOHDB-INSTANCES",
)


class Function(NamedTuple):
    """One function of the service.

    :ivar reads: true when it changes nothing.
    :ivar parameters: name and type in wire order.
    :ivar rows: the response field that holds a list of rows, if any.
    :ivar answer: the name of the response element when it is not the function's name with ``Response``.
    """

    reads: bool
    parameters: Tuple[Tuple[str, str], ...] = ()
    rows: Optional[str] = None
    answer: Optional[str] = None


_SOFT, _WAIT, _RUNLEVEL = ("softtimeout", INT), ("waittimeout", INT), ("runlevel", TEXT)
_WHICH = (("options", OPTION), ("prioritylevel", TEXT))

FUNCTIONS: Dict[str, Function] = {
    # What reads.
    "ABAPCheckRFCDestinations": Function(True, rows="destination"),
    "ABAPGetComponentList": Function(True, rows="component"),
    "ABAPGetSystemWPTable": Function(True, (("activeonly", BOOL),), rows="workprocess"),
    "ABAPGetWPTable": Function(True, rows="workprocess"),
    "ABAPReadSyslog": Function(True, rows="log"),
    "AccessCheck": Function(True, (("function", TEXT),)),
    "CheckParameter": Function(True, (("profile", LIST), ("default-profile", LIST)), rows="result"),
    "CheckUpdateSystem": Function(True),
    "EnqGetLockTable": Function(True, rows="lock"),
    "EnqGetStatistic": Function(True, answer="EnqStatistic"),
    "GetAccessPointList": Function(True, rows="accesspoint"),
    "GetAlertTree": Function(True, rows="tree"),
    "GetAlerts": Function(True, (("RootTid", TEXT),), rows="alert"),
    "GetEnvironment": Function(True, rows="env"),
    "GetInstanceProperties": Function(True, rows="properties"),
    "GetProcessList": Function(True, rows="process"),
    "GetQueueStatistic": Function(True, rows="queue"),
    "GetStartProfile": Function(True, rows="lines"),
    "GetSystemInstanceList": Function(True, (("timeout", INT),), rows="instance"),
    "GetSystemUpdateList": Function(True, rows="instance"),
    "GetTraceFile": Function(True, rows="lines"),
    "GetVersionInfo": Function(True, rows="version"),
    "GWGetClientList": Function(True),
    "GWGetConnectionList": Function(True),
    "HACheckConfig": Function(True, rows="check"),
    "HACheckFailoverConfig": Function(True, rows="check"),
    "HACheckMaintenanceMode": Function(True, (("instance-only", BOOL),)),
    "HAGetFailoverConfig": Function(True, rows="HANodes"),
    "ICMGetCacheEntries": Function(True, rows="entry"),
    "ICMGetConnectionList": Function(True, rows="connection"),
    "ICMGetProxyConnectionList": Function(True, rows="connection"),
    "ICMGetThreadList": Function(True, rows="thread"),
    "J2EEGetComponentList": Function(True, rows="component"),
    "J2EEGetProcessList2": Function(True, rows="process"),
    "J2EEGetThreadList": Function(True, rows="thread"),
    "J2EEGetThreadList2": Function(True, rows="thread"),
    "ListDeveloperTraces": Function(True, rows="file"),
    "ListLogFiles": Function(True, rows="file"),
    "ParameterValue": Function(True, (("parameter", TEXT),)),
    "ReadDeveloperTrace": Function(True, (("filename", TEXT), ("size", INT)), rows="lines"),
    "ReadLogFile": Function(
        True,
        (("filename", TEXT), ("filter", TEXT), ("language", TEXT), ("maxentries", INT), ("statecookie", TEXT)),
        rows="fields",
    ),
    "WebDispGetGroupList": Function(True),
    "WebDispGetServerList": Function(True, rows="server"),
    "WebDispGetUrlPrefixList": Function(True),
    "WebDispGetVirtHostList": Function(True),
    # What changes.
    "ABAPSetServerInactive": Function(False, (("inactive", BOOL),)),
    "HAFailoverToNode": Function(False, (("node", TEXT),)),
    "HASetMaintenanceMode": Function(False, (("mode", BOOL), ("instance-only", BOOL))),
    "InstanceStart": Function(False, (("host", TEXT), ("nr", INT), _RUNLEVEL)),
    "InstanceStop": Function(False, (("host", TEXT), ("nr", INT), _SOFT)),
    "J2EEControlComponents": Function(
        False, (("processName", TEXT), ("operation", TEXT), ("componentType", TEXT), ("componentNames", TEXT))
    ),
    "J2EEControlProcess": Function(False, (("processname", TEXT), ("function", TEXT))),
    "OSExecute": Function(
        False, (("command", TEXT), ("async", INT), ("timeout", INT), ("protocolfile", TEXT)), rows="lines"
    ),
    "RestartInstance": Function(False, (_SOFT, _RUNLEVEL)),
    "RestartService": Function(False),
    "RestartSystem": Function(False, _WHICH + (_SOFT, _WAIT, _RUNLEVEL)),
    "SendSignal": Function(False, (("pid", INT), ("signal", TEXT))),
    "Shutdown": Function(False, (("IsSystemStop", INT),)),
    "Start": Function(False, (_RUNLEVEL,)),
    "StartSystem": Function(False, _WHICH + (_WAIT, _RUNLEVEL)),
    "Stop": Function(False, (_SOFT, ("IsSystemStop", INT))),
    "StopService": Function(False),
    "StopSystem": Function(False, _WHICH + (_SOFT, _WAIT)),
    "UpdateSCSInstance": Function(False),
    "UpdateSystem": Function(False, (_SOFT, _WAIT, ("force", BOOL))),
}


def changes(name: str) -> bool:
    """Whether calling the function may change something; true for every function that is not known to read."""
    known = FUNCTIONS.get(name)
    return known is None or not known.reads


__all__ = ("BOOL", "FUNCTIONS", "INT", "LIST", "OPTION", "START_STOP_OPTIONS", "TEXT", "Function", "changes")
