"""A mail on the wire, and a real server that refuses, hangs and drops the line."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from crm.core import mail
from crm.core.mail import Failure, Folder, Server, Smtp
from crm.core.words import Refused
from tests.digest.post_office import PASSWORD, USER, Office, office

AT = dt.datetime(2026, 11, 23, 0, 30, tzinfo=dt.UTC)
LIN = "lin@zone.example"
FOLDED = "https://tidui.zone.example/digest/mute/" + "Wzk5LCJhbGwiXQ" * 8


def a_mail(address: str = LIN, name: str = "林晓雯", subject: str = "梯队每周提醒：3 件事") -> EmailMessage:
    return mail.build(
        sender="tidui@zone.example", name=name, address=address, subject=subject, text="您好\n两行\n",
        html="<p>您好</p>\n", message_id="<digest.1@zone.example>", at=AT, unsubscribe=FOLDED,
    )  # fmt: skip


def read(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def send(way: Smtp | Folder, address: str = LIN) -> None:
    way.deliver(a_mail(address), address, lambda: True)


def smtp(url: str, timeout: float = 1.0, whole: float = 5.0) -> Smtp:
    server = mail.read_server(url)
    assert server is not None
    return Smtp(server, timeout=timeout, whole=whole)


@pytest.fixture
def here() -> Iterator[Office]:
    with office() as opened:
        yield opened


def test_the_same_mail_is_the_same_bytes() -> None:
    assert mail.to_bytes(a_mail()) == mail.to_bytes(a_mail())


def test_a_mail_has_both_parts_and_the_links_of_rfc_8058() -> None:
    found = read(mail.to_bytes(a_mail()))
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None and rich is not None
    assert plain.get_content().replace("\r\n", "\n") == "您好\n两行\n" and "您好" in rich.get_content()
    assert found["List-Unsubscribe"] == f"<{FOLDED}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (found["Auto-Submitted"], found["Content-Language"]) == ("auto-generated", "zh")
    assert all(len(line) <= 998 for line in mail.to_bytes(a_mail()).split(b"\r\n"))


@pytest.mark.parametrize(
    "nasty", ["甲\r\nBcc: x@evil.example", "甲\nX: y", "甲\u2028X: y", "甲\x85X", "甲\0", '"><x']
)
def test_nothing_typed_becomes_a_header(nasty: str) -> None:
    raw = mail.to_bytes(a_mail(name=nasty, subject=nasty))
    found = read(raw)
    assert set(found.keys()) == set(read(mail.to_bytes(a_mail())).keys())
    assert not any(line.startswith((b"Bcc", b"X")) for line in raw.splitlines())


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nRCPT TO:<x@y>", "a b@c", "a@", "@b", "<a@b>", "甲@b.cn", "a@b..c", "a" * 300 + "@b.cn"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not mail.is_address(address)
    with pytest.raises(ValueError):
        a_mail(address)


def test_an_address_of_a_server_is_read() -> None:
    assert mail.read_server("") is None
    found = mail.read_server("smtp+starttls://u%40z:p%3Aw@mail.example?from=a@b.cn")
    assert found == Server("mail.example", 587, "starttls", "u@z", "p:w", "a@b.cn")
    assert "p:w" not in repr(found)
    assert mail.read_server("smtps://h") == Server("h", 465, "tls", "", "", "tidui@h")


@pytest.mark.parametrize(
    "url", ["http://h", "smtp://", "smtp://h:99999", "smtp://h?from=x", "smtp://h?form=a@b.cn", "smtp://u:p@h",
            "smtps://h?ca=/nowhere", "smtps://u:%E4%BF%A1@h"],
)  # fmt: skip
def test_an_address_of_a_server_that_cannot_be_right_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        mail.read_server(url)


def test_a_mail_is_handed_over(here: Office) -> None:
    way = smtp(here.url())
    send(way)
    send(way, "wang@zone.example")
    way.close()
    assert [address for address, _mail in here.box.received] == [LIN, "wang@zone.example"]
    assert here.box.received[0][1]["Message-ID"] == "<digest.1@zone.example>"


@pytest.mark.parametrize(("security", "scheme"), [("tls", "smtps"), ("starttls", "smtp+starttls")])
def test_it_is_handed_over_encrypted_to_a_server_that_knows_us(
    tmp_path: Path, security: str, scheme: str
) -> None:
    with office(tmp_path, security=security, needs_sign_in=security == "starttls") as opened:
        known = (USER, quote(PASSWORD)) if security == "starttls" else ("", "")
        way = smtp(opened.url(scheme, *known), 5)
        send(way)
        way.close()
        assert len(opened.box.received) == 1
        stranger = opened.url(scheme, *known).partition("&ca=")[0]
        with pytest.raises(Failure) as caught:  # an authority nobody here trusts
            send(smtp(stranger, 5))
        assert (caught.value.code, caught.value.is_outage) == ("tls", True)
        if security == "starttls":
            with pytest.raises(Failure) as caught:
                send(smtp(opened.url(scheme, USER, "wrong"), 5))
            assert (caught.value.code, caught.value.is_outage, caught.value.reply) == ("auth", True, 535)
        assert len(opened.box.received) == 1


def test_a_server_without_starttls_never_sees_the_mail(here: Office) -> None:
    with pytest.raises(Failure) as caught:
        send(smtp(here.url("smtp+starttls")))
    assert caught.value.code == "tls" and here.box.tries == {}


@pytest.mark.parametrize(
    ("way", "code", "is_final"),
    [
        ("451 later", "deferred", False), ("450 busy", "deferred", False), ("550 unknown", "refused", True),
        ("data-451 later", "deferred", False), ("data-554 spam", "refused", True), ("hang", "timeout", False),
        ("hang-after-data", "timeout", False), ("drop", "dropped", False), ("drop-mid-mail", "dropped", False),
        ("drop-before-250", "dropped", False), ("drop-after-taking", "dropped", False),
    ],
)  # fmt: skip
def test_what_a_server_does_to_one_mail_is_that_mails_alone(
    here: Office, way: str, code: str, is_final: bool
) -> None:
    here.box.ways[LIN] = [way]
    line = smtp(here.url())
    with pytest.raises(Failure) as caught:
        send(line)
    assert (caught.value.code, caught.value.is_final, caught.value.is_outage) == (code, is_final, False)
    send(line, "wang@zone.example")  # the next one goes
    send(line)  # and so does this one, again
    line.close()
    assert [address for address, _mail in here.box.received][-2:] == ["wang@zone.example", LIN]
    assert len(set(here.box.ids())) == 1


def test_a_server_that_is_away_is_everybodys_concern() -> None:
    with pytest.raises(Failure) as caught:
        send(smtp("smtp://localhost:1?from=a@b.cn"))
    assert (caught.value.code, caught.value.is_outage) == ("connect", True)


def test_a_server_that_dribbles_is_cut_off(here: Office) -> None:
    here.box.ways[LIN] = ["hang"]
    line, began = smtp(here.url(), timeout=120, whole=1), time.monotonic()
    with pytest.raises(Failure) as caught:
        send(line)
    line.close()
    assert caught.value.code == "dropped" and time.monotonic() - began < 60


def test_a_mail_that_is_not_ours_any_more_is_not_handed_over(here: Office, tmp_path: Path) -> None:
    for way in (smtp(here.url()), Folder(tmp_path)):
        with pytest.raises(Failure) as caught:
            way.deliver(a_mail(), LIN, lambda: False)
        assert caught.value.code == "lost"
        way.close()
    assert here.box.received == [] and list(tmp_path.rglob("*.*")) == []


def test_without_a_server_a_mail_is_a_file_and_a_repeated_one_the_same_file(tmp_path: Path) -> None:
    way = Folder(tmp_path)
    send(way)
    send(way)
    [path] = (tmp_path / "mail").iterdir()
    assert path.read_bytes() == mail.to_bytes(a_mail())
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
