"""Meeting: people come to be known at the same moment at which something is decided about them.

A name of somebody is learned while another process records what they allow, or accepts something
for them: both look at what the other has done, and neither sees it before it is committed. So they
do it one after the other: those who learn names together, those who decide alone.
"""

from __future__ import annotations

from recado.store.session import Session, statements

_SQL = statements("meeting")


async def together(db: Session) -> None:
    """Until the end of the transaction nobody decides anything by the names that are known."""
    await db.value(_SQL["together"])


async def alone(db: Session) -> None:
    """Until the end of the transaction nobody learns a name, or decides anything by names."""
    await db.value(_SQL["alone"])
