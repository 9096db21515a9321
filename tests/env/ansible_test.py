# SPDX-License-Identifier: GPL-3.0-or-later
"""How ansible-test runs here: without containers, without a download, beside the user's own home."""

from __future__ import annotations

import glob
import json
import os
import subprocess
from pathlib import Path

from tests.env import python

# ansible-test makes its own environments without pip, then downloads a program that puts pip in. Python carries one.
BOOTSTRAP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "pip=={version}"])
"""
ASK_VERSIONS = """\
import json, types
from ansible_test._internal.python_requirements import get_venv_packages
from ansible_test._internal.constants import SUPPORTED_PYTHON_VERSIONS as versions
print(json.dumps(sorted({get_venv_packages(types.SimpleNamespace(version=v))["pip"] for v in versions})))
"""


def bins() -> list[str]:
    """The real program folders of the machine's Pythons, newest first; a version manager's shims are not among them."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    folders = [os.path.dirname(one.path) for one in reversed(python.found())]
    folders += sorted(glob.glob(f"{pyenv}/versions/3.*/bin"), reverse=True)
    return list(dict.fromkeys(folders))


def environment(interpreter: Path, home: Path) -> dict[str, str]:
    """The environment for ansible-test of *interpreter*'s ansible-core; its caches live in *home*."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    versions = json.loads(
        subprocess.run([str(interpreter), "-c", ASK_VERSIONS], check=True, capture_output=True, text=True).stdout
    )
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(
            BOOTSTRAP.format(version=version), encoding="utf-8"
        )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "PYTEST_", "GIT_", "PYENV_"))
        and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    own = os.path.expanduser("~/.config/pip/pip.conf")
    if os.path.exists(own):
        kept.setdefault("PIP_CONFIG_FILE", own)
    path = [str(interpreter.parent), *bins(), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    return {**kept, "HOME": str(home), "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8"}
