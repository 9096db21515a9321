# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of SAPControl; twin of the doc fragment ``basis.landscape.sapcontrol``."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec, instance_number
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import SOCKET, Address


def sapcontrol_spec() -> ArgumentSpec:
    """How sapstartsrv is reached, the same for every module of the action group ``sapcontrol``."""
    return ArgumentSpec(
        {
            "sapcontrol_url": {"type": "str"},
            "sapcontrol_socket": {"type": "str", "default": SOCKET},
            "sapcontrol_user": {"type": "str"},
            "sapcontrol_password": {"type": "str", "no_log": True},
            "sapcontrol_ca_file": {"type": "path"},
            "sapcontrol_verify": {"type": "bool", "default": True},
            "sapcontrol_timeout": {"type": "float", "default": 30.0},
        },
        required_together=[("sapcontrol_user", "sapcontrol_password")],
    )


def address_of(params: Mapping[str, Any], number: Any) -> Address:
    """The address of one instance by a module's options.

    :raises BadInput: when the number is none.
    """
    return Address(
        number=instance_number(number),
        url=params["sapcontrol_url"] or None,
        socket_path=params["sapcontrol_socket"],
        user=params["sapcontrol_user"],
        password=params["sapcontrol_password"],
        ca_file=params["sapcontrol_ca_file"],
        verify=params["sapcontrol_verify"],
        timeout=params["sapcontrol_timeout"],
    )


__all__ = ("address_of", "sapcontrol_spec")
