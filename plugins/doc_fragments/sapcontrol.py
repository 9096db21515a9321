# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How sapstartsrv is reached: documentation of the options in ``_sapcontrol/options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of the action group ``sapcontrol``."""

    DOCUMENTATION = r"""
options:
  sapcontrol_url:
    description:
      - Address of sapstartsrv, V(https://host:5{nr}14) or V(http://host:5{nr}13). V({nr}) is replaced by the instance
        number. Without a port the usual one of the scheme is taken.
      - When absent the Unix socket in O(sapcontrol_socket) is used, on the managed host. This is the gentlest way and
        needs no password when the task runs as C(<sid>adm).
      - What is written is what is used. There is no other way tried when it fails.
    type: str
  sapcontrol_socket:
    description: The Unix socket of sapstartsrv. V({nr}) is replaced by the instance number.
    type: str
    default: /tmp/.sapstream5{nr}13
  sapcontrol_user:
    description: Operating system user of the SAP host who may call protected functions.
    type: str
  sapcontrol_password:
    description:
      - Password of O(sapcontrol_user).
      - It is never sent over plain C(http), other than to the loopback address.
    type: str
  sapcontrol_ca_file:
    description: File with the certificates (PEM) of the authorities that are trusted, instead of those of the system.
    type: path
  sapcontrol_verify:
    description: Whether the certificate and the host name in it are checked.
    type: bool
    default: true
  sapcontrol_timeout:
    description:
      - Seconds for one call, from the connection to the last byte of the answer.
      - It has nothing to do with how long a start or a stop may take.
    type: float
    default: 30.0
"""
