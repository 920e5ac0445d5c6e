"""A TCP proxy before a Postgres that loses answers when it is told to."""

import re
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread


class Proxy:
    """Passes bytes on, unless it is told otherwise.

    `cut` chooses, from what a client sent, whose answer is lost together with the connection. What contains `swallow`
    does not even arrive, once; what contains `never`, never. While it is `deaf` nobody can connect.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self.port: int = self._server.getsockname()[1]
        self.cut: Callable[[bytes], bool] = lambda _: False
        self.before_cut: Callable[[], None] = lambda: None
        self.swallow: bytes | None = None
        self.never: bytes | None = None
        self.cuts = 0
        self.deaf = Event()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            for one in self._open:
                _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            if self.deaf.is_set():
                _end(client)
                _end(server)
                continue
            with self._lock:
                self._open += [client, server]
            doomed = Event()
            Thread(target=self._to_server, args=(client, server, doomed), daemon=True).start()
            Thread(target=self._to_client, args=(server, client, doomed), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, doomed: Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.swallow is not None and self.swallow in data:
                    self.swallow = None
                    self.before_cut()
                    self.cuts += 1
                    _end(client)
                    break
                if self.never is not None and self.never in data:
                    _end(client)
                    break
                if self.cut(data):
                    doomed.set()
                server.sendall(data)
        _end(server)

    def _to_client(self, server: socket.socket, client: socket.socket, doomed: Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if doomed.is_set():  # the server has answered, so it has committed; nobody hears of it
                    self.before_cut()
                    self.cuts += 1
                    break
                client.sendall(data)
        _end(client)
        _end(server)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def proxy_before(url: str) -> Generator[tuple[Proxy, str]]:
    """A proxy, and the URL that leads through it."""
    found = re.search(r"@([^:/@]+):(\d+)/", url)
    assert found is not None
    proxy = Proxy(found[1], int(found[2]))
    try:
        yield proxy, url.replace(f"@{found[1]}:{found[2]}/", f"@127.0.0.1:{proxy.port}/")
    finally:
        proxy.close()
