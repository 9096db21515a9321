# SPDX-License-Identifier: GPL-3.0-or-later
"""The doors to a simulated ABAP system: the classic RFC protocol for real clients, SOAP over HTTP."""
