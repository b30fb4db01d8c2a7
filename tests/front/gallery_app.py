"""A small site that shows every component with invented data, under the same strict policy as the real one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from flask import Flask, Response, abort, flash, render_template, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from crm.core import i18n
from crm.core.web import POLICY

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "浙江衡岳数控装备有限公司",
    "温州骊驰精工机械有限公司",
    "浙南聿恒自动化设备有限公司",
    "温州拓屿精密机械有限公司",
    "浙江棠岸智能仓储有限公司",
    "温州序川液压科技有限公司",
    "温州珩石电气有限公司",
    "浙江迦南齿轮传动有限公司",
]


class Gallery(FlaskForm):  # type: ignore[misc]
    name = StringField("企业名称", [InputRequired("请填写企业名称")])
    total = StringField("总投资", [InputRequired("请填写总投资")])
    signed_on = DateField("签约日期", [Optional()], description="按合同上的日期")
    street = SelectField(
        "街道", choices=[SelectChoice("", "请选择"), SelectChoice("1", "星海"), SelectChoice("2", "海城")]
    )
    source = RadioField(
        "从哪来",
        [InputRequired("请选一项")],
        choices=[SelectChoice("a", "商会"), SelectChoice("b", "展会"), SelectChoice("c", "自访")],
    )
    note = TextAreaField("说明", [Optional()])
    is_later = BooleanField("暂无法确定，写明何时能定")
    file = FileField("名单文件")


def _endpoint(**_values: Any) -> str:
    return "ok"


def make_app() -> Flask:
    app = Flask("gallery", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="gallery" * 6, TESTING=True)
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_loader = jinja2.ChoiceLoader(
        [
            jinja2.FileSystemLoader(ROOT / "templates"),
            jinja2.FileSystemLoader(Path(__file__).parent / "gallery"),
        ]
    )
    i18n.init(app)
    CSRFProtect(app)
    for rule, name, methods in [
        ("/accounts/sign-out", "accounts.sign_out", ["POST"]),
        ("/accounts/language", "accounts.set_language", ["POST"]),
        ("/accounts/password", "accounts.change_password", ["GET"]),
        ("/account", "accounts.profile", ["GET"]),
    ]:
        app.add_url_rule(rule, name, _endpoint, methods=methods)

    def search() -> str:
        query = request.args.get("q", "")
        items = [
            {"url": f"/list?firm={n}", "name": name, "note": "智能装备 · 星海", "why": "拼音"}
            for n, name in enumerate(NAMES)
            if query in name
        ]
        return render_template(
            "ui/palette_results.html", groups=[{"label": "企业", "items": items}], query=query
        )

    app.add_url_rule("/search", "overview.search", search)

    def sections() -> list[dict[str, Any]]:
        return [
            {
                "url": "/workbench",
                "icon": "checklist",
                "label": "工作台",
                "current": request.path == "/workbench",
                "count": 7,
            },
            {"url": "/list", "icon": "building", "label": "企业", "current": request.path == "/list"},
            {"url": "/board", "icon": "stairs-up", "label": "培育梯队", "current": request.path == "/board"},
            {"url": "/record", "icon": "calendar", "label": "证书日历", "current": request.path == "/record"},
            {"url": "/components", "icon": "list", "label": "组件", "current": request.path == "/components"},
            {
                "url": "/matrix",
                "icon": "settings",
                "label": "管理",
                "current": request.path == "/matrix",
                "group": "admin",
            },
        ]

    person = SimpleNamespace(is_authenticated=True, name="林晓雯")
    app.jinja_env.globals.update(navigation=sections, current_user=person, demo=True)

    @app.get("/<page>")
    def show(page: str) -> str:
        if not (Path(__file__).parent / "gallery" / f"{page}.html").exists():
            abort(404)
        form = Gallery(data={"total": "126,000", "signed_on": dt.date(2026, 12, 3)})
        form.total.errors = ["不能大于总投资 126,000 万元"]
        form.source.errors = ["请选一项"]
        if request.args.get("toast"):
            flash({"text": "已把 3 家企业的服务专员改为 叶知秋", "undo": "/undo"}, "done")
            flash("没有保存：有两行重复", "error")
        job = SimpleNamespace(state="running", percent=59, message="164 / 277 · 约 20 秒")
        return render_template(
            f"{page}.html",
            names=NAMES,
            form=form,
            job=job,
            title="写入 277 家",
            poll_url="/progress",
            cancel_url="/undo",
            today=dt.date(2026, 11, 23),
        )

    @app.get("/panel")
    def panel() -> str:
        return '<section class="td-panel" aria-label="延后读取"><header><h2>延后读取</h2></header></section>'

    @app.get("/progress")
    def progress() -> str:
        job = SimpleNamespace(state="done", percent=100, message="277 / 277")
        return render_template(
            "ui/progress.html", job=job, title="写入 277 家", poll_url="", done_url="/list"
        )

    @app.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return render_template("errors/page.html", status=404, title="没有找到", text="这条记录不存在。"), 404

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


if __name__ == "__main__":
    import sys

    make_app().run(port=int(sys.argv[1]), threaded=True)
