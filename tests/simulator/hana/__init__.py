# SPDX-License-Identifier: GPL-3.0-or-later
"""The HANA SQL door: real protocol, a small grammar, the state of databases with their backups."""
