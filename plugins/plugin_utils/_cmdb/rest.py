# SPDX-License-Identifier: GPL-3.0-or-later
"""How the pages of a CMDB's REST interface become whole lists of records."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import (
    MappingError,
    SourceChanged,
    SourceError,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.link import Answer, Link, origin, plain
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.mapping import CmdbMapping, Collection
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Records

STYLES = ("none", "link", "offset", "next")
ENVELOPES = ("result", "results", "records")
READINGS = 3
"""How often a collection is read anew when the CMDB changes under the reading."""


@dataclass(frozen=True)
class Limits:
    """How much a CMDB may answer.

    Attributes:
        page_size: records asked for at a time.
        max_pages: pages of one collection.
        max_records: records of one collection.
    """

    page_size: int = 1000
    max_pages: int = 2000
    max_records: int = 500_000


class Paging:
    """How a CMDB pages, from the mapping's ``paging``.

    ``style`` is ``none``; ``link`` (the Link header's ``rel="next"``); ``offset`` (count up the parameter ``offset``
    until the total is reached, or, without a total, until a page is empty); ``next`` (the expression ``next`` gives the
    address in the answer). ``size`` names the parameter for the page size. ``total_header`` or ``total`` (expression)
    tell how many records there are; then exactly so many must come.

    Raises:
        MappingError: unknown or missing parts.
    """

    def __init__(self, mapping: CmdbMapping) -> None:
        data = mapping.paging
        self.style = str(data.get("style", "none"))
        known = {"style", "size", "offset", "next", "total", "total_header"}
        wrong = [f'unknown key "{key}"' for key in data if key not in known]
        if self.style not in STYLES:
            wrong.append(f'the style "{self.style}" is none of {", ".join(STYLES)}')
        for style, key in (("offset", "offset"), ("next", "next")):
            if self.style == style and not data.get(key):
                wrong.append(f"the style {style} needs {key}")
        if wrong:
            raise MappingError(f"use the mapping {mapping.name}", f"paging: {'; '.join(wrong)}")
        self.size: str | None = data.get("size")
        self.offset: str = str(data.get("offset", ""))
        self.next: Callable[[Any], Any] | None = (
            mapping.expression("paging.next", data["next"]) if "next" in data else None
        )
        self.total: Callable[[Any], Any] | None = (
            mapping.expression("paging.total", data["total"]) if "total" in data else None
        )
        self.total_header = str(data.get("total_header", "")).lower()

    def total_of(self, answer: Answer, body: Any) -> int | None:
        """How many records the CMDB says there are, or None when it does not say."""
        said: Any = answer.headers.get(self.total_header) if self.total_header else None
        if said is None and self.total is not None:
            said = self.total(body)
        try:
            return int(said) if said is not None else None
        except (TypeError, ValueError):
            return None


def next_link(header: str | None) -> str | None:
    """The address with ``rel="next"`` in a Link header (RFC 8288), or None."""
    for match in re.finditer(r'<([^>]*)>((?:\s*;\s*[^=;,\s]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)', header or ""):
        parameters = re.findall(r';\s*([^=;,\s]+)\s*=\s*(?:"([^"]*)"|([^\s",;]+))', match.group(2))
        if any(name.lower() == "rel" and "next" in (one or other).lower().split() for name, one, other in parameters):
            return match.group(1)
    return None


def _with(url: str, parameters: Mapping[str, Any]) -> str:
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    query.update({key: str(value) for key, value in parameters.items()})
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query, safe="^,")))


def read_collections(link: Link, mapping: CmdbMapping, limits: Limits) -> list[Records]:
    """All collections of a mapping, whole.

    Raises:
        SourceError: as `Link.get`; also an answer without a list, pages that never end, a number of records other than
            the CMDB itself said.
        MappingError: a collection that is needed has no path.
    """
    paging = Paging(mapping)
    found: list[Records] = []
    for collection in mapping.collections.values():
        if collection.path is None:
            if not collection.optional:
                raise MappingError(
                    f"use the mapping {mapping.name}", f"collections.{collection.name} has no path for a REST interface"
                )
            continue
        try:
            items = _read(link, mapping, paging, collection, limits)
        except SourceError as error:
            if collection.optional and _is_absent(error):
                continue
            raise
        found.append(Records(collection.name, items))
    return found


def _is_absent(error: SourceError) -> bool:
    """Whether the CMDB said that there is no such list (ServiceNow says it with HTTP 400)."""
    http = error.facts.get("http")
    return http == 404 or (http == 400 and "invalid table" in error.why.lower())


def _read(link: Link, mapping: CmdbMapping, paging: Paging, collection: Collection, limits: Limits) -> list[Any]:
    for reading in range(1, READINGS + 1):
        try:
            return _pages(link, mapping, paging, collection, limits)
        except SourceChanged:
            if reading == READINGS:
                raise
    raise AssertionError("not reached")


def _list_in(collection: Collection, body: Any, url: str) -> list[Any]:
    if collection.records is not None:
        items = collection.records(body)
    elif isinstance(body, Mapping):
        items = next((body[key] for key in (*ENVELOPES, collection.name) if key in body), None)
    else:
        items = body
    if not isinstance(items, list):
        raise SourceError(
            f"read {url}",
            f"the answer holds no list of records but {type(body if items is None else items).__name__}",
            cure=f"Check collections.{collection.name}.records in the mapping",
        )
    return items


def _pages(link: Link, mapping: CmdbMapping, paging: Paging, collection: Collection, limits: Limits) -> list[Any]:
    base = link.access.url.rstrip("/") + "/" + str(collection.path).lstrip("/")
    parameters = {
        key: str(value).replace("{fields}", mapping.fields_used) for key, value in collection.parameters.items()
    }
    if paging.size:
        parameters[paging.size] = str(limits.page_size)
    if paging.style == "offset":
        parameters[paging.offset] = "0"
    url: str | None = _with(base, parameters)
    doing = f"read {collection.name} at {plain(base)}"
    items: list[Any] = []
    seen: set[str] = set()
    pages: set[bytes] = set()
    total: int | None = None
    asked = 0
    while url is not None:
        if url in seen:
            raise SourceError(doing, f"the pages never end: page {len(seen)} leads back to {plain(url)}")
        if len(seen) >= limits.max_pages:
            raise SourceError(
                doing, f"there are more than {limits.max_pages} pages", cure="Raise max_pages, if that is right"
            )
        seen.add(url)
        answer = link.get(url)
        body = answer.json()
        page = _list_in(collection, body, answer.url)
        digest = hashlib.sha256(json.dumps(page, sort_keys=True).encode()).digest()
        if page and digest in pages:
            raise SourceError(doing, f"the pages never end: page {len(seen)} is the same as one before")
        pages.add(digest)
        said = paging.total_of(answer, body)
        if len(seen) > 1 and said != total:
            raise SourceChanged(
                doing, f"it had {total} records and then {said}", cure="Read it again when nobody changes it"
            )
        total = said
        items += page
        if len(items) > limits.max_records:
            raise SourceError(
                doing, f"there are more than {limits.max_records} records", cure="Raise max_records, if that is right"
            )
        if total is not None and len(items) > total:
            raise SourceError(doing, f"it gave {len(items)} records and says it has {total}")
        following: Any = None
        if paging.style == "link":
            following = next_link(answer.headers.get("link"))
        elif paging.style == "next" and paging.next is not None:
            following = paging.next(body)
        elif paging.style == "offset":
            asked += limits.page_size
            if asked < total if total is not None else page:
                following = _with(base, {**parameters, paging.offset: asked})
        url = _following(doing, url, following)
    if total is not None and len(items) != total:
        raise SourceError(
            doing,
            f"it gave {len(items)} records and says it has {total}",
            cure="Let the CMDB user read all of them; a rule may hide some",
        )
    return items


def _following(doing: str, url: str, following: Any) -> str | None:
    """The address of the next page, which must be on the same server."""
    if following is None or following == "":
        return None
    if not isinstance(following, str):
        raise SourceError(doing, f"the address of the next page is {following!r}")
    target = urllib.parse.urljoin(url, following)
    if origin(target) != origin(url):
        raise SourceError(
            doing,
            f"the next page is at {plain(target)}, another server, which must not get the credentials",
            cure="Let the CMDB write its own address as you write it, with the same scheme and port",
        )
    return target
