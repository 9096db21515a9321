# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of ABAP systems; twin of the doc fragment ``basis.landscape.rfc``."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec, instance_number
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address

SNC = ("lib", "partner", "my_name", "qop")
_SNC_NAMES = {"lib": "snc_lib", "partner": "snc_partnername", "my_name": "snc_myname", "qop": "snc_qop"}


def rfc_spec() -> ArgumentSpec:
    """How an ABAP system is reached, the same for every module of the action group ``rfc``."""
    return ArgumentSpec(
        {
            "rfc_provider": {
                "type": "str",
                "choices": ["auto", "pyrfc", "saprfclib", "soap"],
                "default": "auto",
            },
            "rfc_host": {"type": "str"},
            "rfc_instance": {"type": "str"},
            "rfc_message_server": {"type": "str"},
            "rfc_message_service": {"type": "str"},
            "rfc_system_id": {"type": "str"},
            "rfc_group": {"type": "str"},
            "rfc_router": {"type": "str", "no_log": True},  # it may hold the passwords of routers
            "rfc_snc_partner": {"type": "str"},
            "rfc_snc_my_name": {"type": "str"},
            "rfc_snc_lib": {"type": "path"},
            "rfc_snc_qop": {"type": "str", "choices": ["1", "2", "3", "8", "9"]},
            "rfc_client": {"type": "str", "required": True},
            "rfc_user": {"type": "str"},
            "rfc_password": {"type": "str", "no_log": True},
            "rfc_language": {"type": "str", "default": "EN"},
            "rfc_timeout": {"type": "float", "default": 60.0},
            "rfc_url": {"type": "str"},
            "rfc_ca_file": {"type": "path"},
            "rfc_verify": {"type": "bool", "default": True},
            "rfc_soap_action": {"type": "str", "default": ""},
        },
        mutually_exclusive=[("rfc_host", "rfc_message_server"), ("rfc_host", "rfc_url")],
        required_one_of=[("rfc_host", "rfc_message_server", "rfc_url")],
        required_together=[("rfc_user", "rfc_password")],
        required_if=[("rfc_provider", "soap", ["rfc_url", "rfc_user"])],
        required_by={
            "rfc_host": ["rfc_instance"],
            "rfc_message_server": ["rfc_system_id", "rfc_group"],
            "rfc_message_service": ["rfc_message_server"],
            "rfc_snc_my_name": ["rfc_snc_partner"],
            "rfc_snc_qop": ["rfc_snc_partner"],
            "rfc_snc_lib": ["rfc_snc_partner"],
        },
    )


def address_of(params: Mapping[str, Any]) -> Address:
    """The address by a module's options.

    :raises BadInput: options that leave open what is meant.
    """
    doing = "connect to the ABAP system"
    texts = ("rfc_host", "rfc_message_server", "rfc_router", "rfc_url", "rfc_user", "rfc_password", "rfc_language")
    for name in texts:
        if params[name] is not None and not params[name].strip():
            raise BadInput(doing, f"{name} is empty; leave it out or fill it")
    client = str(params["rfc_client"]).strip()
    if not (client.isascii() and client.isdigit() and len(client) == 3):
        raise BadInput(doing, f"rfc_client is three digits, not {client!r}")
    if params["rfc_url"] and params["rfc_provider"] != "soap":
        raise BadInput(
            doing,
            "rfc_url is for the SOAP service alone",
            cure="Say rfc_provider: soap when that is what you want; nothing else is tried in its place",
        )
    if params["rfc_url"] and not params["rfc_url"].startswith("https://"):
        raise BadInput(doing, "rfc_url must begin with https://; the password would travel readable otherwise")
    if params["rfc_url"] and "@" in params["rfc_url"]:
        raise BadInput(doing, "rfc_url must not carry a user or a password", cure="Use rfc_user and rfc_password")
    if not all("!" <= character <= "~" and character != '"' for character in params["rfc_soap_action"]):
        raise BadInput(doing, "rfc_soap_action is a URI without quotes or blanks; leave it empty for two quotes")
    if not params["rfc_user"] and not params["rfc_snc_partner"]:
        raise BadInput(doing, "neither rfc_user with rfc_password nor rfc_snc_partner says who logs on")
    if not (params["rfc_timeout"] > 0 and math.isfinite(params["rfc_timeout"])):
        raise BadInput(doing, f"rfc_timeout must be greater than 0 seconds and finite, not {params['rfc_timeout']}")
    snc = {_SNC_NAMES[name]: params[f"rfc_snc_{name}"] for name in SNC if params[f"rfc_snc_{name}"]}
    if snc:
        snc["snc_mode"] = "1"
    return Address(
        provider=params["rfc_provider"],
        client=client,
        host=params["rfc_host"],
        instance=instance_number(params["rfc_instance"], "rfc_instance") if params["rfc_instance"] else "00",
        message_server=params["rfc_message_server"],
        service=params["rfc_message_service"],
        system_id=params["rfc_system_id"],
        group=params["rfc_group"],
        router=params["rfc_router"],
        snc=snc,
        user=params["rfc_user"],
        password=params["rfc_password"],
        language=params["rfc_language"],
        timeout=params["rfc_timeout"],
        url=params["rfc_url"],
        ca_file=params["rfc_ca_file"],
        verify=params["rfc_verify"],
        soap_action=params["rfc_soap_action"],
    )


def servers_spec() -> ArgumentSpec:
    """The option ``servers``: further application servers of the same system."""
    place = {"host": {"type": "str", "required": True}, "instance": {"type": "str", "required": True}}
    return ArgumentSpec({"servers": {"type": "list", "elements": "dict", "default": [], "options": place}})


def elsewhere(doing: str, params: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The options by which each of ``servers`` is reached.

    :raises BadInput: SOAP reaches one address only.
    """
    if params["servers"] and params["rfc_url"]:
        raise BadInput(doing, "servers is for RFC, and rfc_url says SOAP")
    balanced = ("rfc_message_server", "rfc_message_service", "rfc_system_id", "rfc_group")
    return [
        dict(params, **dict.fromkeys(balanced), rfc_host=server["host"], rfc_instance=server["instance"])
        for server in params["servers"]
    ]


def advice(params: Mapping[str, Any]) -> List[str]:
    """What a person should know about how the connection is made."""
    said = []
    if (params["rfc_user"] or "").strip().upper() in ("DDIC", "SAP*"):
        said.append(
            "rfc_user is {}, which may do nearly everything. Use a technical user with the few authorizations that "
            "docs/abap.md lists.".format(params["rfc_user"].strip().upper())
        )
    if params["rfc_url"] and not params["rfc_verify"]:
        said.append("rfc_verify is false: whoever answers at this address is believed to be the system.")
    return said


__all__ = ("address_of", "advice", "elsewhere", "rfc_spec", "servers_spec")
