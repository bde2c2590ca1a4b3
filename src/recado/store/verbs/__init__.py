"""The verbs of the storage port, written once for every database.

Each is a coroutine over a :class:`~recado.store.session.Session`; what it promises is written in
``store/port/``, and what the statements say in each dialect under ``store/sql/``.
"""
