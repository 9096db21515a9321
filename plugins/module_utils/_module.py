# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to Ansible: the only file that touches AnsibleModule."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec
from ansible_collections.basis.landscape.plugins.module_utils._errors import LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._fence import fenced
from ansible_collections.basis.landscape.plugins.module_utils._operation import Operation, carry_out


class Context:
    """What a module hands to its operation: its options, and whether this is check mode."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params: Dict[str, Any] = module.params
        self.check_mode: bool = bool(module.check_mode)


def run_operation(spec: ArgumentSpec, build: Callable[[Context], Operation[Any]], **module_options: Any) -> NoReturn:
    """Run a state module: ``build`` makes the operation from the options, its result is the module's.

    The target's fence (option ``fence``, when the module has it) is held from before the first look to the end. In
    check mode nothing is locked or written.
    """
    module = AnsibleModule(supports_check_mode=True, **dict(spec.as_arguments(), **module_options))
    try:
        context = Context(module)
        operation = build(context)
        guard = None if module.check_mode else module.params.get("fence")
        with fenced(guard, timeout=float(module.params.get("timeout") or 3600.0)):
            result = carry_out(operation, check_mode=module.check_mode)
    except LandscapeError as error:
        _fail(module, error)
    _leave(module, result)


def run_query(spec: ArgumentSpec, answer: Callable[[Context], Mapping[str, Any]], **module_options: Any) -> NoReturn:
    """Run a module that computes its whole result in ``answer``, such as an info module."""
    module = AnsibleModule(supports_check_mode=True, **dict(spec.as_arguments(), **module_options))
    try:
        result = dict(answer(Context(module)))
    except LandscapeError as error:
        _fail(module, error)
    _leave(module, result)


def _leave(module: AnsibleModule, result: Dict[str, Any]) -> NoReturn:
    for text in result.pop("warnings", ()):
        module.warn(text)
    if not module._diff:
        result.pop("diff", None)
    result.setdefault("changed", False)
    module.exit_json(**result)
    raise SystemExit(0)  # exit_json does not come back


def _fail(module: AnsibleModule, error: LandscapeError) -> NoReturn:
    facts = error.facts
    extra = {key: facts.pop(key) for key in ("before", "steps", "changed") if key in facts}
    extra.setdefault("changed", False)
    module.fail_json(msg=error.message, error=error.as_result(), **extra)
    raise SystemExit(1)  # fail_json does not come back


__all__ = ("ArgumentSpec", "Context", "run_operation", "run_query")
