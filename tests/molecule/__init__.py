# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks over ssh on small real hosts, through molecule."""
