"""Two processes behind a balancer: one is killed, and the open page goes on at the other."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest


class Balancer(socketserver.ThreadingTCPServer):
    """TCP to the first process that takes the connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *urls: str) -> None:
        self.backends = [("127.0.0.1", urlsplit(url).port) for url in urls]
        super().__init__(("127.0.0.1", 0), Joined)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Joined(socketserver.BaseRequestHandler):
    """One connection, joined to a process until either side ends it."""

    def handle(self) -> None:
        for backend in self.server.backends:
            with contextlib.suppress(OSError), socket.create_connection(backend) as process:
                back = threading.Thread(target=pipe, args=[process, self.request])
                back.start()
                pipe(self.request, process)
                back.join()
                return


def pipe(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def balanced(served, make_served, site) -> Iterator[tuple]:
    first = make_served(served.store.parent, site)
    with Balancer(first.url, served.url) as balancer:
        threading.Thread(target=balancer.serve_forever, daemon=True).start()
        yield first, balancer
        balancer.shutdown()
    first.close()


def test_a_page_outlives_the_process_that_served_it(chromium, balanced, site) -> None:
    first, balancer = balanced
    with contextlib.closing(chromium.new_context()) as context:
        cookie = {"name": "lotkeeper_session", "value": first.session(), "url": balancer.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{balancer.url}/lots/{site.lot_id}")
        page.locator(".bay[data-id=A1][data-state=occupied]").wait_for()
        with page.expect_navigation():  # it is served anew, without a login
            first.process.kill()
            first.process.wait(10)
        site.say("A1", "free")
        page.locator(".bay[data-id=A1][data-state=free]").wait_for()
        site.say("A1", "occupied")
        page.locator(".bay[data-id=A1][data-state=occupied]").wait_for()
