# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Ansible and Python find this checkout as the collection basis.landscape."""

from __future__ import annotations

import os
from pathlib import Path


def link(root: Path) -> Path:
    """Make the link that lets the checkout be imported as ``ansible_collections.basis.landscape``.

    Returns the folder for ``ANSIBLE_COLLECTIONS_PATH`` and ``sys.path``. Safe to call from several processes at once.
    """
    collections = root / ".cache" / "collections"
    target = collections / "ansible_collections" / "basis" / "landscape"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.resolve() != root.resolve():
        fresh = target.with_name(f"landscape.{os.getpid()}")
        fresh.symlink_to(os.path.relpath(root, target.parent))
        fresh.replace(target)
    return collections
