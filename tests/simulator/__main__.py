# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python -m tests.simulator LANDSCAPE``."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from .faults import FAULTS, BadFault
from .landscape import BadLandscape, check
from .server import CannotStart, run


def read(path: Path) -> Any:
    """The content of a JSON or YAML file.

    Raises:
        ValueError: it is neither; the text names the file with the place.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".yml", ".yaml"):
        import yaml

        try:
            return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: no YAML: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: no JSON: {error}") from error


def main(argv: list[str] | None = None) -> int:
    """Run the simulator; returns the exit code: 0, or 2 when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description="Simulate an SAP landscape on the loopback network."
    )
    parser.add_argument("landscape", type=Path, nargs="?", help="native export (JSON or YAML)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per real second (default 1)")
    parser.add_argument("--faults", type=Path, help="JSON or YAML list of faults")
    parser.add_argument("--journal", type=Path, help="file that the journal is appended to, one JSON object a line")
    parser.add_argument(
        "--socket-dir", type=Path, help="folder for Unix sockets <host>/.sapstream5NN13 (default: none)"
    )
    parser.add_argument(
        "--network",
        default="keep",
        help="keep: use the 127.x.y.z addresses of the landscape; auto: take a free 127.N network; or 127.N",
    )
    parser.add_argument("--directory", type=Path, help="folder for certificates (default: a temporary one)")
    parser.add_argument("--info", type=Path, help="file that the JSON line is written to as well, removed at the end")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control door (default: a free one)")
    parser.add_argument(
        "--password-file", type=Path, help="file with the password of the OS users (default: a random one)"
    )
    parser.add_argument(
        "--ssh", action="store_true", help="a real sshd for every host as well, on port 7022 (needs sshd)"
    )
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    parser.add_argument("--list-faults", action="store_true", help="print the names of the faults, then end")
    options = parser.parse_args(argv)
    if options.list_faults:
        for name, words in FAULTS.items():
            print(f"{name:20} {words}")
        return 0
    try:
        if options.landscape is None:
            raise ValueError("which landscape? Give its export")
        if options.network not in ("keep", "auto") and not re.fullmatch(r"127\.\d{1,3}", options.network):
            raise ValueError(f"--network {options.network}: keep, auto or 127.N")
        export = check(read(options.landscape))
        faults = read(options.faults) if options.faults else []
        if isinstance(faults, dict):
            faults = faults.get("faults", [])
        asyncio.run(
            run(
                {
                    "export": export,
                    "speed": options.speed,
                    "faults": faults,
                    "journal": options.journal,
                    "socket_dir": options.socket_dir,
                    "network": options.network,
                    "directory": options.directory,
                    "control_port": options.control_port,
                    "ssh": options.ssh,
                    "password": options.password_file.read_text(encoding="utf-8").strip()
                    if options.password_file
                    else None,
                },
                options.info,
                until_eof=options.until_eof,
            )
        )
    except (BadLandscape, BadFault, CannotStart, OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
