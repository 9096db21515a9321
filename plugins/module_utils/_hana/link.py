# SPDX-License-Identifier: GPL-3.0-or-later
"""How statements reach HANA through SAP's driver hdbcli.

A question may fail in any way. A change is sent once: when the connection is lost after it was sent, it is *unknown*.
The driver's own reconnect stays off, since it would hide that. Errors are classified by HANA's number; texts are only
shown. What the numbers mean comes from public SAP clients and agents (10, 332, 414 to 416, 447, 448) and, for the rest,
from the driver's behaviour: its own numbers are negative. Those about parameters and commands it could not send are no
doubt about a change, every other one is.
"""

from __future__ import annotations

import traceback
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)

try:
    from hdbcli import dbapi
except ImportError:
    dbapi = None
    MISSING: Optional[str] = traceback.format_exc()
else:
    MISSING = None

Row = Dict[str, Any]

CREDENTIALS = (10, 332)
ACCOUNT = {414: "password_change_forced", 415: "user_deactivated", 416: "user_locked", 431: "password_expired"}
NOT_REACHED = (-10709, -10719)
LOST = (-10807, -10821, -10820, -10108, 4321)
NOT_SENT = range(-10699, -10199)
NO_KEY = -10104
LONGEST_WAIT = 2**31 - 1  # milliseconds
BATCH = 1000


class Address(NamedTuple):
    """Where a database is, with the proof of who asks.

    :ivar key: a key of the user's secure store (hdbuserstore) that holds address and password; else host and port.
    :ivar certificate_host: the name that the certificate must carry when it is not ``host``.
    :ivar connect_timeout: seconds for one try to connect.
    :ivar timeout: seconds for the answer to a question.
    """

    host: Optional[str]
    port: Optional[int]
    database: str
    key: Optional[str] = None
    user: Optional[str] = None
    password: Optional[str] = None
    encrypt: bool = True
    ca_file: Optional[str] = None
    verify: bool = True
    certificate_host: Optional[str] = None
    connect_timeout: float = 15.0
    timeout: float = 60.0

    @property
    def label(self) -> str:
        """The address for a person, without user or password."""
        if self.key:
            return f"{self.database} by the key {self.key}"
        return f"{self.database} at {self.host}:{self.port}"


class SqlFailed(Failed):
    """HANA says no; ``code`` is its number, ``text`` its words."""

    reason = "sql"

    def __init__(self, doing: str, code: int, text: str, **facts: Any) -> None:
        self.code = code
        self.text = text
        super().__init__(doing, f"HANA says {code}: {text}", code=code, **facts)


