"""Dialogs: whether one waits for an answer in the state a turn has left.

The dialogs of the Agents SDK keep their stack in a property of the conversation's state whose name
the bot chooses, so it is found by its shape: an object with a list ``dialog_stack``, or what a
storage makes of that. That package need not be installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from microsoft_agents.hosting.core import ConversationState
from microsoft_agents.hosting.core.state import AgentState
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState

#: What a stack of dialogs is called: in the SDK's object, in objects of those who wrote their own
#: after it, and in the JSON of its other languages.
_STACKS: Final = ("dialog_stack", "_dialog_stack", "dialogStack")
#: How deep in a property it is looked for.
_DEEPEST: Final = 3
_PLAIN: Final = (str, bytes, int, float, bool, type(None))


def dialog_left(loaded: Mapping[AgentState, CachedAgentState | None]) -> bool | None:
    """Whether a turn has left a dialog that waits for an answer.

    Args:
        loaded: the states that the turn has loaded, as they are at its end.

    Returns:
        None if that cannot be told: it has loaded none of the conversation's, or has not saved
        what it changed there.
    """
    found: bool | None = None
    for state, cached in loaded.items():
        if cached is None:
            continue
        stacks = list(_stacks_in(cached.state, 0))
        # Another state, of a user for instance, tells by what it has and not by what it lacks.
        if not (stacks or isinstance(state, ConversationState)):
            continue
        if cached.is_changed:
            return None
        found = found or any(stacks)
    return found


def _stacks_in(value: Any, depth: int) -> Iterator[list[Any]]:
    """The stacks of dialogs in a value."""
    if isinstance(value, _PLAIN):
        return
    known = value.get if isinstance(value, Mapping) else None
    for name in _STACKS:
        stack = getattr(value, name, None) if known is None else known(name)
        if isinstance(stack, list):
            yield stack
            return
    if known is not None and depth < _DEEPEST:
        for each in value.values():
            yield from _stacks_in(each, depth + 1)
