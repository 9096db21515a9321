# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire of the sapcontrol web service: which operations there are, their fields, envelopes, the WSDL.

Names, order of the fields, enumerations, prefixes follow the published WSDL of sapstartsrv; only the operation
element is in the namespace ``urn:SAPControl``. The WSDL that is served here is written from these tables.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:SAPControl"
PREFIXES = (
    ("SOAP-ENV", ENVELOPE),
    ("SOAP-ENC", "http://schemas.xmlsoap.org/soap/encoding/"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xsd", "http://www.w3.org/2001/XMLSchema"),
    ("SAPControl", NAMESPACE),
    ("SAPCCMS", "urn:SAPCCMS"),
    ("SAPHostControl", "urn:SAPHostControl"),
    ("SAPLandscapeService", "urn:SAPLandscapeService"),
    ("SAPMetricService", "urn:SAPMetricService"),
    ("SAPOscol", "urn:SAPOscol"),
    ("SAPDSR", "urn:SAPDSR"),
)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope '
    + " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES)
    + ">\n <SOAP-ENV:Body>"
)
TAIL = "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"

ENUMS: dict[str, tuple[str, ...]] = {
    "STATE-COLOR": ("SAPControl-GRAY", "SAPControl-GREEN", "SAPControl-YELLOW", "SAPControl-RED"),
    "J2EE-PSTATE": tuple(
        f"SAPControl-J2EE-{name}"
        for name in ("STOPPED", "STARTING", "CORE-RUNNING", "RUNNING", "STOPPING", "MAINTENANCE", "UNKNOWN")
    ),
    "StartStopOption": tuple(
        f"SAPControl-{name}"
        for name in (
            "ALL-INSTANCES",
            "SCS-INSTANCES",
            "DIALOG-INSTANCES",
            "ABAP-INSTANCES",
            "J2EE-INSTANCES",
            "PRIORITY-LEVEL",
            "TREX-INSTANCES",
            "ENQREP-INSTANCES",
            "HDB-INSTANCES",
            "ALLNOHDB-INSTANCES",
        )
    ),
    "HAVerificationState": tuple(f"SAPControl-HA-{name}" for name in ("SUCCESS", "WARNING", "ERROR")),
    "HACheckCategory": tuple(
        f"SAPControl-{name}" for name in ("SAP-CONFIGURATION", "SAP-STATE", "HA-CONFIGURATION", "HA-STATE")
    ),
    "VISIBLE-LEVEL": tuple(f"SAPControl-{name}" for name in ("UNKNOWN", "OPERATOR", "EXPERT", "DEVELOPER")),
}


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    """``a b:int c:Type[]`` as pairs of name and type; a name alone is a string."""
    return tuple((name, kind or "string") for name, _colon, kind in (part.partition(":") for part in text.split()))


STRUCTURES: dict[str, tuple[tuple[str, str], ...]] = {
    name: _fields(text)
    for name, text in {
        "OSProcess": "name description dispstatus:STATE-COLOR textstatus starttime elapsedtime pid:int",
        "SAPInstance": "hostname instanceNr:int httpPort:int httpsPort:int startPriority features "
        "dispstatus:STATE-COLOR",
        "UpdateInstance": "hostname instanceNr:int status starttime endtime dispstatus:STATE-COLOR",
        "InstanceProperty": "property propertytype value",
        "InstanceVersionInfo": "Filename VersionInfo Time",
        "TaskHandlerQueue": "Typ Now:int High:int Max:int Writes:int Reads:int",
        "WorkProcess": "No:int Typ Pid:int Status Reason Start Err Sem Cpu Time Program Client User Action Table",
        "SystemWorkProcess": "Instance No:int Typ Pid:int Status Reason Start Err Sem Cpu Time Program Client User "
        "Action Table",
        "J2EEProcess2": "telnetPort:int name pid:int type restart exitCode state:J2EE-PSTATE statetext startTime "
        "elapsedTime "
        "restartCount:int errorCount:int cpu debug clusterId:int",
        "J2EEThread2": "processname startTime updateTime taskupdateTime subtaskupdateTime task subtask name classname "
        "user pool "
        "state dispstatus:STATE-COLOR index:int",
        "J2EEComponentInfo": "type name startupmode status expectedstatus details dispstatus:STATE-COLOR",
        "AlertNode": "name parent:int ActualValue:STATE-COLOR description Time AnalyseTool VisibleLevel:VISIBLE-LEVEL "
        "HighAlertValue:STATE-COLOR AlDescription AlTime Tid",
        "EnqLock": "lock-name lock-arg lock-mode owner owner-vb use-count-owner:int use-count-owner-vb:int client user "
        "transaction object backup:boolean",
        "HACheck": "state:HAVerificationState category:HACheckCategory description comment",
        "LogFile": "filename size:long modtime format",
        "DeveloperTrace": "filename size:long modtime",
        "AccessPoint": "address port:int protocol processname active",
        "ABAPComponent": "component release patchlevel componenttype description",
        "SyslogEntry": "Time Typ Client User Tcode MNo Text Severity",
        "ParameterCheck": "name value status message",
    }.items()
}


