# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server for tests: a temporary folder, a Unix socket, no network."""

from __future__ import annotations

import atexit
import functools
import glob
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "deadlock_timeout": "200ms",
    "logging_collector": "off",
}


class Server:
    """One server with as many empty databases as are asked for."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has at most 107 characters
        self._numbers = itertools.count(1)
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._call("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    @property
    def data(self) -> Path:
        """The server's files."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in SETTINGS.items())
        options += f" -c unix_socket_directories={self.folder}"
        self._call("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it: ``fast`` ends the connections in order, ``immediate`` like a crash."""
        self._call("pg_ctl", "-D", str(self.data), "-w", "-m", how, "stop")

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        self._call("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def move_clock(self, url: str, seconds: float) -> None:
        """Let new connections to a database of ``database`` read a clock so far ahead of this machine's."""
        name = self._name(url)
        ahead = f"SELECT pg_catalog.clock_timestamp() + make_interval(secs => {seconds})"
        for statement in (
            f"CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS '{ahead}'",
            f"ALTER DATABASE {name} SET search_path = public, pg_catalog",
        ):
            self._call("psql", "-h", str(self.folder), "-U", "postgres", "-d", name, "-c", statement)

    def drop(self, url: str) -> None:
        """Remove a database of ``database``."""
        self._call("dropdb", "-h", str(self.folder), "-U", "postgres", "--force", "--if-exists", self._name(url))

    @staticmethod
    def _name(url: str) -> str:
        return url.partition("@/")[2].partition("?")[0]

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=self._user,
            group=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}")


def programs() -> Path | None:
    """Where the newest PostgreSQL server's programs are."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        return Path(max(found, key=lambda path: int(path.split("/")[4]))).parent
    path = shutil.which("initdb")
    return Path(path).resolve().parent if path else None


@functools.cache
def server() -> Server:
    """The test session's server, started at the first use and removed at the end."""
    found = programs()
    if found is None:
        raise RuntimeError("no PostgreSQL server programs: apt-get install --no-install-recommends postgresql")
    running = Server(found)
    atexit.register(running.remove)
    return running


def require() -> Server:
    """The server, or the reason why the test is skipped; in CI a missing one is a failure."""
    if programs() is None:
        why = "needs postgresql: apt-get install --no-install-recommends postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return server()
