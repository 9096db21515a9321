# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules about users: lists, details, locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Function, Structure
from tests.simulator.abap.users import GLOBAL, LOCAL, PLAIN, WRONG, User
from tests.simulator.abap.variants import chosen
from tests.simulator.abap.words import fields, flag, parameters, returned, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

STRUCTURES = (
    Structure(
        "BAPIUSSRGE",
        fields("PARAMETER C32, FIELD C30, SIGN C1, OPTION C2, LOW C132, HIGH C132"),
        "facts 4.5 MRA; lengths from memory",
        "S1",
    ),
    Structure(
        "BAPIUSNAME",
        fields("USERNAME C12, FIRSTNAME C40, LASTNAME C40, FULLNAME C80"),
        "facts 4.5 for USERNAME, the rest from memory",
        "S1",
    ),
    Structure(
        "BAPILOGOND",
        fields("GLTGV D, GLTGB D, USTYP C1, CLASS C12, ACCNT C12, LTIME T, BCODE X8, CODVN C1, TZONE C6"),
        "facts 4.5 for the name, fields from memory",
        "M",
    ),
    Structure(
        "BAPISLOCKD",
        fields("WRNG_LOGON C1, LOCAL_LOCK C1, GLOB_LOCK C1, NO_USER_PW C1"),
        "facts 4.5 for LOCAL_LOCK",
        "M",
    ),
    Structure(
        "BAPIADDR3",
        fields("FIRSTNAME C40, LASTNAME C40, FULLNAME C80, E_MAIL C241"),
        "from memory, four of many fields",
        "M",
    ),
    Structure("BAPIPWD", fields("BAPIPWD C40"), "from memory", "M"),
    Structure("BAPIPROF", fields("BAPIPROF C12, BAPIPTEXT C60, BAPITYPE C1, BAPIAKTPS C1"), "from memory", "M"),
    Structure("BAPIAGR", fields("AGR_NAME C30, FROM_DAT D, TO_DAT D, AGR_TEXT C80, ORG_FLAG C1"), "from memory", "M"),
)


def _locks(user: User) -> dict[str, str]:
    return {
        "WRNG_LOGON": "L" if user.flag & WRONG else "U",
        "LOCAL_LOCK": "L" if user.flag & LOCAL else "U",
        "GLOB_LOCK": "L" if user.flag & GLOBAL else "U",
        "NO_USER_PW": "U",
    }


def _value(user: User, parameter: str, field: str) -> str | None:
    if parameter == "ISLOCKED":
        return _locks(user).get(field)
    if parameter == "LOGONDATA":
        return {"USTYP": user.kind, "CLASS": user.group, "GLTGB": user.valid_to}.get(field)
    if parameter == "USERNAME":
        return user.name
    return None


