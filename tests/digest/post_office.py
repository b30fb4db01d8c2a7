"""A real SMTP server that misbehaves when told to: by recipient, once, a few times or always."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.databases import free_port

USER, PASSWORD = "tidui", "pine-Lz47"


@dataclass
class Letterbox:
    """What came in, and how to answer: `ways[address]` is what happens to its next mails, then all is well."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    ways: dict[str, list[str]] = field(default_factory=dict)
    always: str = ""
    tries: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def way(self, address: str) -> str:
        with self.lock:
            waiting = self.ways.get(address, [])
            return waiting.pop(0) if waiting else self.always

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for _address, mail in self.received]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        self.tries[address] += 1
        way = self.way(address)
        envelope.rcpt_tos.append(address)
        session.way = way
        if way[:1] in "45" and way:
            envelope.rcpt_tos.pop()
            return way
        if way == "hang":
            await asyncio.sleep(60)
        if way == "drop":
            server.transport.abort()
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        way = getattr(session, "way", "")
        if way == "drop-before-250":  # nobody knows whether it was taken: here it was not
            server.transport.abort()
            return "250 OK"
        if way == "hang-after-data":
            await asyncio.sleep(60)
        if way.startswith("data-"):
            return way.removeprefix("data-")
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.received.extend((address, mail) for address in envelope.rcpt_tos)
        if way == "drop-after-taking":
            server.transport.abort()
        return "250 OK"


class Dropping(SMTP):
    """Drops the line in the middle of the mail when told to."""

    async def smtp_DATA(self, arg: str) -> None:
        if getattr(self.session, "way", "") == "drop-mid-mail":
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


@dataclass
class Office:
    box: Letterbox
    port: int
    ca: Path | None

    def url(self, scheme: str = "smtp", user: str = "", password: str = "") -> str:
        sign = f"{user}:{password}@" if user else ""
        more = f"&ca={self.ca}" if self.ca else ""
        return f"{scheme}://{sign}localhost:{self.port}?from=tidui@zone.example{more}"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=good)


@contextmanager
def office(
    folder: Path | None = None, *, security: str = "none", needs_sign_in: bool = False, port: int = 0
) -> Iterator[Office]:
    """A server on this machine; with `security` "tls" or "starttls" its authority's certificate lies in `folder`."""
    box, context, ca = Letterbox(), None, None
    if security != "none":
        assert folder is not None
        authority = trustme.CA()
        ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)

    class Here(Controller):
        def factory(self) -> SMTP:
            return Dropping(
                box,
                tls_context=context if security == "starttls" else None,
                require_starttls=security == "starttls",
                authenticator=authenticate if needs_sign_in else None,
                auth_required=needs_sign_in,
                auth_require_tls=security == "starttls",
                enable_SMTPUTF8=False,
            )

    controller = Here(
        box,
        hostname="localhost",
        port=port or free_port(),
        ssl_context=context if security == "tls" else None,
    )
    controller.start()
    try:
        yield Office(box, controller.port, ca)
    finally:
        controller.stop(no_assert=True)
