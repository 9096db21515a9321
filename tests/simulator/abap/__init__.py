# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated ABAP systems with the function modules that read or change it."""
