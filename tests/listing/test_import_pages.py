"""The list of the reserve through the wizard on screen: a region, the preview, a refused cell put right, written, undone."""

from __future__ import annotations

import html
import io

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.listing.rules.words import Stage
from tests import people
from tests.listing.cast import a_firm
from tests.listing.test_import import only


def page(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def upload(client: FlaskClient, text: str, **more: str) -> tuple[int, str, str]:
    answer = people.post(
        client, "/firms/import",
        {"sheet": "listing", "mode": "both", "file": (io.BytesIO(text.encode()), "后备.csv"), **more},
    )  # fmt: skip
    return answer.status_code, answer.headers.get("Location", ""), html.unescape(answer.text)


def test_the_finance_office_brings_a_list_in_and_takes_it_back(client: FlaskClient, session: Session) -> None:
    here, lacking, away = (a_firm(session, n).name for n in (1, 2, 3))
    session.rollback()
    people.sign_in(client, people.FINANCE)
    shown = page(client, "/firms/import?sheet=listing")
    assert "只要地址在" in shown and "上市后备怎么导入" in shown and "日期标“待补”" in shown
    assert "上市后备怎么导入" not in page(client, "/firms/import")
    assert 'href="/firms/import?sheet=listing"' in page(client, "/listing")
    text = (
        "全称,年份,注册地址,板块,list_date,证券代码\n"
        f"{here},2020,浙江省乐清市柳市镇,主板,2020-08-07,605066\n"
        f"{here},2021,浙江省乐清市柳市镇,主板,2020-08-07,605066\n"
        f"{lacking},2021,浙江省乐清经济开发区,北交所,,830799\n"
        f"{away},2021,辽宁省葫芦岛市龙港区,主板,1997-06-26,000751\n"
    )
    status, _url, shown = upload(client, text, within="火星")
    assert status == 422 and "没有叫「火星」的省、市、县、区" in shown and 'value="火星"' in shown
    status, url, _shown = upload(client, text, within="温州")
    assert status == 303
    shown = page(client, url)
    assert "留下 3 行，略过 1 行" in shown and "略过 1 行" in shown
    assert "没有上市日期" in shown and away not in shown and "将写入 1 行" in shown
    assert people.post(client, f"{url}/write", {}).status_code == 303
    session.expire_all()
    one = only(session)
    assert (one.stage, one.stock_code) == (Stage.LISTED, "605066")
    session.rollback()
    assert people.post(client, f"{url}/undo", {}).status_code == 303
    assert session.connection().exec_driver_sql("SELECT count(*) FROM listing_candidates").scalar() == 0


def test_who_may_not_change_the_reserve_may_not_bring_a_list_in(
    client: FlaskClient, session: Session
) -> None:
    people.sign_in(client, people.SCIENCE)
    assert upload(client, "企业名称\n甲有限公司\n")[0] == 403
    assert client.get("/firms/import?sheet=listing").status_code == 403
