# SPDX-License-Identifier: GPL-3.0-or-later
"""How a function becomes the filter of a filter plugin."""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError


def plugin(function: t.Callable[..., t.Any]) -> type:
    """Return the class that Ansible looks for in a filter plugin: one filter of the function's name.

    Its ValueError becomes Ansible's error of a filter.
    """

    @functools.wraps(function)
    def filtered(*arguments: t.Any, **named: t.Any) -> t.Any:
        try:
            return function(*arguments, **named)
        except ValueError as error:
            raise AnsibleFilterError(str(error)) from error

    class FilterModule:
        """The filter, for Ansible."""

        def filters(self) -> dict[str, t.Callable[..., t.Any]]:
            """Return the filter by its name."""
            return {function.__name__: filtered}

    return FilterModule
