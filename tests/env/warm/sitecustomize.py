# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads what every module needs before Ansible's own copy of it is looked at."""

import importlib

importlib.import_module("ansible_collections.basis.landscape.plugins.module_utils._module")
