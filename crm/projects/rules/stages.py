"""The stage table: what each stage needs before it is entered. One declaration drives labels, lists of what is
missing, the refusal, and the import. Pure.

Sources: domain.md § Investment projects; policy.md § 7.1 (stages and nodes), § 7.5; 公平竞争审查条例 (国务院令第783号).
"""

from __future__ import annotations

from collections.abc import Mapping

from crm.core.pipeline.declaring import Item, Pipeline, Wants
from crm.core.words import N_
from crm.projects.rules.words import GOING, Evidence, Stage, State


def _fact(name: str, label: str, *, unknown: bool = False, waived: bool = True) -> Item:
    return Item(name, label, Wants.FACT, fact=name, can_be_unknown=unknown, can_be_waived=waived)


def _paper(kind: Evidence, *, waived: bool = True, unknown: bool = False) -> Item:
    return Item(
        kind.value, kind.label, Wants.EVIDENCE, evidence=kind, can_be_waived=waived, can_be_unknown=unknown
    )


CHARGE = Item("charge", N_("牵头领导和专班"), Wants.CHARGE)
FIRM = Item("firm", N_("在本区注册的企业"), Wants.FIRM)
MONEY = Item("money", N_("已核定的到位资金"), Wants.MONEY, can_be_waived=True)

GATES: Mapping[Stage, tuple[Item, ...]] = {
    Stage.LEAD: (
        _fact("investor", N_("投资方"), waived=False),
        _fact("name", N_("项目名称"), waived=False),
        _fact("source", N_("线索来源"), waived=False),
    ),
    Stage.QUALIFIED: (
        _fact("origin", N_("投资方来自")),
        _fact("leading_industry", N_("主导产业"), waived=False),
        _fact("product", N_("产品或业务"), unknown=True),
    ),
    Stage.NEGOTIATION: (
        CHARGE,
        _fact("total_yuan", N_("总投资"), unknown=True),
        _fact("investor_kind", N_("投资方类别")),
    ),
    Stage.SITE_VISIT: (_fact("chain_role", N_("产业链作用"), unknown=True),),
    Stage.REVIEW: (
        _fact("fixed_yuan", N_("固定资产投资"), unknown=True),
        _fact("output_yuan", N_("预计年产值"), unknown=True),
        _fact("tax_yuan", N_("预计年税收"), unknown=True),
        _paper(Evidence.FEASIBILITY),
    ),
    Stage.SIGNED: (
        _fact("agreed_yuan", N_("协议投资"), waived=False),
        _paper(Evidence.MINUTES),
        _paper(Evidence.FAIR_COMPETITION, unknown=True),
        _paper(Evidence.CONTRACT, waived=False),
    ),
    Stage.REGISTERED: (FIRM,),
    Stage.PERMITS: (_paper(Evidence.FILING), _paper(Evidence.LAND)),
    Stage.CONSTRUCTION: (_paper(Evidence.CONSTRUCTION_PERMIT),),
    Stage.COMPLETED: (MONEY, _paper(Evidence.ACCEPTANCE)),
    Stage.PRODUCTION: (_paper(Evidence.PRODUCTION),),
    Stage.FULL_PRODUCTION: (_paper(Evidence.FULL_PRODUCTION),),
}

PIPELINE: Pipeline[Stage, State] = Pipeline(
    what=N_("这个项目"), stages=Stage, gates=GATES, active=State.ACTIVE, going=GOING
)
IN_CHARGE = tuple(stage for stage in Stage if stage.place >= Stage.NEGOTIATION.place)
