# SPDX-License-Identifier: GPL-3.0-or-later
"""CMDB exports in files: JSON, YAML, CSV, or a folder of them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import SourceError
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Records

JSON_ENDINGS = (".json",)
YAML_ENDINGS = (".yml", ".yaml")
CSV_ENDINGS = (".csv",)
ENDINGS = JSON_ENDINGS + YAML_ENDINGS + CSV_ENDINGS

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ExportLoader(_Base):
    """YAML for exports: null, true, false, whole numbers; all else stays text.

    So ``number: 01`` is the text "01", ``sid: NO1`` stays a name, ``patch_level: 15.10`` keeps its zero, and a date
    stays as it was written. A key that stands twice in one mapping is an error, because one of the two would be lost.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of one node; refuses keys that stand twice."""
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _value in node.value):
            self.flatten_mapping(node)
            result: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            return result
        result = super().construct_mapping(node, deep=deep)
        if len(result) != len(node.value):
            seen: set[Any] = set()
            for key, _value in node.value:
                text = key.value
                if text in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f'the key "{text}" stands twice in one mapping', key.start_mark
                    )
                seen.add(text)
        return result


ExportLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
ExportLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
ExportLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), list("-0123456789"))
ExportLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def read_text(path: str) -> str:
    """The whole text of a file, UTF-8 with or without a byte order mark.

    Raises:
        SourceError: the file cannot be read, is empty, is not UTF-8, or is being written at this moment.
    """
    try:
        with open(path, "rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.stat(path)
    except OSError as error:
        raise SourceError(f"read the CMDB export {path}", f"{error.strerror or error}") from error
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise SourceError(
            f"read the CMDB export {path}",
            "it changed while it was being read",
            cure="Wait until the export has ended",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SourceError(
            f"read the CMDB export {path}", f"line {line}, byte {error.start} is not UTF-8", cure="Export it as UTF-8"
        ) from error
    if not text.strip():
        raise SourceError(f"read the CMDB export {path}", "the file is empty")
    return text


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise KeyError(key)
            seen.add(key)
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def parse_json(text: str, name: str) -> Any:
    """The value of a JSON text.

    Raises:
        SourceError: it does not parse (with line and column) or one object names a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        end = (
            "; the text ends there: was it written completely?"
            if not text[error.pos :].strip() or "Unterminated" in error.msg
            else ""
        )
        raise SourceError(f"read {name}", f"line {error.lineno}, column {error.colno}: {error.msg}{end}") from error
    except KeyError as error:
        raise SourceError(f"read {name}", f'the key "{error.args[0]}" stands twice in one object') from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SourceError(f"read {name}", f"{why}") from error


def parse_yaml(text: str, name: str) -> Any:
    """The value of a YAML text, by the rules of `ExportLoader`.

    Raises:
        SourceError: it does not parse, with line and column.
    """
    try:
        return yaml.load(text, Loader=ExportLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SourceError(f"read {name}", f"{place}{error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SourceError(f"read {name}", f"{why}") from error


def parse_csv(text: str, name: str) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows of a CSV text as records, each with its line number.

    The first line names the columns; the separator is the one of comma, semicolon, tab that it uses most. An empty
    cell is an absent field. A column ``attributes.rack`` fills the field ``rack`` inside ``attributes``.

    Raises:
        SourceError: a column without a name or named twice, a row with other than the header's number of cells, an
            open quote at the end of the file.
    """
    header_line = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                if "" in header:
                    raise SourceError(f"read {name}", f"line {line}: column {header.index('') + 1} has no name")
                twice = sorted({column for column in header if header.count(column) > 1})
                if twice:
                    raise SourceError(f"read {name}", f"line {line}: the column {twice[0]} stands twice")
                continue
            if len(cells) != len(header):
                raise SourceError(
                    f"read {name}",
                    f"line {line} has {len(cells)} cells, the header has {len(header)}; "
                    "was the file written completely?",
                )
            rows.append(_row(header, cells))
            lines.append(line)
    except csv.Error as error:
        raise SourceError(f"read {name}", f"line {start}: {error}; was the file written completely?") from error
    return rows, lines


def _row(header: list[str], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=True):
        value = cell.strip()
        if value == "":
            continue
        outer, dot, inner = column.partition(".")
        if dot:
            row.setdefault(outer, {})[inner] = value
        else:
            row[column] = value
    return row


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def read_document(path: str) -> Any:
    """The value of a JSON or YAML file, chosen by its ending.

    Raises:
        SourceError: as `read_text`, `parse_json`, `parse_yaml`.
    """
    text = read_text(path)
    return parse_json(text, path) if _ending(path) in JSON_ENDINGS else parse_yaml(text, path)


def read_path(path: str, envelopes: tuple[str, ...] = ("records", "result", "results")) -> tuple[Any, list[Records]]:
    """Read an export.

    Args:
        path: a JSON or YAML file that holds everything, one CSV file, or a folder with one file per collection
            (``hosts.csv``, ``cmdb_rel_ci.json`` ...).
        envelopes: in the files of a folder, the keys under which the list of records may stand.

    Returns:
        For one file its document and no records (for one CSV file no document and its rows as collection ``rows``); for
        a folder no document and its collections.

    Raises:
        SourceError: as the readers; also a folder without an export, or with two files for one collection.
    """
    if os.path.isdir(path):
        return None, _read_folder(path, envelopes)
    ending = _ending(path)
    if ending not in ENDINGS and os.path.exists(path):
        raise SourceError(f"read the CMDB export {path}", f"its ending is none of {', '.join(ENDINGS)}")
    if ending in CSV_ENDINGS:
        rows, lines = parse_csv(read_text(path), path)
        return None, [Records("rows", rows, lines, os.path.basename(path))]
    return read_document(path), []


def _read_folder(path: str, envelopes: tuple[str, ...]) -> list[Records]:
    found: dict[str, str] = {}
    collections: list[Records] = []
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise SourceError(f"read the folder {path}", f"{error.strerror or error}") from error
    for name in names:
        stem, ending = os.path.splitext(name)
        if name.startswith(".") or ending.lower() not in ENDINGS:
            continue
        if stem in found:
            raise SourceError(f"read the folder {path}", f"{found[stem]} and {name} are both the collection {stem}")
        found[stem] = name
        whole = os.path.join(path, name)
        if ending.lower() in CSV_ENDINGS:
            rows, lines = parse_csv(read_text(whole), whole)
            collections.append(Records(stem, rows, lines, name))
            continue
        document = read_document(whole)
        if isinstance(document, Mapping):
            document = next((document[key] for key in envelopes if key in document), document)
        if not isinstance(document, list):
            raise SourceError(
                f"read {whole}",
                f"expected a list of records, or one under {', '.join(envelopes)}; found {type(document).__name__}",
            )
        collections.append(Records(stem, document, (), name))
    if not found:
        raise SourceError(f"read the folder {path}", f"it holds no file ending in {', '.join(ENDINGS)}")
    return collections


def fingerprint(path: str) -> list[list[Any]]:
    """What tells an old export from a new one without reading it: name, size and time of each file."""
    names = [os.path.join(path, name) for name in sorted(os.listdir(path))] if os.path.isdir(path) else [path]
    result: list[list[Any]] = []
    for name in names:
        try:
            state = os.stat(name)
        except OSError:
            continue
        result.append([name, state.st_size, state.st_mtime_ns])
    return result
