"""The storage: bots' state of the Agents SDK, in Recado's database."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from microsoft_agents.hosting.core import Storage, StoreItem
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState

from recado.bot.codec import Codec
from recado.bot.proactive import ProactiveRecords
from recado.bot.state_types import StateTypes
from recado.domain.importing import PROACTIVE
from recado.domain.text import usable
from recado.store.port import Put, Store

ItemT = TypeVar("ItemT", bound=StoreItem)


class RecadoStorage(Storage):
    """Implements the SDK's ``Storage``: what a bot keeps is committed when ``write`` returns.

    It serves any number of bots' objects, processes and machines on the same database. All items
    of one ``write`` are written, or none. The last write wins, as in the SDK's own storages,
    unless it is strict.

    Strict, an item that was read here is written only if nobody else has written it since, and
    state that a turn has found missing only if it still is; otherwise ``write`` raises
    :class:`~recado.errors.StateConflict` and writes nothing. Items that come from elsewhere are
    written over whatever there is: the SDK copies its sign-in records before it writes them.

    What the SDK's ``Proactive`` keeps here is known to Recado, and it finds here what Recado
    knows; see :mod:`recado.bot.proactive`.

    Args:
        store: the database; whoever made it opens it.
        bot: whose state it is.
        check_service_url: raises ForbiddenServiceUrl for one that a token must not be sent to.
        strict: whether writers are compared.
        types: what state may contain besides JSON and the SDK's own types: dataclasses,
            enumerations, pydantic models and store items, each under a name that stays.

    Raises:
        ConfigurationError: one of *types* cannot be kept.
    """

    def __init__(
        self,
        store: Store,
        *,
        bot: str,
        check_service_url: Callable[[str], None],
        strict: bool = False,
        types: Mapping[str, type] | None = None,
    ) -> None:
        self._store = store
        self._bot = bot
        known = StateTypes(types)
        self._codec = Codec(known.by_class, known.by_name)
        self._proactive = ProactiveRecords(store, check_service_url, bot=bot)
        self._strict = strict
        self._seen = _Seen()

    async def read(
        self, keys: Iterable[str], *, target_cls: type[ItemT], **_: Any
    ) -> dict[str, ItemT]:
        """The items under those of *keys* that there are.

        Args:
            keys: which.
            target_cls: what is made of each.

        Raises:
            ValueError: there are no keys, one is empty or no text, or there is no *target_cls*.
            UnknownStateType: an item contains a type that was registered when it was written.
            StoreError: the database cannot be used.
        """
        wanted = _checked(keys, "read")
        if target_cls is None:
            raise ValueError("Storage.read(): target_cls is required when reading.")
        kept = await self._store.read_state(self._bot, wanted)
        items: dict[str, ItemT] = {}
        for key in wanted:
            found = kept.get(key)
            if key.startswith(PROACTIVE):
                found = await self._proactive.find(key, found)
            if found is None:
                continue
            told = self._codec.decode(found.value, key=key)
            # The SDK says that it makes a StoreItem; it makes one of the class it is asked of.
            items[key] = item = target_cls.from_json_to_store_item(told)  # type: ignore[assignment]
            if self._strict:
                self._seen.note(key, item, found.revision)
        return items

    async def write(self, changes: Mapping[str, StoreItem]) -> None:
        """Write all of *changes*, or nothing.

        Raises:
            ValueError: there are none, or a key is empty or no text.
            UnknownStateType: an item contains something that cannot be kept.
            StateConflict: strict, and somebody else was faster.
            StoreError: the database cannot be used.
        """
        if not changes:
            raise ValueError("Storage.write(): Changes are required when writing.")
        _checked(changes, "write")
        puts = [
            Put(
                key=key,
                value=self._codec.encode(_json_of(item), key=key),
                expected=self._seen.expected(key, item) if self._strict else None,
            )
            for key, item in changes.items()
        ]
        for put in puts:
            if put.key.startswith(PROACTIVE):
                await self._proactive.learn(put)
        revisions = await self._store.write_state(self._bot, puts)
        if self._strict:
            for key, revision in revisions.items():
                self._seen.note(key, changes[key], revision)

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete the items under *keys*; those that there are not do not matter.

        Raises:
            ValueError: there are no keys, or one is empty or no text.
            StoreError: the database cannot be used.
        """
        wanted = _checked(keys, "delete")
        records = [key for key in wanted if key.startswith(PROACTIVE)]
        others = [key for key in wanted if not key.startswith(PROACTIVE)]
        if records:
            await self._store.write_state(
                self._bot, [self._proactive.deleted(key) for key in records]
            )
        if others:
            await self._store.delete_state(self._bot, others)


def _checked(keys: Iterable[object] | None, verb: str) -> list[str]:
    """Each of *keys* once, as the SDK's own storages take them."""
    wanted: list[str] = []
    for key in dict.fromkeys(keys or ()):
        if isinstance(key, str) and key and usable(key):
            wanted.append(key)
        else:
            raise ValueError(f"Storage.{verb}(): {key!r} is no key: it has to be a sound text.")
    if not wanted:
        raise ValueError(f"Storage.{verb}(): Keys are required.")
    return wanted


def _json_of(item: Any) -> Any:
    """What an item gives for itself; the SDK's ``app.state.State`` writes bare dictionaries."""
    return item.store_item_to_json() if hasattr(item, "store_item_to_json") else item


class _Seen:
    """Which revision each item has that was read or written and is still in use."""

    def __init__(self) -> None:
        # By identity: items need not be hashable, and equal ones are not the same.
        self._items: dict[int, tuple[weakref.ref[Any], str, int]] = {}

    def note(self, key: str, item: object, revision: int) -> None:
        number = id(item)

        def forget(_: object) -> None:
            self._items.pop(number, None)

        try:
            self._items[number] = weakref.ref(item, forget), key, revision
        except TypeError as error:
            raise TypeError(
                f"{type(item).__name__} has __slots__ without __weakref__: a strict storage cannot "
                "tell whether it was read; add __weakref__, or do without strict."
            ) from error

    def expected(self, key: str, item: object) -> int | None:
        """The revision that *item* replaces; None if it is to be written over any."""
        ref, its_key, revision = self._items.get(id(item), (None, key, 0))
        if ref is not None and its_key == key:
            return revision
        # A turn makes such an item when it has found none.
        return 0 if isinstance(item, CachedAgentState) else None
