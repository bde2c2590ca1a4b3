"""Keeping: which scopes a process decides the pace of, and what it knows of them."""

from __future__ import annotations

import random
from datetime import timedelta

from recado.channel.keeping import BELIEVED, Keeping
from recado.channel.pacing import Later, Pacer
from recado.channel.profiles import profiles
from recado.domain.pace import Operation
from recado.domain.scope import Scope, Stamp
from recado.testing import START, HandClock
from tests.channel.pace_kit import FREE, TENANT, later_of, make_request, permit_of

OTHER = TENANT._replace(tenant="tenant-2")
SECOND = timedelta(seconds=1)
LEASE = 4 * SECOND


def make_keeping(*kept: Scope) -> Keeping:
    """A process that delivers, beside others, and keeps these."""
    keeping = Keeping(whole=False)
    keeping.deliver(START)
    keeping.renew(START + LEASE)
    keeping.took(kept, [], START)
    return keeping


def sharing_pacer(clock: HandClock, keeping: Keeping, **parts: str | None) -> Pacer:
    """The pacer of a process beside others."""
    return Pacer(clock, profiles({"msteams": parts}), keeping=keeping, rng=random.Random(7))  # noqa: S311 - jitter


# -- who keeps what ---------------------------------------------------------------------------


def test_a_scope_is_kept_while_the_lease_lasts() -> None:
    """And a moment less, because requests begin a moment after they are permitted."""
    keeping = make_keeping(TENANT)
    assert keeping.keeps(TENANT, START)
    assert not keeping.keeps(OTHER, START)
    assert not keeping.keeps(TENANT, START + LEASE - 0.1 * SECOND)
    keeping.renew(START + 2 * LEASE)
    assert keeping.keeps(TENANT, START + LEASE)


def test_a_process_that_does_not_deliver_keeps_nothing() -> None:
    """Where one process at a time delivers, that one keeps everything."""
    keeping = Keeping(whole=True)
    assert not keeping.keeps(TENANT, START)
    keeping.deliver(START + SECOND)
    assert keeping.keeps(TENANT, START + SECOND)
    assert keeping.since(TENANT) == START + SECOND
    keeping.deliver(None)
    assert not keeping.keeps(TENANT, START + SECOND)


def test_others_are_believed_for_a_moment() -> None:
    """Then they are asked for again; what they keep is not kept here."""
    keeping = make_keeping(TENANT)
    keeping.took([], [TENANT], START)
    assert not keeping.keeps(TENANT, START)
    assert keeping.is_elsewhere(TENANT, START)
    assert not keeping.is_elsewhere(TENANT, START + BELIEVED)
    assert keeping.others == {TENANT: START + BELIEVED}


def test_what_was_lost_is_not_kept() -> None:
    """The connection that shows this process alive has gone."""
    keeping = make_keeping(TENANT)
    keeping.lose()
    keeping.renew(START + 2 * LEASE)
    assert not keeping.keeps(TENANT, START)


def test_what_is_not_used_can_be_let_go() -> None:
    """After ten seconds; what has been taken again since says so by its time."""
    keeping = make_keeping(TENANT, OTHER)
    keeping.renew(START + 60 * SECOND)
    keeping.keeps(OTHER, START + 9 * SECOND)
    assert keeping.idle(START + 9 * SECOND) == []
    assert keeping.idle(START + 10 * SECOND) == [TENANT]
    assert keeping.let_go([TENANT], START + 10 * SECOND) == {TENANT: START}
    assert set(keeping.kept) == {OTHER}
    assert not keeping.is_elsewhere(TENANT, START + 10 * SECOND)


def test_who_keeps_more_than_its_share_leaves_some() -> None:
    """What was used longest ago, a few at a time; it is claimed from no more, and then let go."""
    scopes = [TENANT._replace(tenant=f"{number}") for number in range(40)]
    keeping = make_keeping(*scopes)
    for scope in scopes[16:]:
        keeping.keeps(scope, START + SECOND)
    keeping.balance(40, 40, 2, START + SECOND)
    assert keeping.leaves
    assert set(keeping.kept) == set(scopes[16:])
    assert keeping.others.keys() == set(scopes[:16])  # so that they are not taken again at once
    assert keeping.keeps(scopes[0], START + SECOND)  # until nothing is under way
    gone = keeping.let_go(keeping.idle(START + SECOND), START + SECOND)
    assert set(gone) == set(scopes[:16])
    assert keeping.is_elsewhere(scopes[0], START + 3 * SECOND)
    assert not keeping.leaves