def users(
    session: Session,
    MAX_ROWS: int = 0,
    WITH_USERNAME: str = "",
    SELECTION_RANGE: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> dict[str, Any]:
    """BAPI_USER_GETLIST."""
    if not session.allowed("S_USER_GRP"):
        why = "You are not authorized to display users"
        return {"ROWS": 0, "RETURN": [returned("E", "01", "500", why)], "USERLIST": []}
    found = session.system.users.of(session.client)
    ranges = [{key: text(value) for key, value in row.items()} for row in SELECTION_RANGE]
    # Rows about one field are alternatives; rows about several fields must all hold.
    for place in {(row.get("PARAMETER", ""), row.get("FIELD", "")) for row in ranges}:
        rows = [row for row in ranges if (row.get("PARAMETER", ""), row.get("FIELD", "")) == place]
        kept = []
        for user in found:
            value = _value(user, *place)
            if value is None:
                why = f"Selection by {place[0]}-{place[1]} is not possible"
                return {"ROWS": 0, "RETURN": [returned("E", "01", "501", why)], "USERLIST": []}
            if chosen(rows, value):
                kept.append(user)
        found = kept
    most = int(MAX_ROWS or 0)
    found = found[:most] if most else found
    names = flag(WITH_USERNAME)
    rows_out = [{"USERNAME": one.name, **({"FULLNAME": one.full_name} if names else {})} for one in found]
    return {"ROWS": len(rows_out), "RETURN": [], "USERLIST": rows_out}


def detail(session: Session, USERNAME: str = "", **_more: Any) -> dict[str, Any]:
    """BAPI_USER_GET_DETAIL."""
    user, refusal = _user(session, USERNAME)
    if user is None:
        return {"RETURN": [refusal]}
    return {
        "LOGONDATA": {"GLTGB": user.valid_to, "USTYP": user.kind, "CLASS": user.group},
        "ISLOCKED": _locks(user),
        "ADDRESS": {"LASTNAME": user.full_name, "FULLNAME": user.full_name},
        "PROFILES": [{"BAPIPROF": name} for name in user.profiles],
        "ACTIVITYGROUPS": [{"AGR_NAME": name} for name in user.roles],
        "RETURN": [],
    }


def _user(session: Session, name: Any, *, change: bool = False) -> tuple[User | None, dict[str, Any]]:
    """The user, or what is returned instead."""
    wanted = text(name).upper()
    if not session.allowed("S_USER_GRP"):
        doing = "change" if change else "display"
        return None, returned("E", "01", "512", f"You are not authorized to {doing} user {wanted}", wanted)
    user = session.system.users.get(session.client, wanted)
    if user is None:
        return None, returned("E", "01", "124", f"User {wanted} does not exist", wanted)
    return user, {}


def lock(session: Session, USERNAME: str = "", **_more: Any) -> dict[str, Any]:
    """BAPI_USER_LOCK."""
    return _set_lock(session, USERNAME, lambda flag: flag | LOCAL, "user_locked", "245", "User {} locked")


def unlock(session: Session, USERNAME: str = "", **_more: Any) -> dict[str, Any]:
    """BAPI_USER_UNLOCK, which takes away the lock after wrong passwords, too."""
    return _set_lock(session, USERNAME, lambda flag: flag & GLOBAL, "user_unlocked", "246", "User {} unlocked")


def _set_lock(
    session: Session, name: Any, change: Callable[[int], int], effect: str, number: str, words: str
) -> dict[str, Any]:
    user, refusal = _user(session, name, change=True)
    if user is None:
        return {"RETURN": [refusal]}

    def happen() -> None:
        user.flag, user.wrong = change(user.flag), 0
        session.system.effect(effect, user=user.name, client=user.client, detail=f"by {session.user}")

    session.write(happen)
    return {"RETURN": [returned("S", "01", number, words.format(user.name), user.name)]}


def create(
    session: Session,
    USERNAME: str = "",
    LOGONDATA: dict[str, Any] | None = None,
    PASSWORD: dict[str, Any] | None = None,
    ADDRESS: dict[str, Any] | None = None,
    **_more: Any,
) -> dict[str, Any]:
    """BAPI_USER_CREATE1."""
    name, system = text(USERNAME).upper(), session.system
    if not session.allowed("S_USER_GRP"):
        return {"RETURN": [returned("E", "01", "512", f"You are not authorized to create user {name}", name)]}
    if not name:
        return {"RETURN": [returned("E", "01", "490", "Enter a user name")]}
    if system.users.get(session.client, name) is not None:
        return {"RETURN": [returned("E", "01", "224", f"User {name} already exists", name)]}
    logon, password = LOGONDATA or {}, str((PASSWORD or {}).get("BAPIPWD") or "")
    new = User(session.client, name, password, text(logon.get("USTYP")) or "A", text(logon.get("CLASS")))
    new.authorizations = PLAIN
    new.full_name = text((ADDRESS or {}).get("LASTNAME"))
    session.write(partial(_created, session, new))
    return {"RETURN": [returned("S", "01", "102", f"User {name} created", name)]}


def _created(session: Session, user: User) -> None:
    session.system.users.add(user)
    session.system.effect("user_created", user=user.name, client=user.client)


def delete(session: Session, USERNAME: str = "", **_more: Any) -> dict[str, Any]:
    """BAPI_USER_DELETE."""
    user, refusal = _user(session, USERNAME, change=True)
    if user is None:
        return {"RETURN": [refusal]}

    def happen() -> None:
        session.system.users.remove(user.client, user.name)
        session.system.effect("user_deleted", user=user.name, client=user.client)

    session.write(happen)
    return {"RETURN": [returned("S", "01", "232", f"User {user.name} deleted", user.name)]}


FUNCTIONS = (
    Function(
        "BAPI_USER_GETLIST",
        parameters(
            "I? MAX_ROWS I, I? WITH_USERNAME C1, E ROWS I, T? SELECTION_RANGE :BAPIUSSRGE, T? USERLIST :BAPIUSNAME,"
            "T? RETURN :BAPIRET2"
        ),
        users,
        "facts 4.5 MRA",
        "S1",
        True,
    ),
    Function(
        "BAPI_USER_GET_DETAIL",
        parameters(
            "I USERNAME C12, E LOGONDATA :BAPILOGOND, E ISLOCKED :BAPISLOCKD, E ADDRESS :BAPIADDR3,"
            "T? PROFILES :BAPIPROF, T? ACTIVITYGROUPS :BAPIAGR, T RETURN :BAPIRET2"
        ),
        detail,
        "facts 4.5 LIBS, MRA",
        "V2",
        True,
    ),
    Function(
        "BAPI_USER_LOCK", parameters("I USERNAME C12, T RETURN :BAPIRET2"), lock, "facts 4.5 LIBS, MRA", "V2", True
    ),
    Function(
        "BAPI_USER_UNLOCK", parameters("I USERNAME C12, T RETURN :BAPIRET2"), unlock, "facts 4.5 LIBS, MRA", "V2", True
    ),
    Function(
        "BAPI_USER_CREATE1",
        parameters(
            "I USERNAME C12, I? LOGONDATA :BAPILOGOND, I? PASSWORD :BAPIPWD, I? ADDRESS :BAPIADDR3,T? RETURN :BAPIRET2"
        ),
        create,
        "facts 4.5 LIBS, SAPCLI for the name; parameters from memory",
        "M",
        True,
    ),
    Function(
        "BAPI_USER_DELETE",
        parameters("I USERNAME C12, T? RETURN :BAPIRET2"),
        delete,
        "facts 4.5 LIBS, SAPCLI for the name",
        "V2",
        True,
    ),
)
