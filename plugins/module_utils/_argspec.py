# SPDX-License-Identifier: GPL-3.0-or-later
"""Module options together with their constraints, as one mergeable value.

A room states its options once in a function that returns an `ArgumentSpec`; the doc fragment of the same name is its
twin for readers, and a test compares the two. The parts that are no room's own (waiting, the fence) are stated here.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput


class ArgumentSpec:
    """Options and the constraints between them, as AnsibleModule takes them."""

    def __init__(
        self,
        options: Optional[Mapping[str, Mapping[str, Any]]] = None,
        *,
        mutually_exclusive: Sequence[Sequence[str]] = (),
        required_together: Sequence[Sequence[str]] = (),
        required_one_of: Sequence[Sequence[str]] = (),
        required_if: Sequence[Sequence[Any]] = (),
        required_by: Optional[Mapping[str, Any]] = None,
    ) -> None:
        self.options: Dict[str, Any] = deepcopy(dict(options or {}))
        self.mutually_exclusive: List[Any] = list(mutually_exclusive)
        self.required_together: List[Any] = list(required_together)
        self.required_one_of: List[Any] = list(required_one_of)
        self.required_if: List[Any] = list(required_if)
        self.required_by: Dict[str, Any] = dict(required_by or {})

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """A new spec with the options and constraints of all.

        :raises BadInput: when an option is stated twice; one option has one home.
        """
        merged = deepcopy(self)
        for other in others:
            twice = sorted(set(merged.options) & set(other.options))
            if twice:
                raise BadInput("merge options", "stated twice: {}".format(", ".join(twice)))
            merged.options.update(deepcopy(other.options))
            merged.mutually_exclusive += other.mutually_exclusive
            merged.required_together += other.required_together
            merged.required_one_of += other.required_one_of
            merged.required_if += other.required_if
            merged.required_by.update(other.required_by)
        return merged

    def as_arguments(self) -> Dict[str, Any]:
        """Keyword arguments for AnsibleModule."""
        return {
            "argument_spec": deepcopy(self.options),
            "mutually_exclusive": self.mutually_exclusive,
            "required_together": self.required_together,
            "required_one_of": self.required_one_of,
            "required_if": self.required_if,
            "required_by": self.required_by,
        }


def wait_spec() -> ArgumentSpec:
    """The options of everything that waits; twin of the doc fragment ``basis.landscape.wait``."""
    return ArgumentSpec(
        {
            "timeout": {"type": "float", "default": 3600.0},
            "delay": {"type": "float", "default": 5.0},
            "failure_grace": {"type": "float", "default": 60.0},
        }
    )


def fence_spec() -> ArgumentSpec:
    """The option that guards a target against an outdated run; twin of the doc fragment ``basis.landscape.fence``."""
    return ArgumentSpec(
        {
            "fence": {
                "type": "dict",
                "options": {
                    "epoch": {"type": "int", "required": True},
                    "ci": {"type": "str", "required": True},
                    "directory": {"type": "path", "default": "~/.basis_landscape"},
                    "work": {"type": "str"},
                },
            }
        }
    )


def instance_number(value: Any, option: str = "number") -> str:
    """An instance number as two digits.

    :raises BadInput: for anything but a number from 0 to 97 (98 and 99 are reserved by SAP).
    """
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= 97):
        raise BadInput(f"read the option {option}", f"an instance number is two digits from 00 to 97, not {value!r}")
    return f"{int(text):02d}"


def system_id(value: Any, option: str = "sid") -> str:
    """An SAP system ID: three characters, a capital letter first, then capital letters or digits.

    :raises BadInput: for anything else.
    """
    text = str(value)
    good = len(text) == 3 and text.isascii() and text.isalnum() and text == text.upper() and text[0].isalpha()
    if not good:
        raise BadInput(
            f"read the option {option}",
            f"a system ID is three capital letters or digits, a letter first, not {value!r}",
        )
    return text


__all__ = ("ArgumentSpec", "fence_spec", "instance_number", "system_id", "wait_spec")
