# SPDX-License-Identifier: GPL-3.0-or-later
"""The room that speaks to a host's package manager by its command line."""

from __future__ import annotations
