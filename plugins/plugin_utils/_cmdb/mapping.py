# SPDX-License-Identifier: GPL-3.0-or-later
"""The translation of one CMDB's records into the words of the landscape model.

A mapping is data (YAML). Its keys:

``collections``
    The lists of records that the CMDB has. For each: ``path`` and ``parameters`` of its REST address, ``records`` (the
    expression that finds the list in an answer), ``key`` (where it stands in a file that holds everything; default its
    name), ``id`` (expression; lets `find` look a record up), ``optional``.
``paging``, ``authorization``
    How the REST interface pages (`rest`), and the word before its token.
``landscape``
    For each section of the model a list of rules: ``from`` (a collection), ``where`` (keep the record when true),
    ``each`` (one entry per element of this list; the expressions then see ``parent`` and ``item``), ``repeated: merge``
    (records that give the same name are one entry, if they agree), ``fields`` (field of the model: expression, or
    ``"*"`` for the model's own names), ``otherwise`` (values for fields of this section that no rule filled).
``tables``
    Named tables of values for `translate`.
``relation_types``, ``ignored_relation_types``, ``other_relation_types``
    What the CMDB's relation types mean, which of them mean nothing to a landscape, and what is done with all others:
    ``refuse``, or ``ignore``, with a warning when they join records of the landscape.
``outside_relations``
    ``refuse``, or ``ignore`` relations with records that no rule takes. Refused all the same are those without which
    something would be lost: the only place of an instance, a part of a system, and what depends on another record of
    the landscape through one that is not taken.

Expressions are JMESPath (https://jmespath.org) with these functions more: ``value(x)`` and ``display(x)`` take the
stored or the shown side of a field such as ``{"value": .., "display_value": ..}``; ``lower``, ``upper``, ``trim``;
``split(text, separator)``; ``match(text, pattern)`` gives the first group of a regular expression; ``translate(table,
x)`` looks a value up in ``tables`` (a value that is not there stays); ``find(collection, id)`` gives a record of
another collection. A field that comes out as null or "" is absent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import Defect, MappingError, SourceError
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.files import read_document
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.landscape import FIELDS, RELATION_TYPES, closest
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Entry, Records

if TYPE_CHECKING:
    import jmespath
    import jmespath.exceptions
    import jmespath.functions
else:
    try:
        import jmespath
        import jmespath.exceptions
        import jmespath.functions
    except ImportError:  # documentation tools read this file without the library

        class _Missing:
            """Takes the place of the library; whatever is made of it is missing, too."""

            def __init__(self, *_arguments: Any) -> None:
                pass

            def __getattr__(self, name: str) -> Any:
                if name.startswith("__"):
                    raise AttributeError(name)
                return self

            def __call__(self, *_arguments: Any) -> Any:
                return self

        jmespath = _Missing()

FOLDER = os.path.join(os.path.dirname(__file__), "mappings")
SHIPPED = ("native", "servicenow", "netbox", "spreadsheet")
FORMAT = 1

Getter = Callable[[Any], Any]

_TOP_KEYS = {
    "format", "description", "collections", "paging", "authorization", "landscape", "tables", "relation_types",
    "ignored_relation_types", "other_relation_types", "outside_relations", "other_keys",
}  # fmt: skip
_COLLECTION_KEYS = {"path", "parameters", "records", "key", "id", "optional", "lookup_only"}
_RULE_KEYS = {"from", "where", "each", "repeated", "fields", "otherwise"}


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_ANY: Any = {"types": []}
_STRING: Any = {"types": ["string"]}


class _Functions(jmespath.functions.Functions):
    """The functions that expressions of a mapping know besides JMESPath's own. Null in, null out."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self.tables = tables
        self.indexes: dict[str, dict[str, Any]] = {}

    @staticmethod
    def side(given: Any, first: str, second: str) -> Any:
        """One side of a field that has two; "" counts as absent."""
        if isinstance(given, dict):
            given = given.get(first) if given.get(first) not in (None, "") else given.get(second)
        return None if given == "" else given

    @jmespath.functions.signature(_ANY)
    def _func_value(self, given: Any) -> Any:
        if isinstance(given, dict) and "value" not in given and isinstance(given.get("link"), str):
            return (
                given["link"].rstrip("/").rpartition("/")[2] or None
            )  # ServiceNow: .../api/now/table/<table>/<sys_id>
        return self.side(given, "value", "display_value")

    @jmespath.functions.signature(_ANY)
    def _func_display(self, given: Any) -> Any:
        if isinstance(given, dict) and "label" in given:
            return self.side(given, "label", "value")
        if isinstance(given, dict) and "display_value" not in given:
            return None
        return self.side(given, "display_value", "value")

    @jmespath.functions.signature(_ANY)
    def _func_lower(self, text: Any) -> Any:
        return text.lower() if isinstance(text, str) else text

    @jmespath.functions.signature(_ANY)
    def _func_upper(self, text: Any) -> Any:
        return text.upper() if isinstance(text, str) else text

    @jmespath.functions.signature(_ANY)
    def _func_trim(self, text: Any) -> Any:
        return (text.strip() or None) if isinstance(text, str) else text

    @jmespath.functions.signature(_ANY, _STRING)
    def _func_split(self, text: Any, separator: str) -> Any:
        if not isinstance(text, str):
            return text
        return [part.strip() for part in text.split(separator) if part.strip()]

    @jmespath.functions.signature(_ANY, _STRING)
    def _func_match(self, text: Any, pattern: str) -> Any:
        if not isinstance(text, str):
            return None
        found = _pattern(pattern).search(text)
        if found is None:
            return None
        return found.group(1) if found.re.groups else found.group()

    @jmespath.functions.signature(_STRING, _ANY)
    def _func_translate(self, table: str, given: Any) -> Any:
        values = self.tables[table]
        return values.get(given, given) if isinstance(given, str) else given

    @jmespath.functions.signature(_STRING, _ANY)
    def _func_find(self, collection: str, key: Any) -> Any:
        return self.indexes.get(collection, {}).get(str(key)) if key is not None else None


