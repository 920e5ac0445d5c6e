"""The fuse that keeps tests off the network works."""

import asyncio
import socket

import pytest

from .conftest import NetworkForbiddenError

ELSEWHERE = "192.0.2.1"  # reserved for documentation; nobody answers


def test_a_connection_to_elsewhere_is_refused() -> None:
    with socket.socket() as client, pytest.raises(NetworkForbiddenError):
        client.connect((ELSEWHERE, 80))


def test_a_datagram_to_elsewhere_is_refused() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as client,
        pytest.raises(NetworkForbiddenError),
    ):
        client.sendto(b"?", (ELSEWHERE, 53))


async def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(NetworkForbiddenError):
        await asyncio.open_connection("turnlog.invalid", 80)


def test_the_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
