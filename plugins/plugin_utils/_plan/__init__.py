# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: from a landscape to a plan that a person can approve."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.digest import plan_difference, plan_hash
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import (
    identity_of,
    landscape_from_inventory,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.make import make_plan, plan_again
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.outside import judge, spread, without_counted
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Condition, PlanRefused
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.render import (
    approve_command,
    not_repeated,
    render_html,
)

__all__ = [
    "Condition",
    "PlanRefused",
    "approve_command",
    "identity_of",
    "judge",
    "landscape_from_inventory",
    "make_plan",
    "not_repeated",
    "plan_again",
    "plan_difference",
    "plan_hash",
    "render_html",
    "spread",
    "without_counted",
]
