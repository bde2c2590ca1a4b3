"""Filters: an audience by what conversations and the people in them are like.

The short form is ``where:channel=msteams,locale=es,locale=pt``: conditions with a comma between
them, each an attribute and a value. An attribute named twice may have either value; conditions on
different attributes all have to hold. ``%``, ``,`` and everything else that would be misread is
percent-encoded in values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, cast
from urllib.parse import quote, unquote

from recado.domain.reference import Health
from recado.domain.text import usable
from recado.errors import InvalidAudience

#: One value, or several of which any will do.
Values = str | Sequence[str]

#: Kinds of conversations, in Teams' words.
TYPES: Final = ("personal", "groupChat", "channel")
#: Attributes whose values are known beforehand.
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "type": TYPES,
    "health": tuple(str(each) for each in Health),
}
#: What needs no encoding in a value, besides letters, digits and ``_.-~``.
_PLAIN: Final = ":;@/+|*()!'&$?#="


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Every conversation known at the moment of acceptance for which all conditions hold.

    Each takes a value, or several of which any will do. An empty condition is none.

    Attributes:
        channel: the base channel, for example ``msteams``.
        tenant: the directory tenant.
        locale: a language, which includes its regions (``es`` is also ``es-MX``), or one region.
            Compared without case.
        timezone: the IANA name.
        type: ``personal``, ``groupChat`` or ``channel``.
        health: whether it can be spoken in: ``active``, ``suspect``, ``blocked`` …
        member: somebody is in it: channel user id, directory object id or e-mail.
        domain: somebody is in it whose e-mail address is in this domain.
    """

    channel: Values = ()
    tenant: Values = ()
    locale: Values = ()
    timezone: Values = ()
    type: Values = ()
    health: Values = ()
    member: Values = ()
    domain: Values = ()

    def __post_init__(self) -> None:
        for name in ATTRIBUTES:
            object.__setattr__(self, name, _values(name, getattr(self, name)))
        if not self.conditions:
            raise InvalidAudience(f"`where` needs a condition: {_HELP}; for no condition say all.")

    @property
    def conditions(self) -> Mapping[str, tuple[str, ...]]:
        """The values of each attribute that has a condition."""
        named = {name: tuple(getattr(self, name)) for name in ATTRIBUTES}
        return {name: values for name, values in named.items() if values}

    @property
    def short(self) -> str:
        """Its short form, without ``where:``."""
        return ",".join(
            f"{name}={quote(value, safe=_PLAIN)}"
            for name, values in self.conditions.items()
            for value in values
        )


ATTRIBUTES: Final = tuple(each.name for each in fields(Where))
_HELP: Final = f"the attributes are {', '.join(ATTRIBUTES)}, as in where:channel=msteams,locale=es"


def parse_where(text: str) -> Where:
    """Read the short form of a filter, without ``where:``.

    Raises:
        InvalidAudience: there is no such attribute, or it cannot have such a value.
    """
    told: dict[str, list[str]] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or name not in ATTRIBUTES:
            raise InvalidAudience(f"{part!r} is no condition: {_HELP}.")
        told.setdefault(name, []).append(unquote(value))
    return Where(**{name: tuple(values) for name, values in told.items()})


def _values(name: str, given: object) -> tuple[str, ...]:
    told = _listed(given)
    if told is None or not all(isinstance(each, str) and each and usable(each) for each in told):
        raise InvalidAudience(f"{name} has a value that is no text: {given!r}.")
    choices = _CHOICES.get(name)
    for each in told:
        if choices is not None and each not in choices:
            raise InvalidAudience(f"{name} cannot be {each!r}: choose {', '.join(choices)}.")
    # The same condition twice says nothing more.
    return tuple(dict.fromkeys(str(each) for each in told))


def _listed(given: object) -> tuple[object, ...] | None:
    if isinstance(given, str):
        return (given,)
    listed = isinstance(given, Iterable) and not isinstance(given, bytes | Mapping)
    return tuple(cast("Iterable[object]", given)) if listed else None
