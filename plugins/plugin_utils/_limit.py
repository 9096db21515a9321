# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``--limit`` means for the hosts of a run.

Ansible filters every play by the limit. The controller is the last host of a run's play, where it tidies up for hosts
that failed, so it has to be in whatever the limit says. A host of a continued run that is not in would be waited for
for ever, so whoever begins has to know it.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible import context

CONTROLLER = "localhost"


def let_controller_in(inventory: t.Any, hosts: Iterable[str]) -> list[str]:
    """Let the controller be in the limit of the plays to come; return those of ``hosts`` that are not.

    ``inventory`` is the main process's InventoryManager: a worker has a copy that is thrown away. The limit is set
    anew by names: a pattern such as ``web:&production`` takes nobody in that is added to it.
    """
    if not context.CLIARGS.get("subset"):
        return []
    inside = [host.name for host in inventory.get_hosts(ignore_restrictions=True)]
    inventory.subset(",".join([*inside, CONTROLLER]))
    return sorted(set(hosts) - set(inside))
