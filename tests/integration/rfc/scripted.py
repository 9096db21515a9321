# SPDX-License-Identifier: GPL-3.0-or-later
"""An application server whose every answer is written down in the unit tests' stage, as a process of its own.

``python -m tests.integration.rfc.scripted`` prints its system number as JSON, ends when standard input does. Of its own
process because a client's library may keep Python's lock while it waits: a server on a thread would wait for ever. What
the system was called for is read with the function module Z_EVENTS.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tests.simulator.rfc.conversation import Protocol
from tests.simulator.rfc.door import RfcDoor
from tests.unit.simulator.rfc.stage import PLACE, SmallEngine


async def main() -> None:
    """Serve until standard input ends."""
    protocol = Protocol(SmallEngine(), PLACE)
    door = RfcDoor(protocol.handle, gone=protocol.close)
    for number in range(42, 99):
        try:
            door.listen("127.0.0.1", 3300 + number)
        except OSError:
            continue
        break
    else:
        raise SystemExit("no gateway port is free")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    print(json.dumps({"number": f"{number:02}"}), flush=True)
    await ended.wait()
    door.close()


if __name__ == "__main__":
    asyncio.run(main())
