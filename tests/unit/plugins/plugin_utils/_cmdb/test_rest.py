# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about paging, each over a real socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.mapping import CmdbMapping
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.rest import next_link
from tests.unit.plugins.plugin_utils._cmdb.conftest import HandClock, Reply, Server

STYLES: dict[str, dict[str, Any]] = {
    "link": {"style": "link", "size": "limit", "total_header": "X-Total-Count"},
    "offset": {"style": "offset", "offset": "start", "size": "limit", "total_header": "X-Total-Count"},
    "next": {"style": "next", "next": "next", "size": "limit", "total": "count"},
}


def mapping(paging: dict[str, Any], **collection: Any) -> CmdbMapping:
    return CmdbMapping(
        {
            "collections": {"machines": {"path": "/machines", **collection}},
            "paging": paging,
            "landscape": {"hosts": {"from": "machines", "fields": {"name": "n"}}},
        },
        "test",
    )


def read(server: Server, compiled: CmdbMapping, **limits: int) -> list[Any]:
    """The names that were read."""
    link = _cmdb.Link(_cmdb.Access(url=server.url + "/api", attempts=1), clock=HandClock())
    model = _cmdb.read_rest(link, compiled, _cmdb.Limits(**{"page_size": 2, **limits}))
    return [entry.fields["n" if "n" in entry.fields else "name"] for entry in model.sections["hosts"]]


class Machines:
    """A CMDB that pages in all three styles at once; attributes make it behave badly."""

    def __init__(self, server: Server, count: int) -> None:
        self.server = server
        self.rows: list[dict[str, Any]] = [{"n": f"m{number}"} for number in range(count)]
        self.total: Any = count
        server.script = self.answer

    def answer(self, target: str, _before: int) -> Reply:
        query = parse_qs(urlsplit(target).query)
        start, limit = int(query.get("start", ["0"])[0]), int(query.get("limit", ["100"])[0])
        page = self.rows[start : start + limit]
        following = f"/api/machines?limit={limit}&start={start + limit}" if start + limit < len(self.rows) else None
        headers = {"Link": f'<{self.server.url}{following}>; rel="next"'} if following else {}
        if self.total is not None:
            headers["X-Total-Count"] = str(self.total)
        return Reply({"results": page, "next": following, "count": self.total}, headers=headers)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_all_records_once_in_order(server: Server, style: str, count: int) -> None:
    Machines(server, count)
    assert read(server, mapping(STYLES[style])) == [f"m{number}" for number in range(count)]
    assert len(server.asked) == max(1, (count + 1) // 2)


@pytest.mark.parametrize("style", STYLES)
def test_a_total_that_is_never_said(server: Server, style: str) -> None:
    Machines(server, 5).total = None
    assert len(read(server, mapping(STYLES[style]))) == 5


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("total", "words"), [(7, "gave 5 records and says it has 7.*may hide"), (4, "says it has 4")])
def test_another_number_than_the_cmdb_said(server: Server, style: str, total: int, words: str) -> None:
    Machines(server, 5).total = total
    if style == "offset" and total == 4:
        assert len(read(server, mapping(STYLES[style]))) == 4  # the fifth is not asked for
        return
    with pytest.raises(_cmdb.SourceError, match=words):
        read(server, mapping(STYLES[style]))


def test_offset_with_hidden_rows_in_the_middle(server: Server) -> None:
    """Rows that an access rule hides make a page short; that is not the end."""
    machines = Machines(server, 6)

    def answer(target: str, before: int) -> Reply:
        reply = machines.answer(target, before)
        reply.body["results"] = [row for row in reply.body["results"] if row["n"] != "m1"]
        return reply

    server.script = answer
    with pytest.raises(_cmdb.SourceError, match="gave 5 records and says it has 6"):
        read(server, mapping(STYLES["offset"]))
    assert len(server.asked) == 3


ENDLESS: list[tuple[str, str, Any, str]] = [
    (
        "the same address again",
        "next",
        lambda t, b: Reply({"results": [{"n": "a"}], "next": t}),
        "page 1 leads back to",
    ),
    (
        "the same page under new addresses",
        "next",
        lambda t, b: Reply({"results": [{"n": "a"}], "next": t + "x"}),
        "page 2 is the same as one before",
    ),
    (
        "new records for ever",
        "next",
        lambda t, b: Reply({"results": [{"n": str(len(t))}], "next": t + "x"}),
        "more than 20 pages",
    ),
    (
        "many records for ever",
        "next",
        lambda t, b: Reply({"results": [{"n": f"{len(t)}.{i}"} for i in range(9)], "next": t + "x"}),
        "more than 100 records",
    ),
    (
        "empty pages for ever",
        "next",
        lambda t, b: Reply({"results": [], "next": t + "x"}),
        "more than 20 pages",
    ),
    (
        "more than it says",
        "next",
        lambda t, b: Reply({"results": [{"n": str(len(t))}], "next": t + "x", "count": 3}),
        "gave 4 records and says it has 3",
    ),
    (
        "Link headers for ever",
        "link",
        lambda t, b: Reply([{"n": str(len(t))}], headers={"Link": f"<{t}x>; rel=next"}),
        "more than 20 pages",
    ),
    ("offset for ever", "offset", lambda t, b: Reply([{"n": t}]), "more than 20 pages"),
]


