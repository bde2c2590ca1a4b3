"""What the local channel answers when it does not do what it was asked to."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - reads better where it is raised
    """A Direct Line or Connector request was refused, in the protocol's own terms.

    It is an answer rather than an error of Recado's: the routes and the channel turn it into the
    protocol's form, and nobody else sees it.

    Attributes:
        status: the HTTP status.
        error: the code in the protocol's error body (protocol §2.2), for example ``TokenExpired``.
    """

    def __init__(self, status: int, error: str, message: str) -> None:
        self.status, self.error = status, error
        super().__init__(message)


def conversation_not_found() -> Refusal:
    """The refusal for a conversation the local channel does not have."""
    return Refusal(404, "ConversationNotFound", "There is no such conversation: start a new one.")
