"""Store items as bots have them."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from microsoft_agents.hosting.core import StoreItem


@dataclass(eq=True)
class Note(StoreItem):
    """An item that is an object in JSON."""

    data: dict[str, Any] = field(default_factory=dict)

    def store_item_to_json(self) -> MutableMapping[str, Any]:
        return self.data

    @staticmethod
    def from_json_to_store_item(json_data: MutableMapping[str, Any]) -> Note:
        return Note(dict(json_data))


@dataclass(eq=True)
class Pair(StoreItem):
    """An item that is a list in JSON, which the SDK's tests have as well."""

    data: dict[str, Any]
    flag: bool = True

    def store_item_to_json(self) -> Any:
        return [self.data, self.flag]

    @staticmethod
    def from_json_to_store_item(json_data: Any) -> Pair:
        return Pair(json_data[0], json_data[1])
