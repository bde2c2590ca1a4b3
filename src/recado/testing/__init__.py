"""For tests, ours and users': a clock wound by hand, channels that obey or lie, factories."""

from recado.testing import faults
from recado.testing.calls import Operation
from recado.testing.channel import FakeChannel, Sent
from recado.testing.clock import START, HandClock, held, simulate
from recado.testing.connector import FakeConnector
from recado.testing.factories import make_notification, make_sighting
from recado.testing.faults import Fault
from recado.testing.people import BotRefused
from recado.testing.record import Record, Request
from recado.testing.script import FOR_EVER
from recado.testing.service import Latency
from recado.testing.simulated import SimulatedChannel
from recado.testing.windows import (
    TEAMS,
    UNLIMITED,
    Excess,
    RateLimits,
    RateWindow,
    permitted,
    rate_windows,
)
from recado.testing.wired import wired
from recado.testing.world import Room, Said, Team, person

__all__ = [
    "FOR_EVER",
    "START",
    "TEAMS",
    "UNLIMITED",
    "BotRefused",
    "Excess",
    "FakeChannel",
    "FakeConnector",
    "Fault",
    "HandClock",
    "Latency",
    "Operation",
    "RateLimits",
    "RateWindow",
    "Record",
    "Request",
    "Room",
    "Said",
    "Sent",
    "SimulatedChannel",
    "Team",
    "faults",
    "held",
    "make_notification",
    "make_sighting",
    "permitted",
    "person",
    "rate_windows",
    "simulate",
    "wired",
]
