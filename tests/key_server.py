"""A source of key sets on a loopback socket, which counts what it is asked and can be broken."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

WELL_KNOWN = "/.well-known/jwks.json"


class Page(NamedTuple):
    """What is answered at one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}


class KeyServer:
    """Answers with `pages`, everything else with 404.

    Attributes:
        pages: by path.
        requests: the paths asked for so far.
        headers: the headers of each request, by their names in lower case.
        broken: answers everything with 500 while true.
        hanging: answers nothing while true.
        trickling: sends one byte at a time and never the last one while true.
    """

    def __init__(self, document: bytes | None = None, path: str = WELL_KNOWN) -> None:
        """Serve *document* at *path*, when there is one."""
        self.pages: dict[str, Page] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.broken = self.hanging = self.trickling = False
        self._closing = threading.Event()
        if document is not None:
            self.pages[path] = Page(document)
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> KeyServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def publish(self, document: bytes, path: str = WELL_KNOWN) -> None:
        """Serve *document* at *path* from now on."""
        self.pages[path] = Page(document)

    def close(self) -> None:
        """Refuse connections from now on, and end those that hang."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.requests.append(self.path)
                source.headers.append({name.lower(): text for name, text in self.headers.items()})
                if source.hanging:
                    source._closing.wait()
                    return
                page = source.pages.get(self.path.partition("?")[0], Page(b"not found", 404))
                if source.broken:
                    page = Page(b"broken", 500)
                self.send_response(page.status)
                self.send_header("Content-Length", str(len(page.body)))
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if source.trickling:
                    for byte in page.body[:-1]:
                        self.wfile.write(bytes([byte]))
                        if source._closing.wait(0.01):
                            return
                    source._closing.wait()
                    return
                self.wfile.write(page.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a client that goes away in the middle is what some tests are about."""
