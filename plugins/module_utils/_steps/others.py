# SPDX-License-Identifier: GPL-3.0-or-later
"""How the other instances of a system are asked: each at the place that the instance list names."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.basis.landscape.plugins.module_utils._errors import LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Address,
    Client,
    address_of,
    connect,
    model,
)


class Others:
    """The sapstartsrv of each instance in a system's list, once it has said that it is the one.

    :param params: the options of a module of the action group ``sapcontrol``.
    :param asked: the client of the instance that gives the list.
    :param who: who that instance is.
    """

    def __init__(self, params: Mapping[str, Any], asked: Client, who: model.Identity) -> None:
        self._params = params
        self._asked = asked
        self._who = who
        self._found: Dict[Tuple[str, str], Optional[Client]] = {}
        self._why: Dict[Tuple[str, str], str] = {}

    def here(self, row: model.Instance) -> bool:
        """Whether an instance is on the host of the one that gives the list."""
        return row.host.lower() == self._who.host.lower()

    def client(self, row: model.Instance, again: bool = False) -> Optional[Client]:
        """The way to an instance; None when it did not answer as the one that is meant.

        It is tried once, since a firewall may make every try last, and once more when ``again``.
        """
        if row.key not in self._found or (again and self._found[row.key] is None):
            self._found[row.key] = self._introduced(row)
        return self._found[row.key]

    def why_not(self, row: model.Instance) -> str:
        """Why there is no way to an instance."""
        return self._why.get(row.key, "it was not asked")

    def _introduced(self, row: model.Instance) -> Optional[Client]:
        if self.here(row) and row.number == self._who.number:
            return self._asked
        address = self.address(row)
        if address is None:
            self._why[row.key] = "the instance list names no port for it"
            return None
        try:
            client = connect(address, row.label)
            who = client.identity()
        except LandscapeError as error:
            self._why[row.key] = error.why
            return None
        if (who.sid, who.number) != (self._who.sid, row.number):
            self._why[row.key] = f"the sapstartsrv that answered belongs to {who.sid}/{who.number}/{who.name}"
            client.close()
            return None
        return client

    def address(self, row: model.Instance) -> Optional[Address]:
        """Where an instance is asked: over the way that the user wrote where it leads there, else at the list's place.

        User and password go to a place from the list over verified https only: what a peer names is trusted less than
        what the user wrote. Most questions need none.
        """
        own = address_of(self._params, row.number)
        if self.here(row) and (own.url is None or "{nr}" in own.url):
            return own
        written = urlsplit(own.url) if own.url else None
        secure = written.scheme == "https" if written else own.user is not None
        port = row.https_port if secure else row.http_port
        if not port:
            return None
        host, name = row.host, (written.hostname or "") if written else ""
        if self.here(row):
            host = name
        elif "." not in host and not name.replace(".", "").isdigit():
            host += "".join(name.partition(".")[1:])  # the list has short names, certificates have whole ones
        if ":" in host:
            host = f"[{host}]"
        trusted = secure and own.verify
        return own._replace(
            url=f"{'https' if secure else 'http'}://{host}:{port}",
            user=own.user if trusted else None,
            password=own.password if trusted else None,
        )


__all__ = ("Others",)