def test_a_few_more_than_the_others_have_are_kept() -> None:
    """To move one costs more than it brings."""
    scopes = [TENANT._replace(tenant=f"{number}") for number in range(8)]
    keeping = make_keeping(*scopes)
    keeping.balance(8, 8, 4, START)
    assert not keeping.leaves


# -- what is known ----------------------------------------------------------------------------


def test_nothing_is_reserved_in_others_scopes() -> None:
    """What was claimed before a scope was lost goes back; channels without limits are free."""
    clock = HandClock()
    keeping = make_keeping(TENANT)
    pacer = sharing_pacer(clock, keeping)
    permit_of(pacer.reserve(TENANT, "a:1"))
    keeping.lose()
    assert later_of(pacer.reserve(TENANT, "a:1")).whole
    permit_of(pacer.reserve(FREE, "a:1"))


def test_what_is_known_from_before_is_asked_for_anew() -> None:
    """Others may have sent since; keys that are bare numbers are meant as well."""
    clock = HandClock()
    keeping = make_keeping(TENANT)
    pacer = sharing_pacer(clock, keeping, send="2/1h")
    pacer.recall([], [(TENANT, ""), (TENANT, "a:1"), (TENANT, "a:2")])
    make_request(pacer, "a:1")
    for key in ("", "a:1", "a:2"):
        assert pacer.knows(TENANT, key)
    clock.advance(1)
    keeping.took([], [TENANT], clock.now())
    clock.advance(1)
    keeping.took([TENANT], [], clock.now())
    for key in ("", "a:1", "a:2"):
        assert not pacer.knows(TENANT, key)


def test_what_is_recalled_takes_the_place_of_what_was_known() -> None:
    """Nothing is counted twice: what this process has recorded itself is among it."""
    clock = HandClock()
    keeping = make_keeping(TENANT)
    pacer = sharing_pacer(clock, keeping, send="3/1h", tenant="100/1s")
    asked = [(TENANT, ""), (TENANT, "a:1")]
    pacer.recall([], asked)
    make_request(pacer, "a:1")
    pacer.unrecorded()
    clock.advance(1)
    keeping.took([TENANT], [], clock.now())
    recorded = [Stamp(TENANT, key, Operation.SEND, START, 2) for key in ("", "a:1")]
    pacer.recall(recorded, asked)
    make_request(pacer, "a:1")
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


def test_what_is_not_recorded_yet_is_not_forgotten() -> None:
    """Answers that came since the database was asked count, and so does what is under way."""
    clock = HandClock()
    keeping = make_keeping(TENANT)
    pacer = sharing_pacer(clock, keeping, send="3/1h", tenant="100/1s")
    asked = [(TENANT, ""), (TENANT, "a:1")]
    pacer.recall([], asked)
    under_way = permit_of(pacer.reserve(TENANT, "a:1"))
    make_request(pacer, "a:1")
    clock.advance(1)
    keeping.took([TENANT], [], clock.now())
    pacer.recall([], asked)
    make_request(pacer, "a:1")
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    pacer.give_back(under_way)
    permit_of(pacer.reserve(TENANT, "a:1"))


def test_a_request_of_a_predecessor_is_adopted() -> None:
    """It counts as under way for the scope and its key, until it has ended."""
    clock = HandClock()
    pacer = sharing_pacer(clock, make_keeping(TENANT), send="1/1s", tenant="2/1s")
    permit = pacer.adopt(TENANT, "a:1")
    assert not later_of(pacer.reserve(TENANT, "a:1")).whole
    permit_of(pacer.reserve(TENANT, "a:2"))
    assert later_of(pacer.reserve(TENANT, "a:3")).whole
    clock.advance(0.5)
    assert later_of(pacer.reserve(TENANT, "a:3")).whole
    pacer.give_back(permit)
    permit_of(pacer.reserve(TENANT, "a:1"))