def _names_in(node: Any) -> Iterable[tuple[str, list[Any]]]:
    """All function calls in a parsed expression: name and arguments."""
    if isinstance(node, dict):
        if node.get("type") == "function_expression":
            yield node["value"], node["children"]
        for child in node.get("children", ()):
            yield from _names_in(child)


def _fields_in(node: Any) -> Iterable[str]:
    """All names of fields in a parsed expression."""
    if isinstance(node, dict):
        if node.get("type") == "field":
            yield node["value"]
        for child in node.get("children", ()):
            yield from _fields_in(child)


def _is_false(value: Any) -> bool:
    """What JMESPath takes for false; 0 is not."""
    return value is None or value is False or value == "" or value == [] or value == {}


def _fast_getter(node: Any, functions: _Functions) -> Getter | None:
    """A plain function for the commonest expressions: fields, ``a.b``, ``a || b``, ``value(a)`` and its like.

    It gives what JMESPath's interpreter gives, in a fraction of the time. None for all other expressions.
    """
    kind, children = node["type"], node.get("children", ())
    if kind == "field":
        name = node["value"]
        return lambda record: record.get(name) if isinstance(record, dict) else None
    if kind not in ("subexpression", "or_expression", "function_expression"):
        return None
    inner = [_fast_getter(child, functions) for child in children]
    getters: list[Getter] = [getter for getter in inner if getter is not None]
    if len(getters) != len(inner):
        return None
    if kind == "function_expression":
        if node["value"] not in ("value", "display", "lower", "upper", "trim") or len(getters) != 1:
            return None
        function, argument = getattr(functions, f"_func_{node['value']}"), getters[0]
        return lambda record: function(argument(record))
    if kind == "or_expression":
        first, second = getters
        return lambda record: second(record) if _is_false(found := first(record)) else found
    if any(child["type"] not in ("field", "subexpression") for child in children):
        return None

    def walk(record: Any) -> Any:
        for getter in getters:
            record = getter(record)
        return record

    return walk