class Operation:
    """One operation: its request fields, its answer's fields, whether it is open to everybody."""

    def __init__(
        self, name: str, request: str = "", answer: str = "", *, open_: bool = False, element: str = ""
    ) -> None:
        self.name = name
        self.request = _fields(request)
        self.answer = _fields(answer)
        self.open = open_
        self.element = element or f"{name}Response"


_SOFT = "softtimeout:int"
_SYSTEM = "options:StartStopOption prioritylevel"
OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("Start", "runlevel"),
        Operation("Stop", f"{_SOFT} IsSystemStop:int"),
        Operation("Shutdown", "IsSystemStop:int"),
        Operation("InstanceStart", "host nr:int runlevel"),
        Operation("InstanceStop", f"host nr:int {_SOFT}"),
        Operation("RestartInstance", f"{_SOFT} runlevel"),
        Operation("StartSystem", f"{_SYSTEM} waittimeout:int runlevel"),
        Operation("StopSystem", f"{_SYSTEM} {_SOFT} waittimeout:int"),
        Operation("RestartSystem", f"{_SYSTEM} {_SOFT} waittimeout:int runlevel"),
        Operation("UpdateSystem", f"{_SOFT} waittimeout:int force:boolean"),
        Operation("CheckUpdateSystem"),
        Operation("GetSystemUpdateList", "", "instance:UpdateInstance[]"),
        Operation("RestartService"),
        Operation("StopService"),
        Operation("GetProcessList", "", "process:OSProcess[]", open_=True),
        Operation("GetSystemInstanceList", "timeout:int", "instance:SAPInstance[]", open_=True),
        Operation("GetInstanceProperties", "", "properties:InstanceProperty[]", open_=True),
        Operation("AccessCheck", "function", "", open_=True),
        Operation("GetVersionInfo", "", "version:InstanceVersionInfo[]"),
        Operation("GetQueueStatistic", "", "queue:TaskHandlerQueue[]"),
        Operation("ABAPGetWPTable", "", "workprocess:WorkProcess[]"),
        Operation("ABAPGetSystemWPTable", "activeonly:boolean", "workprocess:SystemWorkProcess[]"),
        Operation("ABAPSetServerInactive", "inactive:boolean"),
        Operation("ABAPCheckRFCDestinations", "", "destination:string[]"),
        Operation("ABAPGetComponentList", "", "component:ABAPComponent[]"),
        Operation("ABAPReadSyslog", "", "log:SyslogEntry[]"),
        Operation("J2EEGetProcessList2", "", "process:J2EEProcess2[]"),
        Operation("J2EEGetThreadList2", "", "thread:J2EEThread2[]"),
        Operation("J2EEGetComponentList", "", "component:J2EEComponentInfo[]"),
        Operation("J2EEControlProcess", "processname function"),
        Operation("GetAlertTree", "", "tree:AlertNode[]"),
        Operation(
            "EnqGetStatistic",
            "",
            "owner-now:int owner-high:int owner-max:int owner-state:STATE-COLOR arguments-now:int arguments-high:int "
            "arguments-max:int arguments-state:STATE-COLOR locks-now:int locks-high:int locks-max:int "
            "locks-state:STATE-COLOR "
            "enqueue-requests:long enqueue-rejects:long enqueue-errors:long dequeue-requests:long dequeue-errors:long "
            "dequeue-all-requests:long cleanup-requests:long backup-requests:long reporting-requests:long "
            "compress-requests:long verify-requests:long lock-time:double lock-wait-time:double server-time:double "
            "replication-state:STATE-COLOR",
            element="EnqStatistic",
        ),
        Operation("EnqGetLockTable", "", "lock:EnqLock[]"),
        Operation("EnqRemoveLocks", "lock:EnqLock[]"),
        Operation("EnqRemoveUserLocks", "user"),
        Operation("HACheckConfig", "", "check:HACheck[]"),
        Operation("HACheckFailoverConfig", "", "check:HACheck[]"),
        Operation(
            "HAGetFailoverConfig",
            "",
            "HAActive:boolean HAProductVersion HASAPInterfaceVersion HADocumentation HAActiveNode HANodes:string[]",
        ),
        Operation("HAFailoverToNode", "node"),
        Operation("HASetMaintenanceMode", "mode:boolean instance-only:boolean"),
        Operation("HACheckMaintenanceMode", "instance-only:boolean"),
        Operation("ParameterValue", "parameter", "value"),
        Operation("GetStartProfile", "", "name lines:string[]"),
        Operation("GetTraceFile", "", "name lines:string[]"),
        Operation("ListLogFiles", "", "file:LogFile[]"),
        Operation(
            "ReadLogFile",
            "filename filter language maxentries:int statecookie",
            "format startcookie endcookie fields:string[]",
        ),
        Operation("ListDeveloperTraces", "", "file:DeveloperTrace[]"),
        Operation("ReadDeveloperTrace", "filename size:int", "name lines:string[]"),
        Operation("OSExecute", "command async:int timeout:int protocolfile", "exitcode:int pid:int lines:string[]"),
        Operation("SendSignal", "pid:int signal"),
        Operation("GetEnvironment", "", "env:string[]"),
        Operation("GetAccessPointList", "", "accesspoint:AccessPoint[]"),
        Operation("CheckParameter", "profile:string[] default-profile:string[]", "result:ParameterCheck[]"),
    )
}
# A field that is missing or empty has its type's zero value, of ``options`` ALL-INSTANCES: community.sap_libs sends
# requests like that (suds writes empty elements) to real systems. What a wrong text does there is not known.
DEFAULTS: dict[str, Any] = {"int": 0, "long": 0, "double": 0.0, "boolean": False}
PROTECTED = tuple(sorted(name for name, operation in OPERATIONS.items() if not operation.open))


