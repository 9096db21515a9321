# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of a database host say: hdbnsutil about root keys, hdbbackupcheck about backup files.

Standard library only, and no word of the driver: it runs as ``<sid>adm``, where hdbcli need not be. The options of
hdbnsutil are those of two posts in SAP's community; the names ``PERSISTENCE Root Key``, ``DPAPI Root Key``, ``LOG Root
Key`` are in a published test of SAP's. The rest of its output was never seen: what is not understood is a failure.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import stat
import termios
import time
from typing import Dict, List, NoReturn, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, NeverCame, wait_until

PROMPT, ARGUMENT = "prompt", "argument"
# A name that speaks of a key, then a hash: hexadecimal, or base64 of at least 20 bytes.
_HASH = re.compile(r"\s*(\S.*?)\s*[:=,;|\s]\s*([0-9A-Fa-f]{16,128}|[A-Za-z0-9+/]{27,172}={0,2})\s*")
_TYPE = re.compile(r"\b(PERSISTENCE|APPLICATION|DPAPI|LOG|BACKUP)\b", re.IGNORECASE)
_ASKS = re.compile(r"pass(?:word|phrase)[^\n:]*:\s*$", re.IGNORECASE)
_NO = re.compile(r"\b(error|failed|failure|not found|invalid|exception|wrong|denied)\b", re.IGNORECASE)
_MOST = 1 << 20
_LAST_WORDS = 400  # characters


def hashes(text: str) -> Dict[str, str]:
    """The hashes of root keys by their names, from what ``-printHashedRootKeys --verbose`` prints.

    A line with a hash is understood when its other words name a type of key. Lines without a hash are headings.

    :raises Failed: a hash without such a name, a name with two hashes, or no hash at all.
    """
    doing = "read the hashes of the root keys"
    found: Dict[str, str] = {}
    for line in text.splitlines():
        match = _HASH.fullmatch(line)
        if match is None:
            continue
        name = " ".join(match.group(1).strip(" :=,;|").split())
        if not _TYPE.search(name):
            raise Failed(doing, f"hdbnsutil says {line.strip()[:120]!r}, which is not understood", reason="malformed")
        if found.get(name, match.group(2)) != match.group(2):
            raise Failed(doing, f"hdbnsutil names {name} twice, with two hashes", reason="malformed")
        found[name] = match.group(2)
    if not found:
        said = " / ".join(line.strip() for line in text.splitlines() if line.strip())[:300]
        raise Failed(doing, f"hdbnsutil names no hash; it says: {said or 'nothing'}", reason="malformed")
    return found


class Hdbnsutil:
    """The program at ``path``, for one database.

    :param dbid: 1 is SYSTEMDB, 3 the first tenant; the view M_VOLUMES has the real ones.
    :param timeout: seconds until one call counts as lost.
    """

    def __init__(self, path: str, dbid: int, timeout: float) -> None:
        self._path = path
        self._dbid = dbid
        self._timeout = timeout

    def hashes(self) -> Dict[str, str]:
        """The hashes of the root keys that the host has now."""
        doing = f"read the root keys of database {self._dbid}"
        text = self._run(doing, ["-printHashedRootKeys", f"--dbid={self._dbid}", "--verbose"])
        return hashes(text)

    def back_up(self, file: str) -> None:
        """Write all root keys to a new file; what guards it is the password set in the database."""
        doing = f"back up the root keys of database {self._dbid}"
        self._run(doing, ["-backupRootKeys", file, f"--dbid={self._dbid}", "--type=ALL"], change=True)

    def validate(self, file: str, password: str, password_by: str) -> None:
        """See that a file can be read with the password."""
        self._run(f"validate {file}", ["-validateRootKeysBackup", file], password, password_by)

    def recover(self, file: str, password: str, password_by: str) -> None:
        """Put the root keys of a file in place of those of the host."""
        arguments = ["-recoverRootKeys", file, f"--dbid={self._dbid}", "--type=ALL"]
        self._run(f"import the root keys of database {self._dbid}", arguments, password, password_by, change=True)

    def _run(
        self,
        doing: str,
        arguments: List[str],
        password: Optional[str] = None,
        password_by: str = PROMPT,
        change: bool = False,
    ) -> str:
        if password is not None and password_by == ARGUMENT:
            arguments = [*arguments, f"--password={password}"]
        asked = password if password_by == PROMPT else None
        try:
            code, text, answered = _on_terminal([self._path, *arguments], asked, self._timeout)
        except FileNotFoundError as error:
            raise Failed(
                doing,
                f"there is no {self._path} here",
                reason="no_hdbnsutil",
                cure="Run it on the database host as <sid>adm with its environment, or set hdbnsutil_path",
            ) from error
        except OSError as error:
            raise Failed(doing, f"{self._path} cannot be run: {error.strerror}", reason="no_hdbnsutil") from error
        said = text.replace(password, "********") if password else text
        shown = " / ".join(line.strip() for line in said.splitlines() if line.strip())[-400:] or "nothing"
        if code is None:
            why = f"hdbnsutil did not end within {self._timeout:g} s; it said: {shown}"
            if change and (password is None or answered or password_by == ARGUMENT):
                raise Unknown(doing, why, reason="hdbnsutil_slow")
            raise TimedOut(doing, why, reason="hdbnsutil_slow")
        if code != 0 or _NO.search(said):
            raise Failed(doing, f"hdbnsutil ended with {code} and said: {shown}", reason="hdbnsutil", code=code)
        return said


