# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole SAP landscape in one process, for tests, demonstrations or a rehearsal of your own CMDB export.

It imports nothing from ``plugins/``: a codec that is wrong in the product must not agree with itself here.
"""

from __future__ import annotations