@pytest.mark.parametrize(("claim", "style", "script", "words"), ENDLESS, ids=[row[0] for row in ENDLESS])
def test_endless_pages(server: Server, claim: str, style: str, script: Any, words: str) -> None:
    server.script = script
    with pytest.raises(_cmdb.SourceError, match=words):
        read(server, mapping(STYLES[style]), max_pages=20, max_records=100)
    assert len(server.asked) <= 20, claim


def test_a_change_under_the_reading_starts_it_again(server: Server) -> None:
    machines = Machines(server, 4)

    def answer(target: str, before: int) -> Reply:
        if len(server.asked) == 2:
            machines.rows.append({"n": "m4"})
            machines.total = 5
        return machines.answer(target, before)

    server.script = answer
    assert read(server, mapping(STYLES["next"])) == ["m0", "m1", "m2", "m3", "m4"]
    assert len(server.asked) == 5


def test_changes_without_end_are_an_error(server: Server) -> None:
    machines = Machines(server, 4)

    def answer(target: str, before: int) -> Reply:
        machines.total = len(server.asked) + 10
        return machines.answer(target, before)

    server.script = answer
    with pytest.raises(_cmdb.SourceChanged, match="it had 15 records and then 16"):
        read(server, mapping(STYLES["next"]))
    assert len(server.asked) == 6


def test_the_next_page_must_be_on_the_same_server(server: Server) -> None:
    server.script = lambda _target, _before: Reply({"results": [], "next": "https://elsewhere.example/machines"})
    with pytest.raises(_cmdb.SourceError, match=r"https://elsewhere.example/machines, another server"):
        read(server, mapping(STYLES["next"]))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"data": []}, "holds no list of records but dict"),
        ("x", "but str"),
        ({"results": {}}, "but dict"),
        (None, "but NoneType"),
    ],
)
def test_answers_without_records(server: Server, body: Any, words: str) -> None:
    server.script = lambda _target, _before: Reply(body)
    with pytest.raises(_cmdb.SourceError, match=words):
        read(server, mapping({"style": "none"}))


def test_nothing_partial(server: Server) -> None:
    """When the second page fails, the first is not used."""
    machines = Machines(server, 4)
    server.script = lambda target, before: Reply(status=500) if "start=2" in target else machines.answer(target, before)
    with pytest.raises(_cmdb.SourceUnreachable, match="HTTP 500"):
        read(server, mapping(STYLES["next"]))


def test_optional_collections_may_be_absent(server: Server) -> None:
    server.script = lambda _target, _before: Reply(status=404)
    assert read(server, mapping({"style": "none"}, optional=True)) == []
    server.script = lambda _target, _before: Reply({"error": {"message": "Invalid table x"}}, 400)
    assert read(server, mapping({"style": "none"}, optional=True)) == []
    server.script = lambda _target, _before: Reply({"error": {"message": "Invalid query"}}, 400)
    with pytest.raises(_cmdb.SourceError, match="Invalid query"):
        read(server, mapping({"style": "none"}, optional=True))
    with pytest.raises(_cmdb.SourceError, match="Invalid query"):
        read(server, mapping({"style": "none"}))


def test_fields_are_named_from_the_mapping(server: Server) -> None:
    read(server, mapping({"style": "none"}, parameters={"sysparm_fields": "{fields}", "active": True}))
    assert server.targets == ["/api/machines?sysparm_fields=n&active=True"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("", None),
        ('<https://a/?x=1,2>; rel="next"', "https://a/?x=1,2"),
        ('<a>;rel="first",<b>;rel="next",<c>;rel="last"', "b"),
        ('<a>; title="x, y; rel=next"; rel=prev, <b>; rel="last next"', "b"),
        ("<a>; rel=prev", None),
        ("garbage", None),
    ],
)
def test_next_link(header: str | None, wanted: str | None) -> None:
    assert next_link(header) == wanted


@pytest.mark.parametrize(
    ("paging", "words"),
    [
        ({"style": "scroll"}, '"scroll" is none of'),
        ({"style": "offset"}, "needs offset"),
        ({"style": "next"}, "needs next"),
        ({"style": "none", "sizes": 1}, 'unknown key "sizes"'),
    ],
)
def test_wrong_paging(server: Server, paging: dict[str, Any], words: str) -> None:
    with pytest.raises(_cmdb.MappingError, match=words):
        read(server, mapping(paging))
    assert server.asked == []
