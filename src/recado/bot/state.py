"""State isolation: what the SDK caches on a shared object, kept per turn instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from microsoft_agents.hosting.core.state.agent_state import AgentState, CachedAgentState

#: What each AgentState has loaded in the turn under way; None outside turns. The dictionary is
#: shared with the tasks a turn starts, which inherit the variable: the SDK saves state in tasks.
_loaded: ContextVar[dict[AgentState, CachedAgentState | None] | None] = ContextVar(
    "recado_loaded_state", default=None
)


class _PerTurn:
    """Stands in for the attribute ``AgentState._cached_state``.

    Agents SDK 1.9.0 keeps what a turn has loaded in that attribute. An ActivityHandler bot has
    one ConversationState for all its turns, so of turns that overlap each reads and saves what
    the last one loaded: another conversation's state. The attribute is the only way ``get_value``
    and ``set_value`` reach the state, and they are not told the turn, hence a descriptor on the
    class; being a data descriptor it also covers objects made before. Outside our turns the
    attribute is an ordinary one.
    """

    def __get__(self, state: AgentState | None, _: type | None = None) -> object:
        if state is None:
            return self
        loaded = _loaded.get()
        if loaded is None:
            return state.__dict__.get("_cached_state")
        return loaded.get(state)

    def __set__(self, state: AgentState, value: CachedAgentState | None) -> None:
        loaded = _loaded.get()
        if loaded is None:
            state.__dict__["_cached_state"] = value
        else:
            loaded[state] = value


def isolate_state() -> None:
    """Make every AgentState of this process keep what it loads per turn. Repeating is harmless."""
    if not isinstance(AgentState.__dict__.get("_cached_state"), _PerTurn):
        AgentState._cached_state = _PerTurn()  # type: ignore[assignment]  # noqa: SLF001 - see _PerTurn


@contextmanager
def own_state() -> Iterator[Mapping[AgentState, CachedAgentState | None]]:
    """Run a block as a turn of its own, in which nothing has been loaded yet.

    It is given what will be loaded.
    """
    loaded: dict[AgentState, CachedAgentState | None] = {}
    token = _loaded.set(loaded)
    try:
        yield loaded
    finally:
        _loaded.reset(token)
