# SPDX-License-Identifier: GPL-3.0-or-later
"""The database libraries, or what stands for them where they are not installed.

Everything of this room gets SQLAlchemy's and Alembic's names from here. Without the libraries the room can still be
imported (documentation tools do that); ``require`` says what is missing as soon as a database is to be opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError


class Missing:
    """Takes the place of a library that is not installed: every use gives it back."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self

    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __or__ = __and__ = __invert__ = __call__


if TYPE_CHECKING:
    import sqlalchemy as sa
    from alembic import op
    from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
    from sqlalchemy.pool import NullPool, StaticPool

    WHY_MISSING: str | None = None
else:
    try:
        import sqlalchemy as sa
        from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
        from sqlalchemy.pool import NullPool, StaticPool

        WHY_MISSING = None
    except ImportError as error:
        sa = NullPool = StaticPool = Missing()
        ArgumentError = DBAPIError = IntegrityError = type("NeverRaised", (Exception,), {})
        WHY_MISSING = str(error)
    try:
        from alembic import op
    except ImportError:
        op = Missing()

__all__ = ["ArgumentError", "DBAPIError", "IntegrityError", "NullPool", "StaticPool", "op", "require", "sa"]


def require() -> None:
    """Raise StoreError when SQLAlchemy cannot be imported by this Python."""
    if WHY_MISSING is not None:
        raise StoreError(
            f"The run database needs SQLAlchemy 2 on the controller ({WHY_MISSING}):"
            " pip install 'SQLAlchemy>=2' alembic"
        )
