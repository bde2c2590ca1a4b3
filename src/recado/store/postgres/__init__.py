"""The store on PostgreSQL, for any number of processes on any number of machines."""

from recado.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
