"""Mails: what one looks like on the wire, and the two ways out: a server (SMTP), or a folder where none is set.

Nothing here keeps or repeats anything: the outbox does. A way out either takes a mail or says by `Failure` what kind of
failure it was: final for this recipient, worth another try, or of the way itself so that others would fail as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.policy
import hashlib
import os
import re
import secrets
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from crm.core.words import N_, Refused

TIMEOUT = 20.0  # seconds for one answer of the server
WHOLE = 60.0  # seconds for one mail, however the server dribbles; an outbox lease is longer
IDLE = 30.0  # seconds after which a connection is not used again
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOCAL = {"localhost", "127.0.0.1", "::1"}
FOLDER = "mail"


class _Policy(email.policy.EmailPolicy):
    """SMTP's, but a link in a header stays one: the standard one would cut it up into encoded words."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == "List-Unsubscribe":
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


POLICY = _Policy(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed over. `security` is "none", "starttls" or "tls"; `ca` a file of the authority to trust."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    ca: str = ""

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.security})"


def is_address(text: str) -> bool:
    """Whether a mail can go there: plain ASCII, nothing that could end a line or a command."""
    return len(text) <= 200 and ADDRESS.fullmatch(text) is not None


def read_server(url: str) -> Server | None:
    """The server of ``smtp+starttls://user:password@host:587?from=a@b&ca=FILE``; None for no address. Raises
    `Refused`."""
    if not url:
        return None
    shape = N_(
        "CRM_SMTP_URL 应像 smtp+starttls://用户:口令@主机:587?from=发件人@域名（或 smtps://、smtp://），现在读不出%(what)s。"
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(shape, what="port") from None
    if parts.scheme not in PORTS:
        raise Refused(shape, what="smtp / smtp+starttls / smtps")
    if not parts.hostname:
        raise Refused(shape, what="host")
    more = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    sender = more.get("from", "") or (user if "@" in user else f"tidui@{parts.hostname}")
    if not is_address(sender):
        raise Refused(shape, what="from")
    if set(more) - {"from", "ca"}:
        raise Refused(shape, what=", ".join(sorted(set(more) - {"from", "ca"})))
    security = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}[parts.scheme]
    if user and security == "none" and parts.hostname not in LOCAL:
        raise Refused(N_("CRM_SMTP_URL 带口令时要用 smtp+starttls:// 或 smtps://，否则口令会明文传送。"))
    if not (user + password).isascii():
        raise Refused(N_("CRM_SMTP_URL 里的用户名和口令只能用英文字母、数字和符号。"))
    ca = more.get("ca", "")
    if ca and not Path(ca).is_file():
        raise Refused(N_("CRM_SMTP_URL 里的 ca=%(file)s 不是一个文件。"), file=ca)
    return Server(parts.hostname, port or PORTS[parts.scheme], security, user, password, sender, ca)


def message_id(kind: str, host: str) -> str:
    """A new Message-ID: made once, when a mail is written into the outbox."""
    domain = host if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", host) else "tidui.invalid"
    return f"<{kind}.{secrets.token_hex(12)}@{domain}>"


