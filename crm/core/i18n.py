"""Two languages: Chinese source strings, one English catalogue; numbers and dates as `ux.md` wants them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, force_locale, get_translations, lazy_gettext, pgettext
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from crm.core.clock import local, today
from crm.core.words import Message, Money, Named, Refused, Word

__all__ = ["gettext", "language", "lazy_gettext", "pgettext", "say", "word"]

LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "tidui_lang"


_spoken: ContextVar[str | None] = ContextVar("tidui_spoken", default=None)
_known: ContextVar[Any] = ContextVar("tidui_known", default=None)  # the translations of what is spoken


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within the block everything is said in this language, whoever asks (a mail is in its reader's)."""
    chosen = code if code in LANGUAGES else "zh"
    token = _spoken.set(chosen)
    try:
        with force_locale(chosen):
            kept = _known.set(get_translations())
            try:
                yield
            finally:
                _known.reset(kept)
    finally:
        _spoken.reset(token)


def language() -> str:
    """The language of this request: the person's, else the cookie's, else the browser's, else Chinese."""
    spoken = _spoken.get()
    if spoken is not None:
        return spoken
    if not has_request_context():
        return "zh"
    chosen = g.get("language") or session.get("language") or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(["zh", "en"], "zh") or "zh"


def translated(text: str, count: Any = None) -> str:
    """The reader's words for a source string, not filled in. Where English has a singular, `count` chooses it."""
    known = _known.get() or get_translations()
    digits = str(count).replace(",", "")
    found = known.ungettext(text, text, int(digits) if digits.isdecimal() else 2)
    return str(found if found != text else known.ugettext(text))


def gettext(text: str, /, **params: Any) -> str:
    """A source string in the reader's language; `n` is the count a plural follows."""
    shown = translated(text, params.get("n"))
    return shown % params if params else shown


@pass_eval_context
def _in_page(page: EvalContext, text: str, /, **params: Any) -> str:
    """What `_("…")` is in a template: parameters are escaped."""
    count = params.get("n")  # it may be a link with the number in it
    shown = translated(text, count.striptags() if isinstance(count, Markup) else count)
    return (Markup(shown) if page.autoescape else shown) % params  # noqa: S704


def word(value: Any) -> str:
    """The label of an enum member (or of any source string) in the reader's language."""
    if value is None:
        return "—"
    if isinstance(value, Named):
        return value.en if language() == "en" else value.zh
    return say(value.label if isinstance(value, Word) else str(value))


def say(text: str | Message | Refused, /, **params: Any) -> str:
    """Render a source string, `Message` or `Refused` in the reader's language; parameters are rendered too."""
    message = text.message if isinstance(text, Refused) else text
    if isinstance(message, Message):
        source, params = message.text, dict(message.params)
    else:
        source = message
    shown = {key: _param(value) for key, value in params.items()}
    context, mark, plain = source.rpartition("\x04")
    return str(pgettext(context, plain, **shown) if mark else gettext(plain, **shown))


def _param(value: Any) -> Any:
    if isinstance(value, Word | Named | Message | Refused):
        return word(value) if isinstance(value, Word | Named) else say(value)
    if isinstance(value, Money):
        return money(value.yuan)
    if isinstance(value, dt.datetime):
        return local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return gettext("、").join(str(_param(item)) for item in value)
    return value


def number(value: int | None) -> str:
    """A count with thousands by comma; missing is a dash."""
    return "—" if value is None else f"{value:,}"


def wan(value: int | None) -> str:
    """Whole yuan as 万元, two decimals only where they say something; missing is a dash."""
    if value is None:
        return "—"
    text = f"{value / 10_000:,.2f}"
    return text.removesuffix(".00")


def yuan(value: int) -> str:
    """Whole yuan as 万元 with its unit; English has no word for it and shows the yuan: ¥5,000,000."""
    if language() == "en":
        return f"{'-' if value < 0 else ''}¥{abs(value):,}"
    return gettext("%(amount)s 万元", amount=wan(value))


def money(value: int | None) -> str:
    """Whole yuan with its unit by size: 亿元 with two decimals from 一亿 on, else 万元."""
    if value is None:
        return "—"
    if abs(value) >= 100_000_000 and language() != "en":
        return gettext("%(amount)s 亿元", amount=f"{value / 100_000_000:,.2f}")
    return yuan(value)


def day(value: dt.date | None) -> str:
    return "—" if value is None else value.isoformat()


def moment(value: dt.datetime | None) -> str:
    """A moment as Shanghai time to the minute."""
    return "—" if value is None else local(value).strftime("%Y-%m-%d %H:%M")


def relative(value: dt.date | None, base: dt.date | None = None) -> str:
    """「3 天后」 beside a date; empty when the date is missing."""
    if value is None:
        return ""
    days = (value - (base or today())).days
    if days == 0:
        return str(gettext("今天"))
    if days == 1:
        return str(gettext("明天"))
    if days == -1:
        return str(gettext("昨天"))
    if days > 0:
        return str(gettext("%(n)d 天后", n=days))
    return str(gettext("%(n)d 天前", n=-days))


def init(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = f"{app.root_path}/translations"
    Babel(app, locale_selector=language)
    app.jinja_env.globals["gettext"] = _in_page
    app.jinja_env.filters.update(
        word=word, say=say, number=number, wan=wan, money=money, day=day, moment=moment, relative=relative
    )
    app.jinja_env.globals.update(language=language, LANGUAGES=LANGUAGES)