class BadRequest(Exception):
    """The request is no call of a known operation; the text goes into the fault."""


def _cast(kind: str, text: str) -> Any:
    if kind in ("int", "long"):
        return int(text)
    if kind == "double":
        return float(text)
    if kind == "boolean":
        if text.strip() not in ("true", "false", "1", "0"):
            raise ValueError(text)
        return text.strip() in ("true", "1")
    if kind in ENUMS and text not in ENUMS[kind]:
        raise ValueError(text)
    return text


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation's name with its parameters; absent strings are ``None``, other absent fields zero.

    Raises:
        BadRequest: no envelope, another namespace, an operation or a field that does not exist, or a value of the
            wrong type.
    """
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise BadRequest(f"XML syntax error: {error}") from error
    holder = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or holder is None or len(holder) != 1:
        raise BadRequest("not a SOAP 1.1 envelope with one call")
    call = holder[0]
    namespace, _brace, name = call.tag.rpartition("}")
    operation = OPERATIONS.get(name)
    if namespace != "{" + NAMESPACE or operation is None:
        raise BadRequest(f"Method '{call.tag}' not implemented: method name or namespace not recognized")
    values: dict[str, Any] = {}
    known = {field for field, _kind in operation.request}
    for child in call:
        if child.tag not in known:
            raise BadRequest(
                f"Validation constraint violation: tag name or namespace mismatch in element '{child.tag}'"
            )
    for field, kind in operation.request:
        try:
            values[field] = _read(kind, call.find(field))
        except ValueError as error:
            raise BadRequest(
                f"Validation constraint violation: data type mismatch '{error}' in element '{field}'"
            ) from error
    return name, values


def _read(kind: str, element: ElementTree.Element | None) -> Any:
    if kind.endswith("[]"):
        inner = kind[:-2]
        rows = [] if element is None else element.findall("item")
        if inner in STRUCTURES:
            return [{name: _read(sort, row.find(name)) for name, sort in STRUCTURES[inner]} for row in rows]
        return [row.text or "" for row in rows]
    if element is None and kind == "string":
        return None
    text = "" if element is None or element.text is None else element.text
    if not text.strip() and kind != "string":
        return DEFAULTS[kind] if kind in DEFAULTS else ENUMS[kind][0]
    return _cast(kind, text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _write(name: str, kind: str, value: Any) -> str:
    if not kind.endswith("[]"):
        return f"<{name}>{_text(value)}</{name}>"
    inner = kind[:-2]
    rows = []
    for row in value or []:
        if inner in STRUCTURES:
            cells = "".join(_write(field, sort, row.get(field)) for field, sort in STRUCTURES[inner] if field in row)
            rows.append(f"\n  <item>{cells}</item>")
        else:
            rows.append(f"\n  <item>{_text(row)}</item>")
    return f"<{name}>{''.join(rows)}\n </{name}>" if rows else f"<{name}></{name}>"


def answer(name: str, values: dict[str, Any]) -> bytes:
    """The envelope of an operation's answer."""
    operation = OPERATIONS[name]
    inner = "".join(_write(field, kind, values.get(field)) for field, kind in operation.answer)
    return f"{HEAD}<SAPControl:{operation.element}>{inner}</SAPControl:{operation.element}>{TAIL}".encode()


