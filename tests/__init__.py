# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's tests, simulator, benchmarks; a package, so that no other distribution's ``tests`` takes its place."""
