# SPDX-License-Identifier: GPL-3.0-or-later
"""What still lives of earlier controllers of a run on this machine.

The workers of a controller that was killed finish the task that they are at. Each of them has inherited a file that the
main process had locked: the lock lasts until the last of them has ended. Programs that they call do not inherit it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller

_held: list[int] = []


def announce(run: str, epoch: int) -> None:
    """Called by the recorder in the main process: workers forked from now on are known as this controller's."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        _is_over(path)
    path = folder / f"{run}.{epoch}"
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            _held.append(number)
            return
        os.close(number)  # another controller took it for one that is over, between the two calls


def of_earlier(run: str, epoch: int) -> list[int]:
    """Return the processes of controllers that had the run before ``epoch``; they may still act for it.

    Processes of other users and in other containers cannot be named; 0 stands for such a one.
    """
    found: set[int] = set()
    for path in _folder().glob(f"{run}.*") if _folder().is_dir() else ():
        earlier = path.name.removeprefix(f"{run}.")
        if earlier.isdecimal() and int(earlier) < epoch and not _is_over(path):
            found |= set(_who_has(path)) or {0}
    return sorted(found)


def words(living: list[int]) -> str:
    """Return in words that they live."""
    named = ", ".join(map(str, living[:5])) + (" and more" if len(living) > 5 else "")
    return f"Of the controller that had the run before, something still lives on this machine (process {named})."


def _folder() -> pathlib.Path:
    return _controller.state_directory() / "controllers"


def _is_over(path: pathlib.Path) -> bool:
    """Whether nobody has the file of a controller any more; then it is removed."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(number)
    return True


def _who_has(path: pathlib.Path) -> Iterator[int]:
    wanted = str(path)
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(one) == wanted for one in (process / "fd").iterdir()):
                yield int(process.name)
