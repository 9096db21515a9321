# SPDX-License-Identifier: GPL-3.0-or-later
"""The sapcontrol room: one instance's sapstartsrv, as its clients see it."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.client import Client, ServiceFault, connect
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import Address, ServiceDown
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.options import address_of, sapcontrol_spec

__all__ = ("Address", "Client", "ServiceDown", "ServiceFault", "address_of", "connect", "sapcontrol_spec")
