"""Opening, closing, roles and secrets."""

from __future__ import annotations

import asyncio

import pytest

from recado.errors import StoreUnavailable
from tests.store.kit import Desk


async def test_an_open_store_can_be_written(desk: Desk) -> None:
    """And knows its schema's version."""
    await desk.store.check()
    assert await desk.store.schema_version() >= 1


async def test_closing_twice_is_allowed(desk: Desk) -> None:
    """Whoever cleans up need not know who did before."""
    await desk.store.close()
    await desk.store.close()


@pytest.mark.parametrize("verb", ["check", "backlog", "schema_version", "next_due"])
async def test_a_closed_store_says_so(desk: Desk, verb: str) -> None:
    """With an error that tells what to do, not with a wait."""
    await desk.store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await getattr(desk.store, verb)()


async def test_what_was_begun_is_finished_by_close(desk: Desk, successor: Desk) -> None:
    """Everything asked for before is committed or refused, and riders are not lost."""
    references = await asyncio.gather(*(desk.meet(f"a:{number}") for number in range(20)))
    asked = [asyncio.ensure_future(desk.say("hello", each)) for each in references]
    await asyncio.sleep(0)
    await desk.store.close()
    assert len(await asyncio.gather(*asked)) == 20
    assert len(await successor.ids()) == 20


async def test_a_store_can_be_opened_again(desk: Desk, successor: Desk) -> None:
    """After closing it goes on where it was."""
    reference = await desk.meet()
    await desk.store.close()
    await desk.store.open()
    assert await desk.store.reference(reference.id) == reference


async def test_secrets_are_made_once(desk: Desk) -> None:
    """32 random bytes each, the same for everyone who asks at any time."""
    secrets = set(await asyncio.gather(*(desk.store.secret("tokens") for _ in range(5))))
    assert len(secrets) == 1
    (secret,) = secrets
    assert len(bytes.fromhex(secret)) == 32
    assert await desk.store.secret("other") != secret


async def test_secrets_outlive_their_process(desk: Desk, successor: Desk) -> None:
    """Tokens signed before a restart are valid after it."""
    assert await successor.store.secret("tokens") == await desk.store.secret("tokens")


async def test_another_process_commit_is_noticed(desk: Desk, successor: Desk) -> None:
    """Once, and without reading what it was."""
    await desk.store.changed()
    await successor.say("hello", await successor.meet())
    while not await desk.store.changed():
        await desk.store.check()
    assert not await desk.store.changed()


async def test_a_server_is_known_as_one(desk: Desk) -> None:
    """While a process delivers, everybody who asks learns it."""
    assert await desk.store.try_serve("me")
    assert await desk.store.served()
    assert await desk.store.try_serve("me"), "asking again changes nothing"


async def test_the_role_can_be_given_up(desk: Desk, successor: Desk) -> None:
    """And then another process has it."""
    assert await desk.store.try_serve("me")
    assert await successor.store.served()
    await desk.store.stop_serving()
    await desk.store.stop_serving()
    assert await successor.store.try_serve("successor")
    assert await desk.store.served()


async def test_closing_gives_the_role_up(desk: Desk, successor: Desk) -> None:
    """A process that stops in order leaves nothing behind."""
    assert await desk.store.try_serve("me")
    await desk.store.close()
    assert await successor.store.try_serve("successor")
