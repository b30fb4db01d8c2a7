"""Errors in plain words: a page with a number and the request id, never internals; every fault logged once."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask.globals import request_ctx
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from crm.core.db import db
from crm.core.files import FULL, NO_ROOM, NoRoom
from crm.core.i18n import say
from crm.core.permissions import Forbidden
from crm.core.web import is_htmx, log
from crm.core.words import N_, Conflict, Later, Missing, Refused

TITLES = {
    400: N_("请求看不懂"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("这个地址不能这样用"),
    409: N_("别人刚刚改过"),
    410: N_("文件的内容不见了"),
    413: N_("文件太大"),
    414: N_("地址太长"),
    415: N_("格式不支持"),
    422: N_("没有保存"),
    423: N_("文件还不能下载"),
    429: N_("太快了,请稍候"),
    500: N_("出错了"),
    503: N_("暂时用不了"),
}
SENTENCES = {
    400: N_("请返回上一页重试。如果是表单,可能是页面放得太久:刷新后再提交。"),
    403: N_("您的角色不能打开这个页面。需要时请联系安全管理员授权。"),
    404: N_("这条记录不存在，或者不在您的可见范围内。"),
    405: N_("请从页面上的按钮或链接进入。"),
    409: N_("请返回,看看新的内容后再保存。您的改动没有覆盖别人的。"),
    410: N_("文件登记过，但内容在存放处找不到了。请告诉系统管理员。"),
    413: N_("上传的内容超过 64 MB。请拆成几个文件,或去掉图片后再传。"),
    414: N_("请缩短筛选条件后再试。"),
    415: N_("请换一种文件格式。"),
    422: N_("请按提示修改后再提交。"),
    423: N_("这个文件还在检查，检查通过后才能下载，请稍后再来。"),
    429: N_("请等一会儿再试。"),
    500: N_("已经记录下来。数据没有改动;如果再次出现,请把下面的编号告诉系统管理员。"),
    503: N_("数据库暂时连不上,您没有被退出,稍后刷新即可。"),
}


def answer(status: int, sentence: str | None = None) -> tuple[Any, int]:
    """An error page, its partial for htmx, or JSON, in the reader's language."""
    title = say(TITLES.get(status, TITLES[500]))
    text = sentence or say(SENTENCES.get(status, SENTENCES[500]))
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return jsonify(
            error={"status": status, "title": title, "detail": text, "request_id": g.get("request_id")}
        ), status
    if (
        request_ctx.url_adapter is None
    ):  # a Host that no computer can have: a page could not name its style sheet
        return Response(
            f"{title}\n{text}\n{g.get('request_id', '')}\n", content_type="text/plain; charset=utf-8"
        ), 400
    template = "errors/partial.html" if is_htmx() else "errors/page.html"
    return render_template(template, status=status, title=title, text=text), status


def _later(error: Later) -> Any:
    db.session.rollback()
    log.info("later", seconds=error.seconds)
    made = make_response(*answer(429, say(error.message)))
    made.headers["Retry-After"] = str(error.seconds)
    return made


def _refused(error: Refused) -> tuple[Any, int]:
    db.session.rollback()
    status = 422
    for kind, code in ((Missing, 404), (Forbidden, 403), (Conflict, 409), (NoRoom, 503)):
        if isinstance(error, kind):
            status = code
    log.info("refused", text=error.text, status=status)
    return answer(status, None if status == 404 else say(error))


def _http(error: HTTPException) -> Any:
    db.session.rollback()
    if error.code is None or error.code < 400:
        return error.get_response()
    page, status = answer(error.code)
    response = error.get_response()
    made = make_response(page, status)
    if allow := response.headers.get("Allow"):
        made.headers["Allow"] = allow
    return made


def _fault(error: Exception) -> tuple[Any, int]:
    """A fault of ours: logged once with its trace, told with a number."""
    try:
        db.session.rollback()
    except Exception:
        log.warning("rollback.failed")
    if "_login_user" not in g:
        g._login_user = AnonymousUserMixin()  # the page about the fault must not ask the database who is here
    gone = isinstance(error, TimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if gone or (isinstance(error, OperationalError) and _is_down(error)):
        log.error("database.gone", exc_info=error)
        return answer(503)
    if isinstance(error, OSError) and error.errno in FULL:  # also while an upload is being received
        log.error("disk.full", exc_info=error)
        return answer(503, say(NO_ROOM))
    log.error("fault", exc_info=error)
    return answer(500)


def _is_down(error: OperationalError) -> bool:
    text = str(error.orig).lower()
    return any(
        word in text for word in ("connect", "locked", "timeout", "disk", "full", "closed", "readonly")
    )


def init(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Later, _later)
    app.register_error_handler(StaleDataError, lambda error: _refused(Conflict(SENTENCES[409])))
    app.register_error_handler(CSRFError, lambda error: answer(400))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)
