"""The common base of simulated publishers: an HTTP server that answers each request at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod


class PathResponder(asyncio.Protocol, ABC):
    """Answers GET requests by their path without the query.

    `head` is the whole head of the last request.
    """

    def __init__(self) -> None:
        self.head = self._rest = b""

    @abstractmethod
    def answer(self, path: bytes) -> bytes:
        """Return the bytes of an answer."""

    def answered(self, path: bytes) -> None:  # optional
        """Do what is needed after an answer was handed to the network."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for self.head in heads:
            path = self.head.split(b" ", 2)[1].partition(b"?")[0]
            self.transport.write(self.answer(path))  # type: ignore[attr-defined]  # TCP gives a Transport
            self.answered(path)
