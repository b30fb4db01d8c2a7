"""The timeline of a record, and logging in place."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.activities import actions, queries
from crm.activities.actions import Planned
from crm.activities.actions import files as keeping
from crm.activities.forms import EntryForm, LogForm, WhyForm
from crm.activities.models import Activity
from crm.activities.queries import entries
from crm.activities.queries import files as reads
from crm.activities.queries.timeline import Group, Place
from crm.activities.rules.days import find_day
from crm.activities.rules.files import ACCEPT, LARGEST, MB
from crm.activities.rules.words import ActivityKind, Scan
from crm.activities.views.blueprint import bp
from crm.activities.views.files import quota, uploads
from crm.activities.views.mentioning import also_about, mentions
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.files import store
from crm.core.forms import options
from crm.core.i18n import gettext, say, word
from crm.core.permissions import needs, signed_in
from crm.core.records import RecordKind, kind_of, load, name_of
from crm.core.saving import Over, save
from crm.core.transaction import commit, let_go
from crm.core.web import actor, back_to, is_htmx
from crm.core.words import Message, Refused


def subject(kind: str, row_id: int) -> tuple[RecordKind, Any]:
    """The record of an address. Raises `Missing` (404) when it is not there for this person."""
    found = kind_of(kind)
    return found, load(db.session(), found, row_id, viewer=actor())


def page_of(kind: RecordKind, row: Any) -> str:
    """The address of a record's own page."""
    return url_for(kind.endpoint, **{kind.id_name: getattr(row, kind.id_from)})


@bp.get("/records/<string:kind>/<int:row_id>/timeline")
@signed_in
def timeline(kind: str, row_id: int) -> Any:
    """A part of the record's page; with `after` the next entries of it."""
    found, row = subject(kind, row_id)
    session, viewer = db.session(), actor()
    wanted = request.args.get("only", "")
    only = next((group for group in Group if group.value == wanted), None)
    place = read_place(request.args.get("after", ""))
    shown = queries.stream(session, (kind, row_id), viewer, today=today(), only=only, after=place)
    values = {
        "kind": kind,
        "row_id": row_id,
        "shown": shown,
        "more_url": url_for(".timeline", kind=kind, row_id=row_id, only=only, after=write_place(shown.more))
        if shown.more
        else None,
        "viewer": viewer,
    }
    if place is not None and is_htmx():
        return render_template("activities/_entries.html", **values)
    return render_template(
        "activities/_timeline.html" if is_htmx() else "activities/timeline.html",
        steps=queries.of_subject(session, viewer, (kind, row_id), today=today()),
        groups=list(Group),
        only=only,
        title=name_of(found, row),
        back=page_of(found, row),
        today=today(),
        may_add=viewer.may("activity:add"),
        **values,
    )


def write_place(place: Place | None) -> str:
    """A place of the stream as it stands in an address."""
    if place is None:
        return ""
    raw = json.dumps([place.on.toordinal(), place.rank, place.key])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_place(raw: str) -> Place | None:
    """What `write_place` wrote; None for anything else."""
    if not raw or len(raw) > 200:
        return None
    try:
        day, rank, key = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if not all(type(item) is int for item in (day, rank, key)) or not 0 <= key < 2**63:
            return None
        return Place(dt.date.fromordinal(day), rank, key) if 0 <= rank < 1000 else None
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        return None


def _kinds() -> list[ActivityKind]:
    may_instruct = actor().may("instruction:write")
    return [kind for kind in ActivityKind if kind is not ActivityKind.INSTRUCTION or may_instruct]


def _log_form(data: MultiDict[str, str] | None = None) -> LogForm:
    form = LogForm(data) if data is not None else LogForm()
    form.offer(queries.colleagues(db.session()), actor().user_id, _kinds())
    return form


@bp.get("/records/<string:kind>/<int:row_id>/log")
@needs("activity:add")
def log(kind: str, row_id: int) -> Any:
    found, row = subject(kind, row_id)
    wanted = request.args.get("kind", "")
    first = wanted if wanted in {item.value for item in _kinds()} else ActivityKind.VISIT.value
    form = _log_form(MultiDict({"kind": first, "on": today().isoformat()}))
    return _log_page(form, found, row)