@dataclass(frozen=True)
class Collection:
    """Where one list of records stands in the CMDB."""

    name: str
    key: str
    path: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    records: Getter | None = None
    id: Getter | None = None
    optional: bool = False


@dataclass(frozen=True)
class Rule:
    """How the records of one collection become entries of one section."""

    section: str
    source: str
    where: Getter | None
    each: Getter | None
    merge: bool
    fields: Sequence[tuple[str, Getter]] | None
    attributes: Sequence[tuple[str, Getter]]
    otherwise: Mapping[str, Any]


@dataclass
class Model:
    """A whole source in the words of the landscape model, unchecked.

    Attributes:
        source: the source's name for messages.
        sections: section to entries.
        defects: what was wrong with single records already.
        ignored_types: types of relations that mean nothing to us.
        ignore_other_types: whether relations of types that nobody named are no defects.
        ignore_outside: whether relations with records that are not part of the landscape are no defects.
    """

    source: str
    sections: dict[str, list[Entry]]
    defects: list[Defect]
    relation_types: Mapping[str, str]
    ignored_types: frozenset[str] = frozenset()
    ignore_other_types: bool = False
    ignore_outside: bool = False

    def add(self, other: Model) -> None:
        """Takes the entries of another source in."""
        for section, entries in other.sections.items():
            self.sections.setdefault(section, []).extend(entries)
        self.defects.extend(other.defects)
        self.relation_types = {**other.relation_types, **self.relation_types}
        self.ignored_types -= other.relation_types.keys()


