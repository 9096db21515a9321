# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances a host has, by what SAP leaves on it."""

from __future__ import annotations

import glob
import os
import re
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed

SERVICES = "/usr/sap/sapservices"
_PROFILE = re.compile(r"pf=\S*/([A-Z][A-Z0-9]{2})_([A-Z]+)([0-9]{2})_([A-Za-z0-9._-]+)")


class Known(NamedTuple):
    """An instance that the host's start file names: SID, number, name, (virtual) host."""

    sid: str
    number: str
    name: str
    host: str


def sockets(template: str) -> List[str]:
    """The numbers of the instances whose sapstartsrv has a socket, by the socket's path with ``{nr}`` in it."""
    before, mark, after = os.path.expanduser(template).partition("{nr}")
    if not mark:
        return []
    numbers = []
    for path in glob.glob(glob.escape(before) + "[0-9][0-9]" + glob.escape(after)):
        numbers.append(path[len(before) : len(before) + 2])
    return sorted(numbers)


def services(text: str) -> Dict[str, Known]:
    """The instances that the start file of the host names, by number.

    Every line starts one sapstartsrv with a profile ``.../SID_NAME_host``; the number is the end of the name. The
    lines for systemd carry the profile in a comment at their end; a line that is all comment does not count.
    """
    found: Dict[str, Known] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        match = _PROFILE.search(line)
        if match:
            sid, kind, number, host = match.groups()
            found[number] = Known(sid, number, kind + number, host)
    return found


def read_services(path: str) -> Optional[Dict[str, Known]]:
    """The instances of the start file at ``path``; None when there is no such file, as on a host without SAP.

    :raises Failed: the file is there and cannot be read.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return services(stream.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed("find the instances of the host", f"{path} cannot be read: {error.strerror}") from error


__all__ = ("SERVICES", "Known", "read_services", "services", "sockets")
