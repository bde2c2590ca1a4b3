"""The adapters that settings name. Only here are they named; everything below is given them."""

from __future__ import annotations

from collections.abc import Callable

from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.local import LOCAL_SERVICE_URL
from recado.channel.port import Channel
from recado.channel.tokens import NoTokens, Tokens, msal_tokens
from recado.clock import Clock
from recado.config import Settings, sdk_configuration
from recado.database_url import PostgresAddress, SqliteFile
from recado.store.borrowed import Transaction, borrow
from recado.store.port import Store
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore


def store_for(settings: Settings, clock: Clock | None) -> Store:
    """The store that *settings* name."""
    match settings.database:
        case SqliteFile(path=path):
            return SqliteStore(path, clock)
        case PostgresAddress() as address:
            return PostgresStore(address, clock, connections=settings.database_connections)


def lender_for(settings: Settings, store: Store | None) -> Callable[[object], Transaction]:
    """What recognises transactions in Recado's database."""
    place = None if store is not None else settings.database
    return lambda transaction: borrow(transaction, place)


def hosts_for(settings: Settings) -> HostRules:
    """Which service URLs may be used."""
    local = settings.credentials is None and not settings.exposed
    reserved = LOCAL_SERVICE_URL.partition("://")[2].strip("/")
    return HostRules(
        extra_hosts=frozenset({*settings.extra_hosts, reserved}),
        allow_loopback=settings.demo or local,
    )


def tokens_for(settings: Settings, clock: Clock) -> Tokens:
    """The bot's tokens."""
    if settings.credentials is None:
        return NoTokens()
    return msal_tokens(sdk_configuration(settings.credentials), clock)


def connector_for(settings: Settings, hosts: HostRules, tokens: Tokens, clock: Clock) -> Channel:
    """The way to channels that are not in this process."""
    ca_pem = settings.ca_file.read_bytes() if settings.ca_file else None
    return ConnectorChannel(
        ConnectorSettings(connections=settings.connections, ca_pem=ca_pem), hosts, tokens, clock
    )