def _on_terminal(command: List[str], password: Optional[str], seconds: float) -> Tuple[Optional[int], str, bool]:
    """Run a command on a terminal of its own, and answer once when it asks for the password.

    A terminal, because programs ask for passwords there and not on stdin. It does not echo, so only the program's own
    words can be read back. That hdbnsutil asks when ``--password`` is missing is not confirmed.

    :returns: exit code (None: not in time, it was ended), what was said, whether the password was asked for.
    """
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(command[0])
    end = time.monotonic() + seconds
    pid, terminal = pty.fork()
    if pid == 0:
        _become(program, command)
    said, answered, ended = b"", False, False
    try:
        while not ended and time.monotonic() < end and len(said) < _MOST:
            readable, _writable, _odd = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                break
            try:
                more = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                more = b""
            said, ended = said + more, not more
            if password is not None and not answered and _ASKS.search(said.decode("utf-8", "replace")):
                answered = True
                os.write(terminal, password.encode() + b"\n")
        code = _code(pid, max(0.1, end - time.monotonic())) if ended else None
    finally:
        os.close(terminal)
    if code is None:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return code, said.decode("utf-8", "replace"), answered


def _become(program: str, command: List[str]) -> NoReturn:
    """Turn this process, the child, into the command. It writes files that nobody else can read."""
    try:
        settings = termios.tcgetattr(0)
        settings[1] &= ~termios.OPOST
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, settings)
        os.umask(0o077)
        os.execve(program, command, dict(os.environ, LC_ALL="C", TERM="dumb"))
    finally:
        os._exit(126)


def _code(pid: int, seconds: float) -> Optional[int]:
    try:
        ended = wait_until(
            "see the end of hdbnsutil",
            lambda: os.waitpid(pid, os.WNOHANG),
            lambda found: found[0] != 0,
            Limits(seconds, 0.02),
        ).value
    except NeverCame:
        return None
    status = ended[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def guard(file: str, new: bool) -> None:
    """See that a file with keys is for its owner alone: its folder is 0700, the file 0600.

    :param new: the file is still to be written; its folder is made when it is not there.
    :raises Denied: others can enter the folder, or the file is no regular one.
    :raises Failed: it is not there, or is there and should not be.
    """
    folder = os.path.dirname(os.path.abspath(file))
    doing = f"use {file}"
    if new:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise Failed(doing, f"the folder {folder} cannot be made: {error.strerror}", reason="file") from error
        if os.path.lexists(file):
            raise there_already(file)
    try:
        found = os.stat(folder)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise Denied(
                doing,
                f"others can enter its folder {folder}",
                reason="open_folder",
                cure="Use a folder of this user's own with mode 0700: whoever has keys and backups has the data",
            )
        if not new:
            if not stat.S_ISREG(os.lstat(file).st_mode):
                raise Denied(doing, "it is no regular file", reason="file")
            os.chmod(file, 0o600)
    except OSError as error:
        raise Failed(doing, f"{error.strerror}", reason="file") from error


def there_already(file: str) -> Failed:
    """What is said of a file that would be overwritten."""
    cure = "Choose another name, or remove it when it is old"
    return Failed(f"use {file}", "it is there already", reason="file_exists", cure=cure)


def remove(file: str) -> bool:
    """Remove a file with keys; False when there is none."""
    try:
        os.unlink(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Failed(f"remove {file}", f"{error.strerror}", reason="file", cure="Remove it: it holds keys") from error
    return True


def backup_defect(program: str, path: str, timeout: float) -> str:
    """What hdbbackupcheck has against a file; empty when nothing.

    :param timeout: seconds until it counts as not through.
    """
    try:
        code, text, _answered = _on_terminal([program, path], None, timeout)
    except OSError as error:
        return f"{program} cannot be run: {error.strerror}"
    if code is None:
        return f"hdbbackupcheck was not through within {timeout:g} s"
    if code == 0:
        return ""
    said = " / ".join(line.strip() for line in text.splitlines() if line.strip())
    return f"hdbbackupcheck ended with {code} and said: {said[-_LAST_WORDS:] or 'nothing'}"


def confirm(sid: str) -> None:
    """See that this is the system that was meant: SAPSYSTEMNAME, which the login of ``<sid>adm`` sets.

    :raises Denied: it is another one, or is not told.
    """
    found = os.environ.get("SAPSYSTEMNAME", "")
    if found != sid:
        raise Denied(
            f"touch the root keys of {sid}",
            f"this environment belongs to {found}"
            if found
            else "SAPSYSTEMNAME is not set, so nobody knows whose host it is",
            reason="wrong_system",
            cure="Run it as <sid>adm with its login environment (become_flags: -i)",
            answered=found,
        )


__all__ = ("ARGUMENT", "Hdbnsutil", "PROMPT", "backup_defect", "confirm", "guard", "hashes", "remove", "there_already")
