# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an instance may be touched although a cluster may own it."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.client import Client

POLICIES = ("refuse", "ignore")


def refuse_behind_the_cluster(client: Client, policy: str, clustered: bool = False) -> None:
    """Refuse an instance that a cluster owns and that is not in the cluster's maintenance mode.

    An answer that cannot be had or read counts as owned: a cluster that is touched behind its back starts what was
    stopped, or moves it. A sapstartsrv without a cluster connector sees no cluster where there is one, so its no
    does not count against somebody who knows of one.

    :param policy: ``refuse``, or ``ignore`` to ask nothing.
    :param clustered: whether it is known from elsewhere, such as the CMDB, that a cluster owns the instance.
    :raises Denied: reason ``cluster_owned`` or ``cluster_unclear``.
    """
    if policy == "ignore":
        return
    doing = f"touch {client.label}"
    try:
        failover = client.failover()
    except Failed as error:
        raise Denied(
            doing,
            f"it cannot be told whether a cluster owns it ({error.why})",
            reason="cluster_unclear",
            cure="When no cluster owns it, say cluster_owned: ignore",
        ) from error
    if clustered and not failover.active:
        raise Denied(
            doing,
            "the CMDB says that a cluster owns it, and its sapstartsrv sees none, so nobody can tell whether the "
            "maintenance mode is on",
            reason="cluster_unclear",
            cure="Let sapstartsrv see the cluster (profile parameter service/halib). Where it cannot, as that of HANA "
            "mostly, see to it that the cluster does not act, and say cluster_owned: ignore (sap_stop_cluster_owned, "
            "sap_start_cluster_owned) for this host. When no cluster owns it any more, correct the CMDB",
        )
    if failover.active and not client.in_maintenance():
        raise Denied(
            doing,
            "a cluster owns it" + (f" ({failover.product})" if failover.product else "") + " and is not in maintenance",
            reason="cluster_owned",
            cure="Set the cluster's maintenance mode for this instance first",
            cluster={"product": failover.product, "node": failover.node, "nodes": list(failover.nodes)},
        )


__all__ = ("POLICIES", "refuse_behind_the_cluster")
