# SPDX-License-Identifier: GPL-3.0-or-later
"""The live picture of a run."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._screen.model import Screen, apply

__all__ = ["Screen", "apply"]