def fault(text: str, code: str = "SOAP-ENV:Server") -> bytes:
    """The envelope of a fault."""
    return (
        f"{HEAD}<SOAP-ENV:Fault><faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring>"
        f"</SOAP-ENV:Fault>{TAIL}"
    ).encode()


def _element(name: str, kind: str) -> str:
    if kind.endswith("[]"):
        array = f"SAPControl:ArrayOf{kind[:-2]}"
        return f'<xsd:element name="{name}" type="{array}" minOccurs="0" maxOccurs="1" nillable="true"/>'
    if kind in ENUMS:
        return f'<xsd:element name="{name}" type="SAPControl:{kind}" minOccurs="1" maxOccurs="1"/>'
    few = 'minOccurs="0" maxOccurs="1" nillable="true"' if kind == "string" else 'minOccurs="1" maxOccurs="1"'
    return f'<xsd:element name="{name}" type="xsd:{kind}" {few}/>'


def wsdl(endpoint: str) -> bytes:
    """The WSDL 1.1 of the service: document/literal, ``elementFormDefault`` unqualified, empty SOAPAction."""
    types, messages, ports, binding = [], [], [], []
    for name, values in ENUMS.items():
        rows = "".join(f'<xsd:enumeration value="{value}"/>' for value in values)
        types.append(
            f'<xsd:simpleType name="{name}"><xsd:restriction base="xsd:string">{rows}</xsd:restriction>'
            "</xsd:simpleType>"
        )
    arrays = {"string"} | set(STRUCTURES)
    for name, fields in STRUCTURES.items():
        rows = "".join(_element(*field) for field in fields)
        types.append(f'<xsd:complexType name="{name}"><xsd:sequence>{rows}</xsd:sequence></xsd:complexType>')
    for name in sorted(arrays):
        kind = "xsd:string" if name == "string" else f"SAPControl:{name}"
        types.append(
            f'<xsd:complexType name="ArrayOf{name}"><xsd:sequence><xsd:element name="item" type="{kind}" minOccurs="0" '
            f'maxOccurs="unbounded" nillable="true"/></xsd:sequence></xsd:complexType>'
        )
    for operation in OPERATIONS.values():
        for element, fields in ((operation.name, operation.request), (operation.element, operation.answer)):
            rows = "".join(_element(*field) for field in fields)
            types.append(
                f'<xsd:element name="{element}"><xsd:complexType><xsd:sequence>{rows}</xsd:sequence></xsd:complexType>'
                f"</xsd:element>"
            )
        for message, element in (
            (f"{operation.name}Request", operation.name),
            (f"{operation.name}Answer", operation.element),
        ):
            messages.append(
                f'<message name="{message}"><part name="parameters" element="SAPControl:{element}"/></message>'
            )
        ports.append(
            f'<operation name="{operation.name}"><input message="tns:{operation.name}Request"/>'
            f'<output message="tns:{operation.name}Answer"/></operation>'
        )
        binding.append(
            f'<operation name="{operation.name}"><SOAP:operation soapAction="" style="document"/><input>'
            f'<SOAP:body use="literal"/></input><output><SOAP:body use="literal"/></output></operation>'
        )
    schema = "\n".join(types)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions name="SAPControl" targetNamespace="urn:SAPControl" xmlns="http://schemas.xmlsoap.org/wsdl/"
 xmlns:tns="urn:SAPControl" xmlns:SAPControl="urn:SAPControl" xmlns:SOAP="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<types><xsd:schema targetNamespace="urn:SAPControl" elementFormDefault="unqualified" attributeFormDefault="unqualified">
{schema}
</xsd:schema></types>
{chr(10).join(messages)}
<portType name="SAPControlPortType">{chr(10).join(ports)}</portType>
<binding name="SAPControl" type="tns:SAPControlPortType">
<SOAP:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
{chr(10).join(binding)}
</binding>
<service name="SAPControl"><port name="SAPControl" binding="tns:SAPControl">
<SOAP:address location="{escape(endpoint)}"/></port>
</service>
</definitions>
""".encode()
