"""The skeleton every background service has: start, stop that waits, and one step to repeat."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from recado.clock import Clock
from recado.telemetry import ServiceFailed, Telemetry

#: How long a service waits after an error before it goes on.
_AFTER_ERROR = 1.0


class Service(ABC):
    """Repeats :meth:`run_once` until it is stopped.

    An error does not end a service: it is told to telemetry and the service goes on after a
    pause, because the database or the network may be back by then.
    """

    def __init__(self, clock: Clock, telemetry: Telemetry) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: The error of the last step; None when it went well.
        self.trouble: str | None = None

    @abstractmethod
    async def run_once(self) -> float | None:
        """Do what is to be done now.

        Returns:
            Seconds until there may be something to do again; 0 for at once, None for when woken.
        """

    async def on_stop(self) -> None:  # noqa: B027 - most have nothing to put in order
        """Put things in order after the last step."""

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def start(self) -> None:
        """Begin repeating, in a task of its own; a service that runs goes on."""
        if not self.running:
            self._stopping.clear()
            self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """Finish the present step, put things in order, and end. Whoever asks again waits too.

        A caller that stops waiting does not stop the stopping.
        """
        task = self._task
        if task is None:
            return
        self._stopping.set()
        self._wake.set()
        await asyncio.wait({task})
        if self._task is task:
            self._task = None
            if not task.cancelled():
                task.result()

    @property
    def running(self) -> bool:
        """Whether the service repeats its step."""
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                pause = await self.run_once()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 - a service outlives its errors
                pause = _AFTER_ERROR
                self._tell(error)
            if pause == 0 or self._stopping.is_set():
                continue
            await self._clock.wait(self._wake, pause)
        try:
            await self.on_stop()
        except Exception as error:  # noqa: BLE001 - it is told, and whoever stops us goes on
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        self.trouble = f"{type(error).__name__}: {error}"
        self._telemetry.emit(ServiceFailed(service=type(self).__name__, error=self.trouble))
