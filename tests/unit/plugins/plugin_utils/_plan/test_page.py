# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the pieces of a page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import page

EVIL = '<script>alert("x")</script>&\'"'


class Tags(HTMLParser):
    """Checks that tags are closed in order, and remembers them."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()


def parsed(document: str) -> Tags:
    """Return the tags of a document whose tags are all closed."""
    tags = Tags()
    tags.feed(document)
    tags.close()
    assert tags.open == []
    return tags


@pytest.mark.parametrize(
    "markup",
    [
        page.tiles([(EVIL, EVIL)]),
        page.table([EVIL], [[EVIL], [None], [3]], "n"),
        page.pill(EVIL),
        page.notes([EVIL]),
        page.command(EVIL),
        page.section(EVIL, page.pill(EVIL)),
        page.section(EVIL, "", folded=True),
        page.page(EVIL, page.pill("x"), footer=EVIL),
    ],
)
def test_everything_is_escaped_and_closed(markup: str) -> None:
    assert "<script" not in markup and "script" not in parsed(markup).seen
    assert "&lt;script&gt;" in markup


def test_markup_is_not_escaped_twice() -> None:
    assert page.text(page.Markup("<b>x</b>")) == "<b>x</b>"
    assert page.text(None) == "&ndash;" and page.text(3) == "3"
    assert page.notes([]) == ""


def test_a_page_stands_alone() -> None:
    document = page.page("title", "<p>body</p>")
    assert document.startswith("<!doctype html>")
    tags = parsed(document)
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert "http:" not in document and "https:" not in document and "url(//" not in document
    assert "prefers-color-scheme:dark" in document and "@media print" in document
