# SPDX-License-Identifier: GPL-3.0-or-later
"""The room that speaks SQL to SAP HANA."""
