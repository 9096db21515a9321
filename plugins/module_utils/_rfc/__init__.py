# SPDX-License-Identifier: GPL-3.0-or-later
"""The room that calls function modules of an ABAP system."""
