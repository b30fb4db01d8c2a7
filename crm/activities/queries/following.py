"""What hangs on any record by its kind and id: a kind that merges takes these along."""

from __future__ import annotations

from crm.activities.models import ActivitySubject, Attachment, InboxItem, NextStep
from crm.core.merging import Stays
from crm.core.records import Fact, Part
from crm.core.words import N_


def follow_up(code: str) -> tuple[Part, ...]:
    """The timeline, next steps and files of records of this kind."""
    return (
        Part(ActivitySubject, "subject_id", ("activity_id", "kind"), (Fact("on", N_("日期")),), of_kind=code),
        Part(NextStep, "subject_id", of_kind=code),
        Part(Attachment, "subject_id", of_kind=code),
    )


TOLD = Stays(InboxItem, "subject_id", N_("收件箱里的话说的是当时那一条"))
