# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conversation with a client shows of names with passwords."""

from __future__ import annotations

import pytest

from tests.simulator.hana.session import masked, user_name


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ('CREATE USER A PASSWORD "Se""cret 1" NO FORCE', "CREATE USER A PASSWORD '***' NO FORCE"),
        ("alter user A password 'it''s' X", "alter user A password '***' X"),
        ("ALTER USER A PASSWORD Manager1 NO FORCE", "ALTER USER A PASSWORD '***' NO FORCE"),
        ("X IDENTIFIED\n BY\t'secret'", "X IDENTIFIED\n BY\t'***'"),
        ("PASSWORD /* it's */ 'secret'", "PASSWORD /* it's */ '***'"),
        ("PASSWORD -- it's\n 'secret'", "PASSWORD -- it's\n '***'"),
        ("PASSWORD'secret'", "PASSWORD'***'"),
        ("PASSWORD 'never ends", "PASSWORD '***'"),
        ("USING 'user=A;password=se-cret'", "USING 'user=A;password='***''"),
        ("A PASSWORD 'a' B PASSWORD 'b'", "A PASSWORD '***' B PASSWORD '***'"),
        ("ALTER USER A FORCE PASSWORD CHANGE", "ALTER USER A FORCE PASSWORD CHANGE"),
        ("ALTER USER A DISABLE PASSWORD LIFETIME", "ALTER USER A DISABLE PASSWORD LIFETIME"),
        ("SELECT PASSWORD, X FROM T WHERE A = 'b'", "SELECT PASSWORD, X FROM T WHERE A = 'b'"),
        ("SELECT PASSWORD_LOCK_TIME 'x'", "SELECT PASSWORD_LOCK_TIME 'x'"),
    ],
)
def test_passwords_are_masked(sql: str, shown: str) -> None:
    assert masked(sql) == shown


def test_masking_is_no_way_to_stop_the_simulator() -> None:
    for blank in (" ", "/* */", "/*", "--\n", "''", '"" '):
        assert masked(f"PASSWORD {blank * 50_000},").startswith("PASSWORD")


@pytest.mark.parametrize(
    ("typed", "name"), [("system", "SYSTEM"), ('"system"', "system"), ('"a""b"', 'a"b'), ('"', '"'), ("", "")]
)
def test_user_name(typed: str, name: str) -> None:
    assert user_name(typed) == name
