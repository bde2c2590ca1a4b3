"""Somebody else's transaction, as a store: what is accepted in it counts when they commit it.

It is given as the caller has it: a connection of one of the drivers, or a session or connection
of SQLAlchemy. None of these need be installed, so they are recognised without being imported.
"""

from recado.store.borrowed.lending import borrow
from recado.store.borrowed.transaction import BorrowedStore, Transaction

__all__ = ["BorrowedStore", "Transaction", "borrow"]
