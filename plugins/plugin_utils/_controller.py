# SPDX-License-Identifier: GPL-3.0-or-later
"""What one ansible-playbook process knows of the run it carries out.

The main process and its workers share nothing but the environment that a worker inherits when it is forked, so the
recorder (callback ``run_state``) leaves two marks there: its own presence, and the run that has begun. Actions read
them.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import typing as t
import urllib.parse

RECORDER_MARK = "BASIS_LANDSCAPE_RECORDER"
RUN_MARK = "BASIS_LANDSCAPE_RUN"
DATABASE_VARIABLE = "BASIS_LANDSCAPE_DATABASE"
STATE_VARIABLE = "BASIS_LANDSCAPE_STATE"
RECORDER = "basis.landscape.run_state"


# Which step undoes the temporary change that another one makes.
UNDONE_BY = {"silence": "unsilence", "suspend_jobs": "release_jobs"}


class RunMark(t.TypedDict):
    """The run that this process carries out: all that a worker needs to claim a step."""

    run: str
    epoch: int
    database: str
    fence: int
    created: float
    socket: str | None


class NotPossible(Exception):
    """The process is not in a state in which a gated run is possible; the text says what would make it so."""


def state_directory() -> pathlib.Path:
    """Return the state folder: ``BASIS_LANDSCAPE_STATE``, or ``.landscape`` where ansible-playbook was called."""
    return pathlib.Path(os.environ.get(STATE_VARIABLE) or ".landscape").absolute()


def fence_here(mark: RunMark, ci: str) -> dict[str, t.Any]:
    """Return the fence of a CI for modules that act for it from this controller."""
    return {"epoch": mark["fence"], "ci": ci, "directory": str(state_directory() / "fences")}


def database_url(value: str | None = None) -> str:
    """Return the URL of the run database: the option, else ``BASIS_LANDSCAPE_DATABASE``, else SQLite in the state.

    Raises NotPossible when the URL carries a password: URLs are shown in results, logs and process lists.
    """
    url = value or os.environ.get(DATABASE_VARIABLE)
    if not url:
        return f"sqlite:///{state_directory() / 'runs.db'}"
    if urllib.parse.urlsplit(url).password:
        raise NotPossible(
            "The URL of the run database carries a password, and URLs are shown in results and logs. "
            "Leave it out and give it by PGPASSWORD, PGPASSFILE (~/.pgpass) or a PostgreSQL service file."
        )
    return url


def announce_recorder() -> None:
    """Called by the recorder in the main process: workers forked later see that this very process is recorded."""
    os.environ[RECORDER_MARK] = str(os.getpid())


def require_recorder() -> None:
    """Raise NotPossible with the exact lines to add when the main process of this worker runs without the recorder.

    Without it nobody sees unreachable hosts, and whoever waits for them would wait for ever.
    """
    if os.environ.get(RECORDER_MARK) in (str(os.getppid()), str(os.getpid())):
        return
    raise NotPossible(
        f"The recorder callback {RECORDER} is not enabled, so failed and unreachable hosts would never release those "
        "that wait for them. Enable it in one of these ways:\n"
        f"  ansible.cfg   [defaults]  callbacks_enabled = {RECORDER}\n"
        f"  environment   export ANSIBLE_CALLBACKS_ENABLED={RECORDER}\n"
        f"  AWX           Job settings, extra environment variables: "
        f'{{"ANSIBLE_CALLBACKS_ENABLED": "{RECORDER}"}}'
    )


def announce_run(mark: RunMark) -> None:
    """Called by the recorder when a run has begun: workers forked from now on belong to it."""
    os.environ[RUN_MARK] = json.dumps(mark)


def current_run() -> RunMark:
    """Return the run that this process carries out. Raises NotPossible when none has begun."""
    text = os.environ.get(RUN_MARK)
    if not text:
        raise NotPossible(
            "No run has begun in this ansible-playbook process. Gates work between basis.landscape.maintenance_run "
            "with state=begun and the end of the playbook."
        )
    return t.cast(RunMark, json.loads(text))


def code_hash(directory: pathlib.Path) -> str:
    """Return a SHA-256 over the collection's playbooks, roles and plugins: the code that a run began with."""
    digest = hashlib.sha256()
    for part in ("playbooks", "roles", "plugins"):
        for path in sorted((directory / part).rglob("*")):
            if path.suffix in (".py", ".yml", ".j2") and path.is_file():
                digest.update(f"{path.relative_to(directory)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def run_name(procedure: str, now: str, random: str, awx_job: str | None) -> str:
    """Return the name of a new run: ``awx-<job>`` in AWX, else procedure, time and four random characters.

    ``now`` is ``YYYYmmdd-HHMMSS``.
    """
    return f"awx-{awx_job}" if awx_job else f"{procedure}-{now}-{random[:4]}"


def valid_run_name(name: str) -> bool:
    """Say whether a name given by a person can be a run's: it becomes part of file names and URLs."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name) is not None