def _log_page(
    form: LogForm,
    kind: RecordKind,
    row: Any,
    refused: str | None = None,
    lost: Sequence[str] = (),
    problems: Sequence[Message] = (),
) -> str:
    """`lost` names files that were chosen and have to be chosen again: no browser lets a page do that."""
    return render_template(
        "activities/log.html",
        form=form,
        kind=kind,
        row_id=row.id,
        title=name_of(kind, row),
        back=page_of(kind, row),
        refused=refused,
        problems=[say(item) for item in problems],
        lost=lost,
        accept=ACCEPT,
        most=LARGEST // MB,
    )


@bp.post("/records/<string:kind>/<int:row_id>/log")
@needs("activity:add")
def log_save(kind: str, row_id: int) -> Any:
    found, row = subject(kind, row_id)
    target = {found.id_name: getattr(row, found.id_from)}
    form, chosen = _log_form(), uploads()
    waits: list[bool] = []
    problems: list[Message] = []

    def write() -> None:
        let_go()  # nobody waits while the disk writes
        received = keeping.receive(store(), chosen) if chosen else []
        waits.append(_save(form, (kind, row_id), received))

    def answer() -> Any:
        flash(gettext("已记下。") + (gettext("文件检查通过后就可以下载。") if waits[0] else ""), "done")
        return back_to(found.endpoint, **target)

    def again(refused: str | None) -> str:
        lost = [each.name or "" for each in chosen]
        return _log_page(form, *subject(kind, row_id), refused, lost, problems)

    return save(form, write, done=answer, again=again, refused=lambda refusal: problems.extend(refusal.items))


def _save(form: LogForm, about: tuple[str, int], received: Sequence[keeping.Received]) -> bool:
    """Log it with its files. Whether one of them waits for its scan."""
    summary = form.summary.value or ""
    step = None
    if form.step.value or form.due_on.value or form.owner.value:
        owner = int(form.owner.value) if form.owner.value else None
        told = mentions(form.step.value or "", field="step")
        step = Planned(form.step.value or "", form.due_on.value, owner, told)
    entry = actions.log(
        db.session(), actor=actor(), at=now(), today=today(), kind=ActivityKind(form.kind.value or ""),
        on=form.on.value, summary=summary, subjects=[about, *also_about(form.also.value or "")],
        people=form.people.value,
        mentions=mentions(summary),
        their_people=form.their_people.value, place=form.place.value, step=step,
    )  # fmt: skip
    if not received:
        return False
    made = keeping.attach(
        db.session(), received, actor=actor(), today=today(), subject=about, quota=quota(), activity=entry
    )
    stored = reads.contents_of(db.session(), [one.file_id for one in made])
    return any(each.scan is Scan.WAITING for each in stored)


@bp.post("/records/<string:kind>/<int:row_id>/note")
@needs("activity:add")
def note(kind: str, row_id: int) -> Any:
    """One line in place. With a day in it (「下周三 送政策」) it is a next step, else a note of today."""
    found, row = subject(kind, row_id)
    line = request.form.get("line", "").replace("\x00", "").strip()
    try:
        text, day = find_day(line, today())
        if day is not None and day >= today() and text and text != line:
            actions.plan(
                db.session(), actor=actor(), at=now(), today=today(), subject=(kind, row_id), text=text,
                due_on=day, owner_id=actor().user_id, mentions=mentions(text),
            )  # fmt: skip
            said = gettext("已安排：%(day)s %(what)s", day=day.isoformat(), what=text)
        else:
            actions.log(
                db.session(), actor=actor(), at=now(), today=today(), kind=ActivityKind.NOTE, on=today(),
                summary=line, subjects=[(kind, row_id)], mentions=mentions(line),
            )  # fmt: skip
            said = gettext("已记下。")
        commit()
    except Refused as refusal:
        db.session.rollback()
        found, row = subject(kind, row_id)
        form = _log_form(MultiDict({"kind": "note", "on": today().isoformat(), "summary": line}))
        form.process(MultiDict({"kind": "note", "on": today().isoformat(), "summary": line}))
        return _log_page(form, found, row, form.refuse(refusal) or str(refusal)), form.http_status
    flash(said, "done")
    return back_to(found.endpoint, **{found.id_name: getattr(row, found.id_from)})


