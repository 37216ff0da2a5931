"""A TCP proxy that can be told to misbehave: cut, delay, go silent, or swallow the answer to a COMMIT."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

# what PostgreSQL answers when a transaction is durable: CommandComplete, eleven bytes, "COMMIT"
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
PIECE = 65536


class Proxy:
    """Listen on a port of the loopback and carry bytes to a target, a port or a Unix socket."""

    def __init__(self, target: Callable[[], int | Path]) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.swallow = 0  # how many answers to COMMIT are still to be lost
        self.swallowed = 0
        self.delay = 0.0  # seconds for which each piece waits
        self.silent = False  # take bytes and pass none on
        self.closed = False
        threading.Thread(target=self._accept, name=f"proxy-{self.port}", daemon=True).start()

    def cut(self) -> int:
        """End every connection now, in the middle of whatever it carries."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._end(pair)
        return len(pairs)

    def heal(self) -> None:
        self.delay, self.silent, self.swallow = 0.0, False, 0

    def close(self) -> None:
        self.closed = True
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _connect(self) -> socket.socket:
        target = self.target()
        if isinstance(target, int):
            return socket.create_connection(("127.0.0.1", target), timeout=5)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.settimeout(5)
        try:
            server.connect(str(target))
        except OSError:
            server.close()
            raise
        return server

    def _carry(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        chooser = selectors.DefaultSelector()
        try:
            chooser.register(client, selectors.EVENT_READ, server)
            chooser.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in chooser.select(timeout=1):
                    source, sink = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    piece = source.recv(PIECE)
                    if not piece or not self._pass(piece, from_server=source is server):
                        return
                    if not self.silent:
                        sink.sendall(piece)
                if client.fileno() < 0 or server.fileno() < 0:
                    return
        except (OSError, ValueError):
            return
        finally:
            chooser.close()
            self._end(pair)

    def _pass(self, piece: bytes, *, from_server: bool) -> bool:
        """Tell whether a piece may go on; a swallowed answer ends the connection instead."""
        if self.delay:
            time.sleep(self.delay)
        if from_server and COMMITTED in piece:
            with self.lock:
                if self.swallow > 0:
                    self.swallow -= 1
                    self.swallowed += 1
                    return False
        return True

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self.lock:
            self.pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
