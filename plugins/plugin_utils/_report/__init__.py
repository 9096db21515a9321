# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, told from its record: as data, in words, as a page."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._report.facts import gather
from ansible_collections.basis.landscape.plugins.plugin_utils._report.files import write
from ansible_collections.basis.landscape.plugins.plugin_utils._report.words import words

__all__ = ["gather", "words", "write"]