@bp.get("/activities/<int:activity_id>")
@signed_in
def show(activity_id: int) -> Any:
    session, viewer = db.session(), actor()
    told = queries.get_activity(session, activity_id, viewer=viewer)
    return _entry_page(
        "activities/show.html",
        told,
        steps=queries.lines(session, entries.steps_of(session, told.activity), viewer, today=today()),
        before=entries.said_before(session, told.activity),
        urls={about: _url_of(about) for about, _name in told.others},
        today=today(),
    )


def _url_of(about: tuple[str, int]) -> str | None:
    """The page of a record known by its kind and id, where that is enough to address it."""
    kind = kind_of(about[0])
    values: dict[str, Any] = {kind.id_name: about[1]}
    return url_for(kind.endpoint, **values) if kind.id_from == "id" else None


def _entry_page(template: str, told: Any, **more: Any) -> str:
    (code, row_id), title = told.others[0]
    found, row = subject(code, row_id)
    return render_template(template, told=told, title=title, back=page_of(found, row), viewer=actor(), **more)


def _entry_texts(entry: Activity) -> dict[str, str]:
    """An entry as its form shows it."""
    return {
        "kind": entry.kind.value, "on": entry.on.isoformat(), "summary": entry.summary,
        "their_people": entry.their_people or "", "place": entry.place or "",
    }  # fmt: skip


def _over(activity_id: int, texts: Callable[[Activity], dict[str, str]], title: str) -> Over:
    """The entry a form is over, for its author. Raises `Missing`, `Forbidden`."""

    def load_it() -> Activity:
        entry: Activity = queries.get_activity(db.session(), activity_id, viewer=actor()).activity
        actions.check_author(entry, actor=actor())
        return entry

    return Over(load_it, texts, title=title, back=url_for("activities.show", activity_id=activity_id))


def _back_to_entry(activity_id: int, said: str) -> Any:
    flash(said, "done")
    return back_to("activities.show", activity_id=activity_id)


@bp.route("/activities/<int:activity_id>/edit", methods=["GET", "POST"])
@needs("activity:add")
def edit(activity_id: int) -> Any:
    over = _over(activity_id, _entry_texts, gettext("修改动态"))
    is_instruction = over.row.kind is ActivityKind.INSTRUCTION
    kinds = [kind for kind in ActivityKind if (kind is ActivityKind.INSTRUCTION) == is_instruction]

    def offer(form: EntryForm) -> None:
        form.kind.choices = options([(item.value, word(item)) for item in kinds])

    if request.method == "POST":
        form = over.form(EntryForm, offer)
    else:
        form = EntryForm(MultiDict({**over.theirs, "version": str(over.version)}))
        offer(form)

    def write() -> None:
        summary = form.summary.value or ""
        actions.edit(
            db.session(), over.row, actor=actor(), at=now(), today=today(), version=form.version_seen,
            kind=ActivityKind(form.kind.value or ""), on=form.on.value, summary=summary,
            mentions=mentions(summary, before=over.row.summary),
            their_people=form.their_people.value, place=form.place.value,
        )  # fmt: skip

    def again(refused: str | None) -> str:
        told = queries.get_activity(db.session(), activity_id, viewer=actor())
        return _entry_page("activities/edit.html", told, form=form, refused=refused)

    if request.method == "GET":
        return again(None)
    return save(
        form, write, over=over, again=again, done=lambda: _back_to_entry(activity_id, gettext("已保存。"))
    )


@bp.route("/activities/<int:activity_id>/withdraw", methods=["GET", "POST"])
@needs("activity:add")
def withdraw(activity_id: int) -> Any:
    over = _over(activity_id, lambda entry: {}, gettext("收回动态"))
    form = (
        over.form(WhyForm) if request.method == "POST" else WhyForm(MultiDict({"version": str(over.version)}))
    )

    def write() -> None:
        actions.withdraw(
            db.session(), over.row, actor=actor(), today=today(), version=form.version_seen,
            reason=form.reason.value or "",
        )  # fmt: skip

    def again(refused: str | None) -> str:
        told = queries.get_activity(db.session(), activity_id, viewer=actor())
        return _entry_page("activities/withdraw.html", told, form=form, refused=refused)

    if request.method == "GET":
        return again(None)
    said = gettext("已收回，时间线上仍看得到收回的原因。")
    return save(form, write, over=over, again=again, done=lambda: _back_to_entry(activity_id, said))
