# SPDX-License-Identifier: GPL-3.0-or-later
"""How a function is called as a filter."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.basis.landscape.plugins.plugin_utils import _filters


def halved(number: int, parts: int = 2) -> int:
    """A function with an option."""
    if number % parts:
        raise ValueError(f"{number} is not so many times {parts}")
    return number // parts


def called(*arguments: t.Any, **named: t.Any) -> t.Any:
    return _filters.plugin(halved)().filters()["halved"](*arguments, **named)


def test_a_filter_has_the_name_and_the_words_of_its_function() -> None:
    filters = _filters.plugin(halved)().filters()
    assert list(filters) == ["halved"] and filters["halved"].__doc__ == halved.__doc__


def test_an_option_may_be_given_by_its_place_or_its_name() -> None:
    assert called(12) == 6 and called(12, 3) == 4 and called(12, parts=4) == 3


def test_a_value_error_is_ansibles_error_of_a_filter() -> None:
    with pytest.raises(AnsibleFilterError, match="7 is not so many times 2") as raised:
        called(7)
    assert isinstance(raised.value.__cause__, ValueError)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        called(7, 0)