class Link:
    """One connection, made with the first statement, made anew after it was lost."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: Any = None

    def ask(self, doing: str, sql: str, parameters: Sequence[Any] = ()) -> List[Row]:
        """All rows of a question.

        :raises LandscapeError: see the module.
        """
        return list(self.stream(doing, sql, parameters))

    def stream(self, doing: str, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a question as they come, in constant memory; upper-case column names."""
        cursor = self._cursor(doing, self.address.timeout)
        try:
            cursor.execute(sql, tuple(parameters)) if parameters else cursor.execute(sql)
            names = _columns(doing, cursor)
            while names:
                rows = cursor.fetchmany(BATCH)
                for row in rows:
                    yield dict(zip(names, tuple(row)))
                if len(rows) < BATCH:
                    return
        except dbapi.Error as error:
            raise self._no(error, doing, change=False) from error
        finally:
            self._quietly(cursor.close)

    def tell(self, doing: str, sql: str, timeout: Optional[float] = None, hide: str = "") -> None:
        """Send one change, once, over a connection of its own.

        :param timeout: seconds until the answer counts as lost; the address's own when None.
        :param hide: a secret as it stands in the statement, of which HANA's words may repeat a part.
        :raises Unknown: it was sent, no answer came.
        """
        self.close()
        cursor = self._cursor(doing, timeout or self.address.timeout)
        try:
            cursor.execute(sql)
        except dbapi.Error as error:
            raise self._no(error, doing, change=True, hide=hide) from error
        finally:
            self._quietly(cursor.close)
            self.close()  # a question that comes later has another time limit

    def run(self, doing: str, statements: Sequence[Tuple[str, Sequence[Any]]], writes: bool) -> List[Dict[str, Any]]:
        """Several statements in one transaction: all or none.

        :returns: for each ``{"rows": [...], "rowcount": int}``.
        :raises Unknown: the connection was lost while they, or their commit, were on the way.
        """
        self.close()
        connection = self._connected(doing, self.address.timeout)
        results: List[Dict[str, Any]] = []
        try:
            connection.setautocommit(False)
            for sql, parameters in statements:
                cursor = connection.cursor()
                cursor.execute(sql, tuple(parameters)) if parameters else cursor.execute(sql)
                names = _columns(f"{doing}, statement {len(results) + 1}", cursor)
                rows = [dict(zip(names, tuple(row))) for row in cursor.fetchall()] if names else []
                results.append({"rows": rows, "rowcount": len(rows) if names else int(cursor.rowcount)})
                cursor.close()
            if writes:
                connection.commit()
            else:
                connection.rollback()
        except dbapi.Error as error:
            raise self._no(error, f"{doing}, statement {len(results) + 1}", change=writes) from error
        finally:
            self.close()  # what was not committed is taken back
        return results

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._quietly(self._connection.close)
            self._connection = None

    def _connected(self, doing: str, timeout: float) -> Any:
        if dbapi is None:
            raise Failed(
                doing,
                "SAP's database driver hdbcli is not installed for this Python",
                reason="no_driver",
                cure="Install it where the module runs: pip install hdbcli (licence: SAP Developer License Agreement)",
                traceback=MISSING,
            )
        if self._connection is not None:
            return self._connection
        try:
            self._connection = dbapi.connect(**self._properties(timeout))
        except dbapi.Error as error:
            raise self._no(error, doing, change=False) from error
        return self._connection

    def _cursor(self, doing: str, timeout: float) -> Any:
        connection = self._connected(doing, timeout)
        try:
            return connection.cursor()
        except dbapi.Error as error:  # the connection is no longer there; the next statement makes another
            self.close()
            raise Unreachable(
                doing, f"the connection to {self.address.label} is closed ({error})", reason="lost"
            ) from error

    def _properties(self, timeout: float) -> Dict[str, Any]:
        here = self.address
        found: Dict[str, Any] = {
            "autocommit": True,
            "reconnect": False,
            "connectTimeout": _milliseconds(here.connect_timeout),
            "communicationTimeout": _milliseconds(timeout),
            "databaseName": here.database,
        }
        if here.key:
            found["key"] = here.key
        else:
            found.update(address=here.host, port=here.port, user=here.user, password=here.password)
        if here.encrypt:
            found.update(encrypt=True, sslValidateCertificate=here.verify)
            if here.ca_file:
                found["sslTrustStore"] = here.ca_file
            if here.certificate_host:
                found["sslHostNameInCertificate"] = here.certificate_host
        return found

    def _no(self, error: Any, doing: str, change: bool, hide: str = "") -> LandscapeError:
        code = int(getattr(error, "errorcode", 0) or 0)
        text = str(getattr(error, "errortext", "") or error).strip()
        text = text.replace(hide, "********") if hide else text
        where = self.address.label
        lost = code in LOST or (change and code < 0 and code not in NOT_SENT)
        if code in NOT_REACHED and not change:
            return Unreachable(doing, f"{where} does not answer ({text})", reason="not_reached", code=code)
        if code == NO_KEY:
            return Failed(
                doing,
                f"the secure store of this operating system user has no key {self.address.key}",
                reason="no_key",
                cure="hdbuserstore SET, as the user who runs the module",
            )
        if lost:
            self.close()
            if change:
                return Unknown(doing, f"the connection to {where} was lost after it was sent ({text})", code=code)
            if "timeout" in text.lower() or "timed out" in text.lower():
                return TimedOut(doing, f"no answer from {where} in {self.address.timeout:g} s", code=code)
            return Unreachable(doing, f"the connection to {where} was lost ({text})", reason="lost", code=code)
        if code in CREDENTIALS:
            return Denied(
                doing,
                f"user or password is refused by {where}",
                reason="credentials",
                code=code,
                cure="Correct it before the next try: each wrong one counts towards the lock of the user",
            )
        if code in ACCOUNT:
            return Denied(doing, f"{where} does not let this user in ({text})", reason=ACCOUNT[code], code=code)
        if code == 258:
            return Denied(
                doing,
                f"the user lacks a privilege ({text})",
                reason="privilege",
                code=code,
                cure="docs/hana.md lists what each module needs",
            )
        return SqlFailed(doing, code, text)

    @staticmethod
    def _quietly(close: Any) -> None:
        try:
            close()
        except Exception:  # it is given up either way, and must not hide the error before it
            pass


def _milliseconds(seconds: float) -> int:
    """As the driver takes a time limit: 0 would be none."""
    return max(1, int(min(seconds * 1000, LONGEST_WAIT)))


def _columns(doing: str, cursor: Any) -> List[str]:
    """The upper-case names of a result's columns.

    :raises BadInput: two have one name, so that a row would lose one of them.
    """
    names = [column[0].upper() for column in cursor.description or ()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(doing, "more than one column is called {}; give each its own name (AS)".format(", ".join(twice)))
    return names


__all__ = ("Address", "Link", "Row", "SqlFailed")
