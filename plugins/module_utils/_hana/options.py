# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of HANA; twin of the doc fragment ``basis.landscape.hana``."""

from __future__ import annotations

from typing import Any, List, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec, instance_number
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._hana.link import Address


def hana_spec() -> ArgumentSpec:
    """How a database is reached, the same for every module of the action group ``hana``."""
    return ArgumentSpec(
        {
            "hana_host": {"type": "str"},
            "hana_port": {"type": "int"},
            "hana_instance": {"type": "str"},
            "hana_database": {"type": "str", "default": "SYSTEMDB"},
            "hana_key": {"type": "str", "no_log": False},
            "hana_user": {"type": "str"},
            "hana_password": {"type": "str", "no_log": True},
            "hana_encrypt": {"type": "bool", "default": True},
            "hana_ca_file": {"type": "path"},
            "hana_verify": {"type": "bool", "default": True},
            "hana_certificate_host": {"type": "str"},
            "hana_connect_timeout": {"type": "float", "default": 15.0},
            "hana_timeout": {"type": "float", "default": 60.0},
        },
        mutually_exclusive=[("hana_key", "hana_host"), ("hana_key", "hana_user"), ("hana_port", "hana_instance")],
        required_one_of=[("hana_key", "hana_host")],
        required_together=[("hana_user", "hana_password")],
        required_by={"hana_port": ["hana_host"], "hana_instance": ["hana_host"]},
    )


def address_of(params: Mapping[str, Any]) -> Address:
    """The address by a module's options.

    The port of the system database of instance NN is 3NN13; with a database name HANA leads to the tenant from there
    (SAP HANA administration, confirmed by one source).

    :raises BadInput: options that leave open what is meant.
    """
    port = params["hana_port"]
    for name in ("hana_host", "hana_key", "hana_user", "hana_database"):
        if params[name] is not None and not params[name].strip():
            raise BadInput("connect to HANA", f"{name} is empty; leave it out or fill it")
    if params["hana_host"]:
        if port is None and params["hana_instance"] is None:
            raise BadInput("connect to HANA", "hana_host needs hana_port or hana_instance beside it")
        if not params["hana_user"]:
            raise BadInput("connect to HANA", "hana_host needs hana_user and hana_password, or use hana_key instead")
        if port is None:
            port = int("3{}13".format(instance_number(params["hana_instance"], "hana_instance")))
    for name in ("hana_timeout", "hana_connect_timeout"):
        if not params[name] > 0:
            raise BadInput("connect to HANA", f"{name} must be greater than 0 seconds, not {params[name]}")
    return Address(
        host=params["hana_host"],
        port=port,
        database=params["hana_database"].upper(),
        key=params["hana_key"],
        user=params["hana_user"],
        password=params["hana_password"],
        encrypt=params["hana_encrypt"],
        ca_file=params["hana_ca_file"],
        verify=params["hana_verify"],
        certificate_host=params["hana_certificate_host"],
        connect_timeout=params["hana_connect_timeout"],
        timeout=params["hana_timeout"],
    )


def advice(params: Mapping[str, Any]) -> List[str]:
    """What a person should know about how the connection is made."""
    said = []
    if (params["hana_user"] or "").strip('"').upper() == "SYSTEM":
        said.append(
            "hana_user is SYSTEM, which may do everything. Use a technical user with the few privileges that "
            "docs/hana.md lists."
        )
    if not params["hana_encrypt"]:
        said.append("hana_encrypt is false: what the database sends and is sent can be read on the network.")
    elif not params["hana_verify"]:
        said.append("hana_verify is false: whoever answers at this address is believed to be the database.")
    return said


__all__ = ("address_of", "advice", "hana_spec")
