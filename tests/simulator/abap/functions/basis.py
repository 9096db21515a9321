# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules about the system itself: connection test, system information, servers, work processes, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Function, Structure
from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.users import WRONG_LOGONS
from tests.simulator.abap.words import fields, parameters, returned, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

STRUCTURES = (
    Structure(
        "BAPIRET2",
        fields(
            "TYPE C1, ID C20, NUMBER N3, MESSAGE C220, LOG_NO C20, LOG_MSG_NO N6, MESSAGE_V1 C50, MESSAGE_V2 C50,"
            "MESSAGE_V3 C50, MESSAGE_V4 C50, PARAMETER C32, ROW I, FIELD C30, SYSTEM C10"
        ),
        "facts 4.1 XBPLIVE, XBPREF; published captures",
        "V2",
    ),
    Structure(
        "RFCSI",
        fields(
            "RFCPROTO C3, RFCCHARTYP C4, RFCINTTYP C3, RFCFLOTYP C3, RFCDEST C32, RFCHOST C8, RFCSYSID C8,"
            "RFCDATABS C8, RFCDBHOST C32, RFCDBSYS C10, RFCSAPRL C4, RFCMACH C5, RFCOPSYS C10, RFCTZONE C6,"
            "RFCDAYST C1, RFCIPADDR C15, RFCKERNRL C4, RFCHOST2 C32, RFCSI_RESV C12, RFCIPV6ADDR C45"
        ),
        "facts 4.8 captures of /sap/public/info; lengths from memory",
        "S1",
    ),
    Structure(
        "MSXXLIST",
        fields("NAME C40, HOST C32, SERV C20, MSGTYPES X1, HOSTADR X4, SERVNO X2, STATE X1"),
        "facts 4.5 (seven fields XBPLIVE, names from memory)",
        "M",
    ),
    Structure(
        "WPINFO",
        fields(
            "WP_NO C10, WP_TYP C3, WP_PID C11, WP_STATUS C7, WP_WAITING C5, WP_SEM C2, WP_RESTART C4, WP_DUMPS C10,"
            "WP_CPU C10, WP_ELTIME C10, WP_MANDT C3, WP_BNAME C12, WP_REPORT C40, WP_ACTION C20, WP_TABLE C30"
        ),
        "facts 4.5 (WP_NO to WP_DUMPS; fifteen of 34 fields, lengths from memory)",
        "V2",
    ),
)


def connection(session: Session, REQUTEXT: str = "", **_more: Any) -> dict[str, Any]:
    """STFC_CONNECTION."""
    system = session.system
    release = f"SAP R/3 Rel. {system.options.release}   Sysid: {system.sid}"
    day, time = system.stamp()
    return {
        "ECHOTEXT": REQUTEXT,
        "RESPTEXT": f"{release}      Date: {day}   Time: {time}   Logon_Data: {session.client}/{session.user}/E",
    }


def system_info(session: Session, **_more: Any) -> dict[str, Any]:
    """RFC_SYSTEM_INFO."""
    return {
        "RFCSI_EXPORT": information(session),
        "CURRENT_RESOURCES": session.system.options.dialog - 2,
        "MAXIMAL_RESOURCES": session.system.options.dialog,
        "RECOMMENDED_DELAY": 0,
    }


def information(session: Session) -> dict[str, str]:
    """The RFCSI of the server that a session is on."""
    system, instance = session.system, session.instance
    host = "" if instance is None else instance.virtual_host
    database = system.database()
    address = "" if instance is None else system.world.landscape.hosts[instance.host].address
    return {
        "RFCPROTO": "011",
        "RFCCHARTYP": "4103",
        "RFCINTTYP": "LIT",
        "RFCFLOTYP": "IE3",
        "RFCDEST": session.server,
        "RFCHOST": host[:8],
        "RFCSYSID": system.sid,
        "RFCDATABS": database[0],
        "RFCDBHOST": database[1],
        "RFCDBSYS": "HDB",
        "RFCSAPRL": system.options.release,
        "RFCMACH": "  390",
        "RFCOPSYS": "Linux",
        "RFCTZONE": "     0",
        "RFCIPADDR": address,
        "RFCKERNRL": system.options.kernel,
        "RFCHOST2": host,
        "RFCIPV6ADDR": address,
    }


def servers(session: Session, **_more: Any) -> dict[str, Any]:
    """TH_SERVER_LIST."""
    return {
        "LIST": [
            {
                "NAME": session.system.server(instance),
                "HOST": instance.virtual_host,
                "SERV": f"sapdp{instance.number}",
                "MSGTYPES": b"\x1f",
                "HOSTADR": bytes(
                    int(part) for part in session.system.world.landscape.hosts[instance.host].address.split(".")
                ),
                "SERVNO": (3200 + int(instance.number)).to_bytes(2, "big"),
                "STATE": b"\x01",
            }
            for instance in session.system.alive()
        ]
    }


