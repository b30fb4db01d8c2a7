"""How the demo's listing reserve is invented: some thirty candidates with dated steps, as a list would tell them. Pure,
repeatable from a seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

from crm.listing.rules.sheet import BY_STAGE, paper_name
from crm.listing.rules.words import Board, Stage, State

# how many stand at each stage
COUNTS = (
    (Stage.RESERVE, 8), (Stage.DUE_DILIGENCE, 6), (Stage.REFORM, 6), (Stage.TUTORING, 5), (Stage.TUTORED, 2),
    (Stage.ACCEPTED, 2), (Stage.INQUIRY, 2), (Stage.COMMITTEE, 1), (Stage.SUBMITTED, 1), (Stage.EFFECTIVE, 1),
    (Stage.LISTED, 3),
)  # fmt: skip
COUNT = sum(count for _stage, count in COUNTS)
# days a stage takes before the next one; the terms of the law are kept
SPANS = {
    Stage.RESERVE: (60, 400), Stage.DUE_DILIGENCE: (90, 240), Stage.REFORM: (90, 400), Stage.TUTORING: (130, 330),
    Stage.TUTORED: (20, 120), Stage.ACCEPTED: (20, 40), Stage.INQUIRY: (90, 260), Stage.COMMITTEE: (10, 60),
    Stage.SUBMITTED: (20, 40), Stage.EFFECTIVE: (20, 70),
}  # fmt: skip
# days a candidate has stood where it stands
STANDS = {
    Stage.RESERVE: (20, 500), Stage.DUE_DILIGENCE: (20, 300), Stage.REFORM: (20, 320), Stage.TUTORING: (15, 260),
    Stage.TUTORED: (40, 330), Stage.ACCEPTED: (5, 40), Stage.INQUIRY: (20, 150), Stage.COMMITTEE: (5, 30),
    Stage.SUBMITTED: (4, 22), Stage.EFFECTIVE: (20, 330), Stage.LISTED: (60, 900),
}  # fmt: skip
SPONSORS = ("浙海证券", "东屿证券", "江心证券", "南塘证券")
LAWYERS = ("瓯越律师事务所", "孤屿律师事务所", "澄江律师事务所")
AUDITORS = ("天澜会计师事务所", "东屿会计师事务所", "立诚达会计师事务所")
PERSONS = ("许知行", "顾清禾", "陆景明", "沈书言", "韩予安")
BOARDS = (Board.BSE, Board.BSE, Board.CHINEXT, Board.CHINEXT, Board.STAR, Board.MAIN)
PREFIX = {Board.MAIN: "603", Board.STAR: "688", Board.CHINEXT: "301", Board.BSE: "920", Board.OVERSEAS: "0"}
PAPERS = {
    Stage.RESERVE: "温上市办〔{y}〕{n}号", Stage.DUE_DILIGENCE: "XY-{y}-{n:03}", Stage.REFORM: "3303{n:06}",
    Stage.TUTORING: "浙证监辅受〔{y}〕{n}号", Stage.TUTORED: "浙证监辅函〔{y}〕{n}号", Stage.ACCEPTED: "受理〔{y}〕{n}号",
    Stage.INQUIRY: "审核函〔{y}〕{n}号", Stage.COMMITTEE: "{y} 年第 {n} 次审议会议公告", Stage.SUBMITTED: "注册〔{y}〕{n}号",
    Stage.EFFECTIVE: "证监许可〔{y}〕{n}号", Stage.LISTED: "上市公告 {y}-{n:03}",
}  # fmt: skip
ASIDE = {
    (Stage.INQUIRY, 0): (State.WITHDRAWN, "最近一期业绩下滑，撤回申请"), (Stage.REFORM, 1): (State.SUSPENDED, "控股权调整，暂缓推进"),
    (Stage.DUE_DILIGENCE, 2): (State.ENDED, "被同行收购，不再单独上市"),
}  # fmt: skip
NOTES = ("专精特新小巨人，主营稳定", "募投项目用地已落实", "关联交易还在规范", "拟引入一家国有基金", "")
OBSTACLES = (
    "厂房产权证没有办齐", "历史出资证明不全", "社保公积金缴纳要补", "环保验收手续缺一份", "关联方借款要清理", "募投项目用地指标没有落实",
)  # fmt: skip


def invent_candidates(rng: random.Random, today: dt.date) -> list[dict[str, Any]]:
    """Rows of a list without their firms, in a mixed order: values as the import stages them."""
    rows = [
        _row(rng, stage, n, today) for stage, count in COUNTS for n in range(count)
    ]  # fmt: skip
    rng.shuffle(rows)
    return rows


def _row(rng: random.Random, stage: Stage, n: int, today: dt.date) -> dict[str, Any]:
    days = _days(rng, stage, today)
    board = rng.choice(BOARDS) if stage is not Stage.RESERVE or rng.random() < 0.6 else None
    told: dict[str, Any] = {"stage": stage.value, "board": board.value if board else None}
    for each, on in days.items():
        told[BY_STAGE[each].on] = on.isoformat()
        told[paper_name(BY_STAGE[each])] = PAPERS[each].format(y=on.year, n=rng.randint(3, 260))
    if Stage.DUE_DILIGENCE in days:
        told |= {
            "sponsor": rng.choice(SPONSORS), "sponsor_person": rng.choice(PERSONS), "lawyer": rng.choice(LAWYERS),
            "auditor": rng.choice(AUDITORS),
        }  # fmt: skip
    if stage is Stage.LISTED and board is not None:
        told["stock_code"] = f"{PREFIX[board]}{rng.randint(0, 999):03}"
    told |= _plans(rng, stage, today)
    state, why = ASIDE.get((stage, n), (State.ACTIVE, None))
    if state is not State.ACTIVE:
        on = days[stage] + dt.timedelta((today - days[stage]).days // 2)
        told |= {"state": state.value, "state_on": on.isoformat(), "state_reason": why}
    told["note"] = rng.choice(NOTES)
    return {name: value for name, value in told.items() if value}


def _days(rng: random.Random, stage: Stage, today: dt.date) -> dict[Stage, dt.date]:
    """The day of every stage up to this one, told backwards from today."""
    path: Sequence[Stage] = list(Stage)[: list(Stage).index(stage) + 1]
    on = today - dt.timedelta(rng.randint(*STANDS[stage]))
    days = {stage: on}
    for each in reversed(path[:-1]):
        on -= dt.timedelta(rng.randint(*SPANS[each]))
        days[each] = on
    return {each: days[each] for each in path}


def _plans(rng: random.Random, stage: Stage, today: dt.date) -> dict[str, Any]:
    """The days meant for the stages to come; a few of them have passed."""
    if stage is Stage.LISTED:
        return {}
    ahead = list(Stage)[list(Stage).index(stage) + 1 :]
    wanted = [each for each in ahead if each in (Stage.REFORM, Stage.TUTORING, Stage.ACCEPTED, Stage.LISTED)]
    on, found = today + dt.timedelta(rng.randint(-40, 120)), {}
    for each in wanted:
        found[BY_STAGE[each].plan] = on.isoformat()
        on += dt.timedelta(rng.randint(120, 300))
    return found
