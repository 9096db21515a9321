# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages as they were before a piece of work began.

A controller can be killed while its host is patched. Whoever goes on finds an up-to-date host, so what was done is
told by what stands here: one file for each CI, beside its fence, until another piece of work begins.
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._fence import fence_path
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Installed


class Baseline:
    """The file of one CI. Only who holds the CI's fence may use it.

    :param path: where it is.
    :param work: name of the piece of work, the same for all its attempts.
    """

    def __init__(self, path: str, work: str) -> None:
        self.path = path
        self.work = work

    @classmethod
    def of(cls, fence: Optional[Mapping[str, Any]]) -> Optional[Baseline]:
        """The one that belongs to the option ``fence``; None when that names no piece of work.

        :raises BadInput: when nothing is left of the CI's name.
        """
        if not fence or not fence.get("work"):
            return None
        path = fence_path(str(fence.get("directory") or "~/.basis_landscape"), str(fence["ci"]))
        return cls(path[: -len(".fence")] + ".packages", str(fence["work"]))

    def kept(self) -> Optional[Installed]:
        """The packages before this piece of work; None when no attempt of it has begun to change them.

        :raises Failed: the file cannot be read (reason ``baseline``).
        """
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
            if content["work"] != self.work:
                return None
            return {str(key): tuple(map(str, found)) for key, found in content["installed"].items()}
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error.strerror) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._failed("read", f"{type(error).__name__}: {error}") from error

    def keep(self, installed: Installed) -> None:
        """Note the packages before the first change.

        :raises Failed: the file cannot be written (reason ``baseline``).
        """
        beside = self.path + ".new"
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump({"work": self.work, "installed": installed}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except OSError as error:
            raise self._failed("written", error.strerror) from error

    def _failed(self, what: str, why: Optional[str]) -> Failed:
        return Failed(
            "keep the list of packages before the upgrade",
            f"{self.path} cannot be {what}: {why}",
            reason="baseline",
            cure="Make room for it, or remove the file; the report then says only what is changed from now on",
        )


__all__ = ("Baseline",)