def work_processes(session: Session, SRVNAME: str = "", **_more: Any) -> dict[str, Any]:
    """TH_WPINFO: dialog processes, one of which answers this call, then background processes with their jobs."""
    system = session.system
    wanted = text(SRVNAME) or session.server
    instance = next((one for one in system.alive() if system.server(one) == wanted), None)
    if instance is None:
        raise AbapException("SEND_ERROR", f"Server {wanted} is not available")
    rows = []
    for number in range(system.options.dialog):
        mine = number == 0 and wanted == session.server
        row = _process(number, "DIA", mine, session.client, session.user, "SAPLTHFB")
        if 0 < number <= len(system.options.busy):
            given = system.options.busy[number - 1]
            busy = "user" in given
            row = _process(number, "DIA", busy, system.client, given.get("user", ""), given.get("report", "SAPMV45A"))
            row["WP_STATUS"] = given.get("status", row["WP_STATUS"])
            row["WP_DUMPS"] = str(given.get("dumps", row["WP_DUMPS"]))
        rows.append(row)
    for job in system.jobs.processes(instance):
        step = job.steps[min(job.step, len(job.steps) - 1)] if job is not None else None
        row = _process(len(rows), "BGD", step is not None, step.client if step else "", step.user if step else "")
        if job is not None and step is not None:
            row["WP_REPORT"] = step.program
            row["WP_ELTIME"] = str(int(system.world.clock.now() - (job.started or system.world.clock.now())))
        rows.append(row)
    return {"WPLIST": rows}


def _process(number: int, kind: str, busy: bool, client: str, user: str, report: str = "") -> dict[str, Any]:
    return {
        "WP_NO": str(number),
        "WP_TYP": kind,
        "WP_PID": str(20000 + number),
        "WP_STATUS": "Running" if busy else "Waiting",
        "WP_RESTART": "Yes",
        "WP_DUMPS": "0",
        "WP_ELTIME": "",
        "WP_MANDT": client if busy else "",
        "WP_BNAME": user if busy else "",
        "WP_REPORT": report if busy else "",
    }


def parameter(session: Session, PARAMETER_NAME: str = "", **_more: Any) -> dict[str, Any]:
    """TH_GET_PARAMETER: of the profile parameters those that matter here."""
    system, instance = session.system, session.instance
    values = {
        "rdisp/wp_no_dia": str(system.options.dialog),
        "rdisp/wp_no_btc": str(system.options.background),
        "login/fails_to_user_lock": str(WRONG_LOGONS),
        "SAPSYSTEMNAME": system.sid,
        "SAPSYSTEM": "" if instance is None else instance.number,
    }
    name = text(PARAMETER_NAME)
    if name not in values:
        raise AbapException("NOT_FOUND", f"Parameter {name} is unknown")
    return {"PARAMETER_VALUE": values[name]}


def popup(session: Session, CLIENT: str = "", USER: str = "", MESSAGE: str = "", **_more: Any) -> dict[str, Any]:
    """TH_POPUP: a message on the screens of one user."""
    system, client, name = session.system, text(CLIENT) or session.client, text(USER).upper()
    if not session.allowed("S_ADMI_FCD"):
        raise AbapException("NO_AUTHORITY", "No authorization to send messages")
    if system.strike("log_off", user=name) is not None:
        system.log_ons = [one for one in system.sessions() if (one.client, one.user) != (client, name)]
    if system.log_ons is None:
        there = system.users.get(client, name) is not None
    else:
        there = any((one.client, one.user) == (client, name) for one in system.sessions())
    if not there:
        raise AbapException("USER_NOT_FOUND", f"User {name} is not logged on")
    system.effect("message_shown", user=name, client=client, detail=text(MESSAGE))
    system.popups.append((client, name, text(MESSAGE)))
    return {}


def commit(session: Session, **_more: Any) -> dict[str, Any]:
    """BAPI_TRANSACTION_COMMIT."""
    session.commit()
    return {"RETURN": returned()}


def rollback(session: Session, **_more: Any) -> dict[str, Any]:
    """BAPI_TRANSACTION_ROLLBACK."""
    session.rollback()
    return {"RETURN": returned()}


FUNCTIONS = (
    Function(
        "STFC_CONNECTION",
        parameters("I REQUTEXT C255, E ECHOTEXT C255, E RESPTEXT C255"),
        connection,
        "published capture",
        "V2",
        True,
    ),
    Function(
        "RFC_SYSTEM_INFO",
        parameters("E RFCSI_EXPORT :RFCSI, E CURRENT_RESOURCES I, E MAXIMAL_RESOURCES I, E RECOMMENDED_DELAY I"),
        system_info,
        "facts 4.5",
        "V2",
        True,
    ),
    Function(
        "TH_SERVER_LIST", parameters("T LIST :MSXXLIST"), servers, "facts 4.5 XBPLIVE, names from memory", "M", True
    ),
    Function(
        "TH_WPINFO",
        parameters("I? SRVNAME C40, I? WITH_CPU X1, I? MAX_ELEMS I, T WPLIST :WPINFO"),
        work_processes,
        "facts 4.5 XBPLIVE, MRA",
        "V2",
        True,
    ),
    Function(
        "TH_GET_PARAMETER",
        parameters("I PARAMETER_NAME C64, E PARAMETER_VALUE C128"),
        parameter,
        "facts 4.5 XBPLIVE; lengths and the exception invented",
        "S1",
        True,
    ),
    Function(
        "TH_POPUP",
        parameters("I CLIENT C3, I USER C12, I MESSAGE C128, I? MESSAGE_LEN I, I? CUT_BLANKS C1"),
        popup,
        "several ABAP programs with USER_NOT_FOUND, two RFC clients; the length of the message from memory",
        "V2",
        True,
    ),
    Function(
        "BAPI_TRANSACTION_COMMIT",
        parameters("I? WAIT C1, E RETURN :BAPIRET2"),
        commit,
        "facts 4.8; interface from memory",
        "M",
        True,
    ),
    Function(
        "BAPI_TRANSACTION_ROLLBACK",
        parameters("E RETURN :BAPIRET2"),
        rollback,
        "facts 4.8; interface from memory",
        "M",
        True,
    ),
)
