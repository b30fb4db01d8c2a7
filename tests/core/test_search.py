from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm.core import pinyin, search
from crm.core.folding import fold, legible
from crm.core.grams import is_code, plain_code, split
from crm.core.search import SearchDoc

DOCS = {
    1: SearchDoc(
        ["浙江正泰电器股份有限公司", "浙江正泰电器有限公司", "乐清县求精开关厂"], ["91330000142944445H"]
    ),
    2: SearchDoc(["温州正泰电器有限公司"], ["91330382ABCDEFGH12"]),
    3: SearchDoc(["正泰集团股份有限公司"]),
    4: SearchDoc(["乐清市𠮷利电子（温州）有限公司"]),
    5: SearchDoc(["ＡＢＢ低压电器有限公司"]),
    6: SearchDoc(["正泰"]),
    7: SearchDoc(["绿叶农业有限公司", "宏达绿业有限公司"]),
}


@contextmanager
def fresh() -> Iterator[Session]:
    """An empty index on the database the tests run on."""
    url = os.environ.get("CRM_TEST_DATABASE_URL", "")
    engine = sa.create_engine(url or "sqlite://", poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            if url:
                schema = f"search_{secrets.token_hex(4)}"
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
                connection.exec_driver_sql(f"SET search_path TO {schema}")
            search.create_search(connection)
            with Session(connection) as session:
                yield session
    finally:
        engine.dispose()


@pytest.fixture
def session() -> Iterator[Session]:
    with fresh() as opened:
        search.index(opened, "firm", DOCS.items())
        yield opened


def ids(session: Session, query: str, **options: object) -> list[int]:
    return [hit.id for hit in search.find(session, "firm", query, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("正泰", [6, 3, 2, 1]),  # exact, beginning, then inside with the shorter name first
        ("泰", [6, 2, 3, 1]),
        ("正泰 温州", [2]),
        ("温州 正泰", [2]),
        ("求精开关", [1]),
        ("142944", [1]),
        ("１４２９４４", [1]),
        ("efgh", [2]),
        ("EFGH", [2]),
        ("14", []),  # too short for a code
        ("zhengtai", [6, 2, 3, 1]),
        ("zhengt", [6, 2, 3, 1]),
        ("wzzt", [2]),
        ("zt 温州", [2]),
        ("qjkg", [1]),
        ("lvye", [7]),
        ("yueqing", [4, 1]),
        ("leqing", [4, 1]),
        ("𠮷", [4]),
        ("𠮷利", [4]),
        ("(温州)", [4]),
        ("（温州）", [4]),
        ("abb", [5]),
        ("ＡＢＢ", [5]),
        ("有限公司", [7, 2, 3, 5, 1, 4]),
        ("公司", [7, 2, 3, 5, 1, 4]),
        ("司", [7, 2, 3, 5, 1, 4]),
        ("没有的", []),
        ("", []),
        ("   ", []),
        ("%", []),
        ("_", []),
        ('"*', []),
        ("an" * 30, []),
    ],
)
def test_a_term_finds_its_subjects_in_order(session: Session, query: str, expected: list[int]) -> None:
    assert ids(session, query) == expected


def test_a_hit_says_why(session: Session) -> None:
    def why(query: str) -> tuple[str, dict[str, object]]:
        hit = search.find(session, "firm", query)[0]
        return hit.why.text, dict(hit.why.params)

    assert why("正泰") == ("名称一致", {})
    assert why("温州正") == ("名称开头", {})
    assert why("求精") == ("曾用名：%(name)s", {"name": "乐清县求精开关厂"})
    assert why("2944445h") == ("代码：%(code)s", {"code": "91330000142944445H"})
    assert why("wzzt") == ("拼音", {})
    assert why("qjkg") == ("曾用名（拼音）：%(name)s", {"name": "乐清县求精开关厂"})
    hit = search.find(session, "firm", "𠮷")[0]
    assert hit.name == "乐清市𠮷利电子（温州）有限公司" and 0 < hit.score <= 100


def test_the_viewer_sees_only_what_is_visible(session: Session) -> None:
    visible = sa.select(search.entries.c.subject_id).where(search.entries.c.subject_id.in_([2, 3]))
    assert ids(session, "正泰", visible=visible) == [3, 2]
    assert ids(session, "zhengtai", visible=visible, limit=1) == [2]


def test_kinds_do_not_mix(session: Session) -> None:
    search.index(session, "person", [(1, SearchDoc(["正泰"]))])
    assert [hit.id for hit in search.find(session, "person", "正泰")] == [1]
    assert ids(session, "正泰") == [6, 3, 2, 1]
    assert search.find(session, "project", "正泰") == []


def test_new_texts_replace_the_old_ones(session: Session) -> None:
    assert search.index(session, "firm", [(3, DOCS[3])]) == 0
    assert (
        search.index(session, "firm", [(3, SearchDoc(["人民电器集团有限公司", "正泰集团股份有限公司"]))]) == 1
    )
    assert ids(session, "人民") == [3]
    assert ids(session, "正泰集团") == [3]
    assert search.index(session, "firm", [(3, SearchDoc(["人民电器集团有限公司"]))]) == 1
    assert ids(session, "正泰集团") == []
    assert search.remove(session, "firm", [3, 99]) == 1
    assert ids(session, "人民") == [] and ids(session, "rm") == []


def test_the_index_itself_forgets_what_was_removed(session: Session) -> None:
    search.remove(session, "firm", list(DOCS))
    if session.connection().dialect.name == "sqlite":
        left = "SELECT count(*) FROM search_grams WHERE search_grams MATCH '{}'"
        for gram in search._grams_of(search._row("firm", 1, DOCS[1])):
            assert session.connection().exec_driver_sql(left.format(gram)).scalar() == 0
    else:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM search_grams").scalar() == 0


def test_rebuilding_gives_the_same_answers(session: Session) -> None:
    queries = ("正泰", "wzzt", "142944", "求精")
    before = [ids(session, query) for query in queries]
    assert search.rebuild(session) == len(DOCS)
    assert [ids(session, query) for query in queries] == before


def test_a_list_can_be_filtered_by_the_same_words(session: Session) -> None:
    for query in ("正泰", "zhengtai", "正泰 温州", "", "司", "没有的"):
        chosen = session.scalars(search.matching(session, "firm", query)).all()
        assert sorted(chosen) == sorted(ids(session, query, limit=100))


def test_dropping_and_making_anew_works(session: Session) -> None:
    search.drop_search(session.connection())
    search.create_search(session.connection())
    search.create_search(session.connection())
    assert ids(session, "正泰") == []
    assert search.is_index_table("search_grams_data") and not search.is_index_table("search_entries")


def slowly(docs: dict[int, SearchDoc], query: str) -> list[int]:
    """The oracle: every text looked at."""
    found = []
    for number, doc in docs.items():
        names = [fold(name) for name in doc.names if fold(name)]
        name, others = (names[0], names[1:]) if names else ("", [])
        ranks = []
        for term in split(query):
            if term == name:
                ranks.append(0)
            elif name.startswith(term):
                ranks.append(1)
            elif term in name:
                ranks.append(2)
            elif any(term in other for other in others):
                ranks.append(3)
            elif is_code(term) and any(term in plain_code(code) for code in doc.codes):
                ranks.append(4)
            elif pinyin.is_term(term) and _heard(term, name) is not None:
                ranks.append(5)
            elif pinyin.is_term(term) and any(_heard(term, other) is not None for other in others):
                ranks.append(6)
            else:
                break
        else:
            if ranks:
                found.append((max(ranks), len(name), number))
    return [number for _, _, number in sorted(found)]


def _heard(term: str, name: str) -> int | None:
    """Pinyin by writing out every spelling from every character on."""
    spoken = pinyin.sounded(name)
    for start in range(len(spoken)):
        heads, wholes = {""}, {("", True)}
        for char in spoken[start:]:
            heads = {head + reading[0] for head in heads for reading in pinyin.readings(char)}
            if any(head == term for head in heads):
                return start
            wholes = {
                (whole + reading, True)
                for whole, _ in wholes
                if not char.isascii()
                for reading in pinyin.readings(char)
                if term.startswith(whole + reading) or (whole + reading).startswith(term)
            }
            if any(whole.startswith(term) for whole, _ in wholes):
                return start
    return None


ALPHABET = "正泰乐清温州电器安限公司有重长行𠮷（）()aBz1 ９Ａ女"
NAMES = st.text(alphabet=ALPHABET, min_size=0, max_size=9)
CODES = st.text(alphabet="0123AB-", max_size=8)
DOCUMENTS = st.dictionaries(
    st.integers(1, 2**31),
    st.builds(SearchDoc, st.lists(NAMES, max_size=3), st.lists(CODES, max_size=2)),
    max_size=8,
)
SPELLED = st.lists(
    st.sampled_from(
        ["zheng", "tai", "le", "yue", "qing", "wen", "zhou", "dian", "qi", "an", "y", "z", "q", "zh", "nv"]
    ),
    min_size=1,
    max_size=4,
).map("".join)
QUERIES = st.lists(st.one_of(NAMES, CODES, SPELLED), min_size=1, max_size=2).map(" ".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, st.lists(QUERIES, min_size=1, max_size=6), st.data())
def test_the_answers_are_those_of_a_scan(
    docs: dict[int, SearchDoc], queries: list[str], data: st.DataObject
) -> None:
    with fresh() as session:
        search.index(session, "firm", docs.items())
        texts = [text for doc in docs.values() for text in (*doc.names, *doc.codes) if len(text) > 1]
        if texts:
            text = data.draw(st.sampled_from(texts))
            at = data.draw(st.integers(0, len(text) - 1))
            queries = [*queries, text[at : at + data.draw(st.integers(1, 4))]]
        for query in queries:
            assert [hit.id for hit in search.find(session, "firm", query)] == slowly(docs, query), query
        if docs:
            gone = data.draw(st.sampled_from(sorted(docs)))
            search.remove(session, "firm", [gone])
            rest = {number: doc for number, doc in docs.items() if number != gone}
            for query in queries:
                assert [hit.id for hit in search.find(session, "firm", query)] == slowly(rest, query), query


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  原因\n 一 ", "原因 一"), ("\x00\x00", ""), ("\u200b \u2060", ""), ("甲\u202e乙", "甲乙"), (None, ""),
        ("\u3000", ""), ("𠮷", "𠮷"),
    ],
)  # fmt: skip
def test_a_line_is_what_a_reader_sees(typed: str | None, read: str) -> None:
    assert legible(typed) == read