class CmdbMapping:
    """A compiled mapping.

    Args:
        data: the mapping's data.
        name: its name for messages.

    Raises:
        MappingError: a part is missing or unknown, or an expression does not parse; names the place in the mapping.
    """

    def __init__(self, data: Any, name: str) -> None:
        self.name = name
        if not hasattr(jmespath, "__version__"):
            raise MappingError(f"use the mapping {name}", "jmespath is not installed here: pip install jmespath")
        self._check(isinstance(data, Mapping), "", "it is no mapping of keys")
        self._known("", data, _TOP_KEYS)
        self._check(
            data.get("format", FORMAT) == FORMAT,
            "format",
            f"this release reads format {FORMAT}, not {data.get('format')}",
        )
        tables = data.get("tables") or {}
        self._functions = _Functions(tables)
        self._used: set[str] = set()
        self._options = jmespath.Options(custom_functions=self._functions)
        self.paging: Mapping[str, Any] = data.get("paging") or {"style": "none"}
        self.authorization: str = data.get("authorization") or "Bearer"
        self.relation_types: dict[str, str] = dict(
            data.get("relation_types") or {kind: kind for kind in RELATION_TYPES}
        )
        for given, meaning in self.relation_types.items():
            known = ", ".join(RELATION_TYPES)
            self._check(meaning in RELATION_TYPES, f"relation_types.{given}", f'"{meaning}" is none of {known}')
        ignored = data.get("ignored_relation_types") or []
        self._check(
            isinstance(ignored, list) and all(isinstance(kind, str) for kind in ignored),
            "ignored_relation_types",
            f"{_short(ignored)} is no list of relation types",
        )
        for given in ignored:
            self._check(
                given not in self.relation_types, "ignored_relation_types", f'"{given}" has a meaning in relation_types'
            )
        self.ignored_types = frozenset(ignored)
        self.ignore_other_types = self._choice(data, "other_relation_types") == "ignore"
        self.ignore_outside = self._choice(data, "outside_relations") == "ignore"
        self.ignore_other_keys = self._choice(data, "other_keys") == "ignore"
        collections = data.get("collections") or {}
        self._check(bool(collections), "collections", "there is none")
        self.collections = {key: self._collection(key, value or {}) for key, value in collections.items()}
        self.rules = [
            self._rule(section, number, rule)
            for section, rules in (data.get("landscape") or {}).items()
            for number, rule in enumerate(rules if isinstance(rules, list) else [rules])
        ]
        self._check(bool(self.rules), "landscape", "there is no rule")

    # -- compiling ----------------------------------------------------------------------------------------------------

    def _check(self, good: bool, place: str, problem: str) -> None:
        if not good:
            raise MappingError(f"use the mapping {self.name}", f"{place + ': ' if place else ''}{problem}")

    def _known(self, place: str, data: Mapping[str, Any], known: set[str]) -> None:
        for key in data:
            hint = closest(str(key), known)
            self._check(key in known, place, f'unknown key "{key}"{hint}')

    def _choice(self, data: Mapping[str, Any], key: str) -> str:
        value = data.get(key, "refuse")
        self._check(value in ("ignore", "refuse"), key, f'"{value}" is neither ignore nor refuse')
        return str(value)

    def expression(self, place: str, text: Any) -> Getter:
        """The function that evaluates an expression.

        Raises:
            MappingError: the expression does not parse, or calls an unknown function.
        """
        if isinstance(text, (int, float)):
            return lambda _record: text
        self._check(isinstance(text, str) and text != "", place, "expected an expression")
        try:
            compiled = jmespath.compile(text)
        except jmespath.exceptions.JMESPathError as error:
            reason = str(error).splitlines()[0]
            raise MappingError(f"use the mapping {self.name}", f'{place}: "{text}" is no JMESPath: {reason}') from error
        self._used.update(_fields_in(compiled.parsed))
        for function, arguments in _names_in(compiled.parsed):
            self._check(
                function in self._functions.FUNCTION_TABLE, place, f'"{text}" calls the unknown function {function}'
            )
            if function == "translate" and arguments and arguments[0].get("type") == "literal":
                table = arguments[0]["value"]
                self._check(table in self._functions.tables, place, f'"{text}" names the unknown table {table}')
            if function == "match" and len(arguments) > 1 and arguments[1].get("type") == "literal":
                try:
                    _pattern(arguments[1]["value"])
                except re.error as error:
                    raise MappingError(
                        f"use the mapping {self.name}",
                        f'{place}: "{arguments[1]["value"]}" is no regular expression: {error}',
                    ) from error
        simple = _fast_getter(compiled.parsed, self._functions)
        if simple:
            return simple
        options = self._options
        return lambda record: compiled.search(record, options=options)

    @property
    def fields_used(self) -> str:
        """All names of fields that the expressions use, for a CMDB that wants to be told; separated by commas."""
        return ",".join(sorted(self._used))

    def _collection(self, name: str, data: Any) -> Collection:
        place = f"collections.{name}"
        self._check(isinstance(data, Mapping), place, "it is no mapping of keys")
        self._known(place, data, _COLLECTION_KEYS)
        return Collection(
            name=name,
            key=str(data.get("key", name)),
            path=data.get("path"),
            parameters=data.get("parameters") or {},
            records=self.expression(f"{place}.records", data["records"]) if "records" in data else None,
            id=self.expression(f"{place}.id", data["id"]) if "id" in data else None,
            optional=bool(data.get("optional", False)),
        )

    def _rule(self, section: str, number: int, data: Any) -> Rule:
        place = f"landscape.{section}[{number}]"
        self._check(section in FIELDS, "landscape", f'unknown section "{section}"{closest(section, FIELDS)}')
        self._check(isinstance(data, Mapping), place, "it is no mapping of keys")
        self._known(place, data, _RULE_KEYS)
        source = data.get("from")
        self._check(
            source in self.collections,
            f"{place}.from",
            f'"{source}" is none of the collections {", ".join(self.collections)}',
        )
        self._check(
            data.get("repeated", "refuse") in ("merge", "refuse"), f"{place}.repeated", "it is neither merge nor refuse"
        )
        for target in data.get("otherwise") or {}:
            self._check(target in FIELDS[section], f"{place}.otherwise.{target}", f"{section} have no such field")
        fields = data.get("fields", "*")
        compiled: list[tuple[str, Getter]] | None = None
        attributes: list[tuple[str, Getter]] = []
        if fields != "*":
            self._check(isinstance(fields, Mapping), f"{place}.fields", 'expected field: expression, or "*"')
            compiled = []
            for target, text in fields.items():
                where = f"{place}.fields.{target}"
                hint = closest(str(target), FIELDS[section])
                self._check(target in FIELDS[section], where, f"{section} have no such field{hint}")
                if target == "attributes" and isinstance(text, Mapping):
                    attributes = [(key, self.expression(f"{where}.{key}", value)) for key, value in text.items()]
                else:
                    compiled.append((target, self.expression(where, text)))
        return Rule(
            section=section,
            source=str(source),
            where=self.expression(f"{place}.where", data["where"]) if "where" in data else None,
            each=self.expression(f"{place}.each", data["each"]) if "each" in data else None,
            merge=data.get("repeated") == "merge",
            fields=compiled,
            attributes=attributes,
            otherwise=data.get("otherwise") or {},
        )

    # -- reading ------------------------------------------------------------------------------------------------------

    def from_document(self, document: Any, name: str) -> list[Records]:
        """The collections in a file that holds everything.

        Raises:
            SourceError: it is no object, has keys that no collection has, lacks a collection that is not optional, or
                its ``counts`` say that it is not whole.
        """
        if not isinstance(document, Mapping):
            raise SourceError(
                f"read {name}",
                f"expected an object with {', '.join(self.collections)}; found {type(document).__name__}",
            )
        found: list[Records] = []
        keys = {collection.key for collection in self.collections.values()}
        problems: list[str] = []
        for collection in self.collections.values():
            if collection.key not in document:
                if not collection.optional:
                    problems.append(f"it has no {collection.key}")
                continue
            value = document[collection.key]
            if isinstance(value, Mapping):
                value = next((value[key] for key in ("result", "results", "records") if key in value), value)
            if value is None:
                value = []
            if not isinstance(value, list):
                problems.append(f"{collection.key} is no list but {type(value).__name__}")
                continue
            found.append(Records(collection.name, value))
        if not self.ignore_other_keys:
            for key in document:
                if (
                    key not in keys
                    and key not in ("format", "description", "counts", "simulation")
                    and not str(key).startswith("x_")
                ):
                    problems.append(f'the key "{key}" is unknown{closest(str(key), keys)}')
        counts = document.get("counts")
        if isinstance(counts, Mapping):
            for records in found:
                wanted = counts.get(records.name, len(records.items))
                if wanted != len(records.items):
                    problems.append(
                        f"{records.name} should be {wanted} records and are {len(records.items)}: it is not whole"
                    )
        if problems:
            raise SourceError(f"read {name}", f"{'; '.join(problems)}")
        return found

    def model(self, collections: Sequence[Records], source: str) -> Model:
        """The entries that the rules make of the collections.

        Raises:
            SourceError: a collection that a rule needs is not there.
        """
        by_name = {records.name: records for records in collections}
        missing = [
            collection.name
            for collection in self.collections.values()
            if not collection.optional and collection.name not in by_name
        ]
        if missing:
            raise SourceError(f"read {source}", f"it has no {', '.join(missing)}")
        model = Model(
            source,
            {section: [] for section in FIELDS},
            [],
            self.relation_types,
            self.ignored_types,
            self.ignore_other_types,
            self.ignore_outside,
        )
        self._functions.indexes = {}
        for collection in self.collections.values():
            if collection.id is not None and collection.name in by_name:
                get = collection.id
                index: dict[str, Any] = {}
                for record in by_name[collection.name].items:
                    key = get(record)
                    if key is not None:
                        index[str(key)] = record
                self._functions.indexes[collection.name] = index
        for rule in self.rules:
            if rule.source in by_name:
                self._apply(rule, by_name[rule.source], model)
        for rule in self.rules:
            for target, value in rule.otherwise.items():
                for entry in model.sections[rule.section]:
                    entry.fields.setdefault(target, value)
        return model

    def _apply(self, rule: Rule, records: Records, model: Model) -> None:
        entries: list[Entry] = []
        for index, record in enumerate(records.items):
            if not isinstance(record, Mapping):
                model.defects.append(
                    Defect(
                        records.place(index),
                        "",
                        f"it is no record but {_short(record)}",
                        "give an object with named fields",
                    )
                )
                continue
            try:
                if rule.where is not None and not rule.where(record):
                    continue
                items: Iterable[Any] = (record,)
                if rule.each is not None:
                    elements = rule.each(record)
                    if elements is None:
                        continue
                    if not isinstance(elements, list):
                        model.defects.append(
                            Defect(
                                records.place(index),
                                "",
                                f"expected a list, found {_short(elements)}",
                                "give a list, or nothing",
                            )
                        )
                        continue
                    items = [{"parent": record, "item": item} for item in elements]
            except jmespath.exceptions.JMESPathError as error:
                model.defects.append(
                    Defect(records.place(index), "", _first_line(error), "change the value or the mapping")
                )
                continue
            for item in items:
                fields, failed = self._fields(rule, item, records, index, model.defects)
                entries.append(Entry(fields, records, index, failed))
        if rule.merge:
            entries = _merged([*model.sections[rule.section], *entries], model.defects)
            model.sections[rule.section].clear()
        model.sections[rule.section].extend(entries)

    def _fields(
        self, rule: Rule, record: Any, records: Records, index: int, defects: list[Defect]
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """The fields that a rule makes of a record, and those that it could not make: the others may be wrong, too."""
        if rule.fields is None:
            return dict(record), frozenset()
        failed: set[str] = set()

        def got(target: str, get: Getter) -> Any:
            try:
                return get(record)
            except jmespath.exceptions.JMESPathError as error:
                defects.append(
                    Defect(records.place(index), target, _first_line(error), "change the value or the mapping")
                )
                failed.add(target.partition(".")[0])
                return None

        values = ((target, got(target, get)) for target, get in rule.fields)
        fields = {target: value for target, value in values if value is not None and value != ""}
        if rule.attributes:
            values = ((key, got(f"attributes.{key}", get)) for key, get in rule.attributes)
            fields["attributes"] = {key: value for key, value in values if value is not None}
        return fields, frozenset(failed)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _first_line(error: Exception) -> str:
    return "the mapping's expression does not fit: " + " ".join(str(error).split())


def _merged(entries: list[Entry], defects: list[Defect]) -> list[Entry]:
    """Entries with one name as one entry; values that differ are defects."""
    result: dict[Any, Entry] = {}
    for entry in entries:
        name = entry.fields.get("name")
        if not isinstance(name, str):
            result[id(entry)] = entry
            continue
        first = result.setdefault(name, Entry(dict(entry.fields), entry.records, entry.index, entry.failed))
        if entry.failed - first.failed:
            first = result[name] = replace(first, failed=first.failed | entry.failed)
        for key, value in entry.fields.items():
            known = first.fields.setdefault(key, value)
            if known != value:
                defects.append(
                    Defect(
                        entry.place,
                        key,
                        f"it is {_short(value)} here and {_short(known)} in {first.records.place(first.index)}",
                        "write the same value in all records of this name",
                    )
                )
    return list(result.values())


def _overlaid(base: Any, change: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        result = dict(base)
        for key, value in change.items():
            result[key] = _overlaid(base[key], value) if key in base else value
        return result
    if isinstance(base, list) and isinstance(change, Mapping):
        return [_overlaid(item, change) for item in base]
    return change


@lru_cache(maxsize=32)
def _shipped_data(name: str) -> Any:
    return read_document(os.path.join(FOLDER, f"{name}.yml"))


def open_mapping(name: str, *, folder: str = ".", changes: Mapping[str, Any] | None = None) -> CmdbMapping:
    """The mapping of that name.

    Args:
        name: one of `SHIPPED`, or the path of a mapping file.
        folder: what a relative path starts from.
        changes: laid over the mapping key by key; over a list of rules it is laid over each rule.

    Raises:
        MappingError: there is no such mapping, or it is wrong.
        SourceError: the file cannot be read.
    """
    if name in SHIPPED:
        data = _shipped_data(name)
    else:
        path = os.path.join(folder, os.path.expanduser(name))
        if not os.path.exists(path):
            raise MappingError(f"find the mapping {name}", f"it is none of {', '.join(SHIPPED)}, nor the file {path}")
        data = read_document(path)
    return CmdbMapping(_overlaid(data, changes) if changes else data, name)
