# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence at the target: an outdated run does not act here any more.

A run has an epoch that grows each time a controller takes a run over; here it is the one that the run database counts
over all its runs. Every writing module locks a small file of its CI on the target, compares the epoch in it with its
own, refuses when the stored one is newer, else stores its own, and looks and acts inside the lock. A worker of a killed
controller that lives on is stopped here.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame, wait_until

_LONGEST = 4096


def fence_path(directory: str, ci: str) -> str:
    """The file that stands for one CI: characters that are no letter, digit, dot, plus or minus become ``_``.

    :raises BadInput: when nothing is left of the name.
    """
    name = "".join(c if (c.isascii() and c.isalnum()) or c in "._+-" else "_" for c in ci)
    if not name.strip("._"):
        raise BadInput("raise the fence", f"{ci!r} names no CI")
    return os.path.join(os.path.expanduser(directory), name[:200] + ".fence")


@contextmanager
def fenced(
    option: Optional[Mapping[str, Any]],
    *,
    timeout: float = 3600.0,
    delay: float = 0.5,
    clock: Optional[Clock] = None,
    doing: Optional[str] = None,
) -> Iterator[None]:
    """Hold the CI's fence while the body runs; without ``option`` nothing is locked.

    :param option: ``{"epoch": int, "ci": str, "directory": path}``.
    :param timeout: seconds to wait for another action on the same CI to end.
    :raises Denied: a newer epoch was here (reason ``fenced``), or another action holds the CI (``fence_busy``).
    :raises Failed: the fence file cannot be used.
    """
    if option is None:
        yield
        return
    doing = doing or f"act on {option['ci']}"
    epoch = int(option["epoch"])
    path = fence_path(str(option.get("directory") or "~/.basis_landscape"), str(option["ci"]))
    if epoch < 1:
        raise BadInput(doing, f"the fence's epoch must be 1 or more, not {epoch}")
    handle = _open(path, doing)
    try:
        _lock(handle, path, doing, timeout, delay, clock)
        stored = _read(handle, path, doing)
        if stored is not None and stored > epoch:
            raise Denied(
                doing,
                f"a newer owner was here: the fence file {path} says {_content(handle)!r}, this one has epoch {epoch}",
                reason="fenced",
                cure=(
                    "When this run was taken over, nothing is to do: it goes on under its new owner. Else look with"
                    " show_run, in every run database that knows this host, who works on it. Only when nobody does, and"
                    " no worker of a killed controller is left, the number comes from a clock that was ahead: remove"
                    f" {path} where this module ran, and continue the run"
                ),
                stored_epoch=stored,
                epoch=epoch,
                fence=path,
            )
        _store(handle, epoch)
        yield
    finally:
        os.close(handle)  # gives the lock back as well, also when the process is killed


def _open(path: str, doing: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise Failed(doing, f"the fence file {path} cannot be opened: {error.strerror}", reason="fence") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Failed(doing, f"the fence file {path} is not a regular file", reason="fence")
    return handle


def _lock(handle: int, path: str, doing: str, timeout: float, delay: float, clock: Optional[Clock]) -> None:
    def try_lock() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    try:
        wait_until(doing, try_lock, bool, Limits(timeout, delay), clock=clock)
    except NeverCame as error:
        raise Denied(
            doing,
            "another action holds {} ({}) since more than {:g} s".format(path, _content(handle) or "no epoch", timeout),
            reason="fence_busy",
            fence=path,
        ) from error


def _content(handle: int) -> str:
    return os.pread(handle, _LONGEST, 0).decode("utf-8", "replace").strip()


def _read(handle: int, path: str, doing: str) -> Optional[int]:
    text = _content(handle)
    if not text:
        return None
    words = text.split()
    if len(words) < 2 or words[0] != "epoch" or not words[1].isdigit():
        raise Failed(
            doing,
            f"the fence file {path} says {text[:80]!r}, not 'epoch <number>'",
            reason="fence",
            cure="Remove the file when no run is active on this host",
        )
    return int(words[1])


def _store(handle: int, epoch: int) -> None:
    data = "epoch {} pid {} since {}\n".format(epoch, os.getpid(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    raw = data.encode("ascii")
    os.pwrite(handle, raw, 0)
    os.ftruncate(handle, len(raw))
    os.fsync(handle)


__all__ = ("fence_path", "fenced")
