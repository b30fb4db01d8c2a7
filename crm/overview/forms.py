"""Forms of the roof."""

from __future__ import annotations

from crm.core.forms import RuledText, VersionedForm
from crm.core.words import N_, Refused


def _reason(typed: str) -> str:
    text = " ".join(typed.split())
    if len(text) > 200:
        raise Refused(N_("太长了。"))
    return text


class RestoreForm(VersionedForm):
    reason = RuledText(N_("原因"), _reason)
