# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as Ansible hands them to a module."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec


def validated(spec: ArgumentSpec, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What a module gets of the options *given*, with what Ansible says against them."""
    result = ArgumentSpecValidator(**spec.as_arguments()).validate(given)
    return result.validated_parameters, result.error_messages


def taken(spec: ArgumentSpec, given: dict[str, Any]) -> dict[str, Any]:
    """What a module gets of options against which nothing is said."""
    found, errors = validated(spec, given)
    assert errors == []
    return found
