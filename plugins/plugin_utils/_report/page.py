# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as a page."""

from __future__ import annotations

import html
import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils._report.words import words


def render(report: t.Mapping[str, t.Any]) -> str:
    """Return one self-contained HTML page."""
    return "<pre>" + html.escape("\n".join(words(report))) + "</pre>"
