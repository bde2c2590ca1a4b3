"""The senders that are compared, one in each file, named as on the command line.

To add one, write a file with a class ``Peer`` (see :class:`benchmarks.sender.Sender`) and name
it here. What it imports need not be installed: then the table says what is missing.
"""

from __future__ import annotations

from typing import Final

#: Clients that only post ready bytes: what there is to lose.
BARE: Final = ("bare_pyreqwest", "bare_wreq", "bare_aiohttp", "bare_curl_cffi", "bare_httpx")
#: Recado, put together as users do.
RECADO: Final = ("recado_broadcast", "recado_notify")
#: The same on PostgreSQL, and with a second process that shares the work.
RECADO_POSTGRES: Final = ("recado_postgres", "recado_postgres_notify", "recado_postgres_pair")
#: In the order they take turns.
NAMES: Final = (
    *BARE,
    "agents_sdk",
    "agents_sdk_proactive",
    "teams_sdk",
    "botbuilder",
    "procrastinate",
    "dbos_sqlite",
    "dbos_postgres",
    *RECADO,
    "recado_paced",
    *RECADO_POSTGRES,
)
#: What Recado is compared with.
BASELINE: Final = "agents_sdk"
#: Who has to keep a distance from it.
AHEAD: Final = ("recado_broadcast",)
#: Those that need a PostgreSQL server.
POSTGRES: Final = ("procrastinate", "dbos_postgres", *RECADO_POSTGRES)
#: Those that send to the channel that takes its time as well: what waiting costs them.
FAR: Final = ("bare_pyreqwest", "agents_sdk", *RECADO)
#: Those that send over TLS as well.
TLS: Final = (*BARE, *RECADO)
#: Those whose time from the call to the arrival is measured; a broadcast is one call.
TIMED: Final = tuple(
    name
    for name in NAMES
    if name
    not in {
        *BARE[1:],
        "recado_broadcast",
        "recado_paced",
        "recado_postgres",
        "recado_postgres_pair",
    }
)
#: What `make bench-quick` leaves out, because others like it are in it.
SLOW: Final = (
    "bare_curl_cffi",
    "bare_httpx",
    "agents_sdk_proactive",
    "dbos_postgres",
    "recado_postgres_pair",
)
#: Whom it times, and who sends over TLS in it.
QUICKLY_TIMED: Final = ("agents_sdk", "recado_notify")
QUICKLY_TLS: Final = ("bare_pyreqwest", "bare_wreq", "recado_broadcast")
#: An inbound turn without and with Recado; no senders of their own accord.
ECHO: Final = ("echo_sdk", "echo_recado")
#: Whose failure ends the benchmarks.
OURS: Final = (*RECADO, "recado_paced", *RECADO_POSTGRES, "echo_recado")
