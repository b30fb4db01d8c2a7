"""The columns of a spreadsheet of certificates, for the import of firms. Pure."""

from __future__ import annotations

from crm.core.sheets.cells import text
from crm.core.sheets.headings import Unit, heading_key
from crm.core.sheets.table import Cell
from crm.core.words import N_, Refused
from crm.firms.rules import fields
from crm.firms.rules.columns import FIRM
from crm.firms.rules.fields import Rule
from crm.ladder.rules.kinds import KINDS

_BY_NAME = {
    heading_key(name): kind.code
    for kind in KINDS.values()
    for name in (kind.code, kind.name.zh, kind.short.zh, kind.name.en, kind.short.en)
} | {
    heading_key(name): code
    for name, code in (
        ("高新技术企业证书", "high-tech"), ("国家高新技术企业", "high-tech"), ("国家级高新技术企业", "high-tech"),
        ("国家级科技型中小企业", "tech-sme-national"), ("省科技型中小企业", "tech-sme-provincial"),
        ("省级科技型中小企业", "tech-sme-provincial"), ("专精特新企业", "srdi"), ("省专精特新中小企业", "srdi"),
        ("省级专精特新中小企业", "srdi"), ("专精特新小巨人企业", "little-giant"), ("专精特新小巨人", "little-giant"),
        ("国家级专精特新小巨人企业", "little-giant"), ("制造业单项冠军", "champion"), ("瞪羚企业", "gazelle"),
        ("股份制改造", "joint-stock"),
    )
}  # fmt: skip


def read_kind(cell: Cell, _unit: Unit = "元") -> str | None:
    """A kind by its code or one of its names. 「科小」 alone is refused: there is a national and a provincial one."""
    verdict = text(cell, longest=80)
    if not verdict.ok or verdict.value is None:
        return None
    found = _BY_NAME.get(heading_key(verdict.value))
    if found is None:
        if "科技型中小企业" in verdict.value or verdict.value in ("科小", "科技型中小"):
            raise Refused(N_("「%(shown)s」分不清是国家的还是省的，请写全称。"), shown=verdict.value)
        raise Refused(N_("没有「%(code)s」这种证书。"), code=verdict.value)
    return found


CERTIFICATIONS: tuple[Rule, ...] = (
    *FIRM,
    Rule("kind", N_("证书类型"), read_kind,
         ("证书类型", "证书", "称号", "资质", "资质名称", "荣誉名称", "认定类型", "类型", "类别"), is_required=True),
    Rule("number", N_("证书编号"), fields.number_of(80),
         ("证书编号", "登记编号", "入库登记编号", "证书号", "资质编号", "认定编号")),
    Rule("granted_on", N_("发证日期"), fields.day,
         ("发证日期", "认定日期", "公告日期", "批准日期", "发证时间", "认定时间", "入库日期"), is_required=True),
    Rule("expires_on", N_("有效期至"), fields.day, ("有效期至", "到期日期", "截止日期", "有效期", "失效日期", "到期时间")),
    Rule("document", N_("文号"), fields.text(120), ("文号", "批准文号", "文件号", "依据")),
    Rule("note", N_("备注"), fields.text(300), ("备注", "说明")),
)  # fmt: skip
