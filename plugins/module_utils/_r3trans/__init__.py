# SPDX-License-Identifier: GPL-3.0-or-later
"""The room that works with R3trans, SAP's program that copies rows of tables into a file or back."""
