#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Finds a Python that is new enough, then hands over to tests/env. Everything else is written in Python.
set -eu
cd "$(dirname "$0")/../.."
suits='import sys; sys.exit(sys.version_info < (3, 11))'
for python in python3 python3.11 python3.12 python3.13 python3.14 python3.15 \
    "${PYENV_ROOT:-${HOME:-/root}/.pyenv}"/versions/3.*/bin/python3 /usr/bin/python3 /usr/local/bin/python3; do
    path=$(command -v "$python" 2>/dev/null) || continue
    if "$path" -c "$suits" 2>/dev/null; then
        exec "$path" -m tests.env "$@"
    fi
done
echo "No Python 3.11 or newer was found on PATH or under ~/.pyenv. On Debian: apt-get install python3 python3-venv" >&2
exit 1