def one_line(text: str, most: int = 200) -> str:
    """Text that cannot end a header: no control characters, no line ends of any script."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(clean.split())[:most]


def build(
    *,
    sender: str,
    name: str,
    address: str,
    subject: str,
    text: str,
    html: str,
    message_id: str,
    at: dt.datetime,
    language: str = "zh",
    unsubscribe: str = "",
) -> EmailMessage:
    """The mail. The same arguments give the same bytes, so that a repeated one is the same mail. Raises `ValueError`
    for an address that is none."""
    if not is_address(address) or not is_address(sender):
        raise ValueError("not an address")
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address("梯队 Tidui", addr_spec=sender)
    mail["To"] = Address(one_line(name, 60), addr_spec=address)
    mail["Subject"] = one_line(subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        if not unsubscribe.isascii() or one_line(unsubscribe, 900) != unsubscribe or len(unsubscribe) > 900:
            raise ValueError("not a link")
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(text, cte="base64")
    mail.add_alternative(html, subtype="html", cte="base64")
    mail["Content-Language"] = language
    mail.set_boundary("=_tidui_" + hashlib.sha256(message_id.encode()).hexdigest()[:32])
    return mail


def to_bytes(mail: EmailMessage) -> bytes:
    """The mail as it goes out, lines ended by CRLF."""
    return mail.as_bytes(policy=POLICY)


class Failure(Exception):
    """A mail was not taken. `code` says why (`outbox`'s words); final: never for this recipient; outage: the way
    itself, so that others need not be tried now. `reply` and `text` are the server's own."""

    def __init__(
        self, code: str, *, is_final: bool = False, is_outage: bool = False, reply: int = 0, text: str = ""
    ) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final
        self.is_outage = is_outage
        self.reply = reply
        self.text = one_line(text)


class Way(Protocol):
    """How mails leave. `is_still_mine` is asked right before the mail itself is handed over."""

    def deliver(self, mail: EmailMessage, address: str, is_still_mine: Callable[[], bool]) -> str | None:
        """Returns the file it is now, None where a server has taken it. Raises `Failure`."""

    def close(self) -> None: ...


class Folder:
    """Mails as files, where no server is set: one a mail, named by its Message-ID, so that a repeated one is one."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER

    def deliver(self, mail: EmailMessage, address: str, is_still_mine: Callable[[], bool]) -> str:
        name = re.sub(r"[^A-Za-z0-9.-]", "_", str(mail["Message-ID"]).strip("<>")) + ".eml"
        partial = self.folder / f".{secrets.token_hex(6)}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_still_mine():
                raise Failure("lost")
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(to_bytes(mail))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.folder / name)
            return name
        except OSError as error:
            with contextlib.suppress(OSError):  # the folder itself may be none
                partial.unlink(missing_ok=True)
            raise Failure("folder", is_outage=True, text=error.strerror or "") from error

    def close(self) -> None:
        """Nothing is open."""


class Smtp:
    """Mails handed to a server over one connection, made again when it breaks."""

    def __init__(self, server: Server, *, timeout: float = TIMEOUT, whole: float = WHOLE) -> None:
        self.server = server
        self.timeout = timeout
        self.whole = whole
        self._smtp: smtplib.SMTP | None = None
        self._used = 0.0

    def deliver(self, mail: EmailMessage, address: str, is_still_mine: Callable[[], bool]) -> None:
        watch = threading.Timer(self.whole, self._cut)
        watch.daemon = True
        watch.start()
        try:
            self._hand_over(self._connection(), mail, address, is_still_mine)
            self._used = time.monotonic()
        except Failure:
            if self._smtp is not None:
                self._reset()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            waited = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
            raise Failure("timeout" if waited else "dropped", text=str(error)) from error
        finally:
            watch.cancel()

    def _hand_over(
        self, smtp: smtplib.SMTP, mail: EmailMessage, address: str, is_still_mine: Callable[[], bool]
    ) -> None:
        reply, text = smtp.mail(self.server.sender)
        if reply != 250:
            raise Failure("sender", is_outage=True, reply=reply, text=_said(text))
        reply, text = smtp.rcpt(address)
        if reply not in (250, 251):
            raise _refusal(reply, text)
        if not is_still_mine():
            raise Failure("lost")
        try:
            reply, text = smtp.data(to_bytes(mail))
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        if reply != 250:
            raise _refusal(reply, text)

    def _connection(self) -> smtplib.SMTP:
        """The open connection, if it still answers, else a new one."""
        if self._smtp is not None:
            try:
                if time.monotonic() - self._used < IDLE and self._smtp.noop()[0] == 250:
                    return self._smtp
            except (OSError, smtplib.SMTPException):
                pass
            self.close()
        try:
            self._smtp = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise Failure(
                "auth", is_outage=True, reply=error.smtp_code, text=_said(error.smtp_error)
            ) from error
        except ssl.SSLError as error:
            raise Failure("tls", is_outage=True, text=error.reason or str(error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Failure("tls", is_outage=True, text=str(error)) from error
        except smtplib.SMTPResponseException as error:
            raise Failure(
                "connect", is_outage=True, reply=error.smtp_code, text=_said(error.smtp_error)
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Failure("connect", is_outage=True, text=str(error)) from error
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        server = self.server
        context = ssl.create_default_context(cafile=server.ca or None)
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self.timeout, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.timeout)
        self._smtp = smtp  # so that the watch can cut it
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            self.close()
            raise
        return smtp

    def _reset(self) -> None:
        """After a refusal the connection goes on; one that does not answer is closed."""
        try:
            if self._smtp is not None and self._smtp.rset()[0] == 250:
                self._used = time.monotonic()
                return
        except (OSError, smtplib.SMTPException):
            pass
        self.close()

    def _cut(self) -> None:
        """The mail takes too long: whatever waits for the server's answer ends."""
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None:
            with contextlib.suppress(OSError):
                smtp.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.close()


def _said(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _refusal(reply: int, text: bytes | str) -> Failure:
    """What the server's answer about a recipient or a mail means: 5xx never, anything else perhaps later."""
    return Failure(
        "refused" if 500 <= reply < 600 else "deferred",
        is_final=500 <= reply < 600,
        reply=reply,
        text=_said(text),
    )


def way_out(url: str, data: Path) -> tuple[Way, str]:
    """How mails leave here, and as whom. Raises `Refused`."""
    server = read_server(url)
    return (Folder(data), "tidui@localhost") if server is None else (Smtp(server), server.sender)
