"""Clients of the console's TLS that connect and shake no hands: they are cut off in time, and keep nobody out."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from synapsor.approve.console import listen
from synapsor.approve.console.guard import LIMITS
from synapsor.web import handshakes
from tests.attack.desk import Hall, hall
from tests.attack.shop import open_shop
from tests.databases import load_sqlite


@asynccontextmanager
async def by_tls(tmp_path: Path) -> AsyncIterator[tuple[Hall, ssl.SSLContext]]:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.touch(mode=0o600)
    key.write_bytes(certificate.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    tls = {"certificate": str(chain), "key": str(key)}
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop, tls=tls) as desk,
    ):
        yield desk, context


async def knock(desk: Hall, context: ssl.SSLContext) -> int:
    async with httpx2.AsyncClient(verify=context, trust_env=False, timeout=60) as client:
        return (await client.get(f"https://127.0.0.1:{desk.port}/healthz")).status_code


@pytest.mark.requirement("console:bounded")
async def test_of_those_who_shake_no_hands_the_longest_waiting_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "LIMITS", replace(LIMITS, header_s=600.0))  # so that no clock does it
    async with by_tls(tmp_path) as (desk, context):
        idle = [await asyncio.open_connection("127.0.0.1", desk.port) for _ in range(LIMITS.handshakes + 8)]
        first, _ = idle[0]
        assert await asyncio.wait_for(first.read(), 60) == b""
        assert await knock(desk, context) == 200
        assert not idle[-1][0].at_eof()
        for _, writer in idle:
            writer.close()


@pytest.mark.requirement("console:bounded")
async def test_a_shortage_of_descriptors_ends_when_it_is_over_and_somebody_who_comes_then_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshakes, "_NOTHING_TO_ACCEPT_WITH_S", 0.0)
    loop = asyncio.get_running_loop()
    accept, short = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files")] * 3

    async def sock_accept(listener: socket.socket) -> Any:
        if short:
            raise short.pop()
        return await accept(listener)

    async with by_tls(tmp_path) as (desk, context):
        monkeypatch.setattr(loop, "sock_accept", sock_accept)
        assert await knock(desk, context) == 200, "which was waited for before"
        assert await knock(desk, context) == 200
        assert short == []


@pytest.mark.requirement("console:bounded")
async def test_who_has_not_shaken_hands_in_time_is_cut_off_and_what_is_no_tls_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "LIMITS", replace(LIMITS, header_s=1.0))
    async with by_tls(tmp_path) as (desk, context):
        reader, silent = await asyncio.open_connection("127.0.0.1", desk.port)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        reader, plain = await asyncio.open_connection("127.0.0.1", desk.port)
        plain.write(b"GET / HTTP/1.1\r\n\r\n")
        assert not (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP")
        assert await knock(desk, context) == 200
        for writer in (silent, plain):
            writer.close()
