"""What publishers of benches and tests have in common: whole requests, each answered at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod


class Answering(asyncio.Protocol, ABC):
    """Answers GET by its path, without the query. `head` is what was asked last, whole."""

    def __init__(self) -> None:
        self.head = self._rest = b""

    @abstractmethod
    def answer(self, path: bytes) -> bytes:
        """Return the bytes of an answer."""

    def answered(self, path: bytes) -> None:  # not every publisher cares
        """Hear that an answer was handed to the network."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for self.head in heads:
            path = self.head.split(b" ", 2)[1].partition(b"?")[0]
            self.transport.write(self.answer(path))  # type: ignore[attr-defined]  # TCP gives a Transport
            self.answered(path)
