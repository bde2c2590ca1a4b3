"""The senders that are compared, one in each file, named as on the command line.

To add one, write a file with a class ``Peer`` (see :class:`benchmarks.sender.Sender`) and name
it here. What it imports need not be installed: then the table says what is missing.
"""

from __future__ import annotations

from typing import Final

#: In the order they take turns.
NAMES: Final = (
    "bare_pyreqwest",
    "bare_aiohttp",
    "agents_sdk",
    "recado_broadcast",
    "recado_notify",
)
#: Clients that only post ready bytes: what there is to lose.
BARE: Final = ("bare_pyreqwest", "bare_aiohttp")
#: What Recado is compared with.
BASELINE: Final = "agents_sdk"
#: Who has to keep a distance from it.
AHEAD: Final = ("recado_broadcast",)
#: Those that send to the channel that takes its time as well: what waiting costs them.
FAR: Final = ("bare_pyreqwest", "agents_sdk", "recado_broadcast", "recado_notify")
#: Those whose time from the call to the arrival is measured.
TIMED: Final = ("bare_pyreqwest", "agents_sdk", "recado_notify")
