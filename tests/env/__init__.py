# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up that the Makefile's targets stand on; standard library only."""
