# SPDX-License-Identifier: GPL-3.0-or-later
"""The landscape model: what its fields may hold when records become a landscape."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.calendars import (
    ENTRY_FIELDS,
    check_entry,
    parse_duration,
    time_zone,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import Defect, LandscapeDefects
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Entry
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.variables import group_name

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.mapping import Model

SYSTEM_TYPES = ("abap", "java", "webdisp", "hana", "other")
KINDS = ("hana", "ascs", "scs", "ers", "dialog", "java", "webdisp", "other")
TIERS = ("web", "app", "db")
MAINTENANCE = ("full_stop", "rolling")
CALENDAR_KINDS = ("window", "blackout")
RELATION_TYPES = ("depends_on", "used_by", "runs_on", "runs", "part_of", "contains")
_INVERSE = {"used_by": "depends_on", "runs": "runs_on", "contains": "part_of"}

START_PRIORITY = {
    "hana": 0.3, "ers": 0.5, "ascs": 1.0, "scs": 1.0, "dialog": 3.0, "java": 3.0, "webdisp": 4.0, "other": 3.0,
}  # fmt: skip
TIER = {"hana": "db", "webdisp": "web"}
"""Tier by kind of instance; all other kinds are ``app``."""

_SID = re.compile(r"[A-Z][A-Z0-9]{2}")
_INSTANCE = re.compile(r"[A-Z][A-Z0-9]*[0-9]{2}")
_NUMBER = re.compile(r"[0-9]{2}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESERVED = ("all", "ungrouped")

Landscape = dict[str, dict[str, Any]]


class _Wrong(Exception):
    """A value that its field cannot hold: problem and remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _place_in_network(address: str) -> str:
    """An address in the form that all its spellings share."""
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return address.lower().rstrip(".")


def closest(word: str, known: Iterable[str]) -> str:
    """A hint in brackets when a known word is near, else ""."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f' (did you mean "{near[0]}"?)' if near else ""


# -- what a field may hold: value in, clean value out, _Wrong otherwise ------------------------------------------------


def _text(value: Any) -> str:
    if isinstance(value, str):
        stripped = value.strip()
        if stripped and stripped.isprintable():
            return stripped
        raise _Wrong(
            f"{_short(value)} is {'no printable text' if stripped else 'empty'}", "give a text, or leave the field out"
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _Wrong(f"{_short(value)} is no text", "write it as a text, in quotes")


def _matching(pattern: re.Pattern[str], remedy: str) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        text = _text(value)
        if pattern.fullmatch(text) is None or text in _RESERVED:
            raise _Wrong(f'"{text}" is not possible here', remedy)
        return text

    return clean


def _number(value: Any) -> str:
    text = _text(value)
    if _NUMBER.fullmatch(text) is None:
        raise _Wrong(f"{_short(value)} is no instance number", 'write two digits, in quotes, as "00"')
    return text


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        text = _text(value)
        if text not in choices:
            raise _Wrong(f'"{text}" is unknown', f"write one of {', '.join(choices)}{closest(text.lower(), choices)}")
        return text

    return clean


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "yes", "1"):
        return True
    if isinstance(value, str) and value.strip().lower() in ("false", "no", "0"):
        return False
    raise _Wrong(f"{_short(value)} is neither true nor false", "write true or false")


def _priority(value: Any) -> float:
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number < 1000:
        raise _Wrong(f"{_short(value)} is no start priority", "write a number from 0 to 999, such as 0.3 or 1")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(f"{_short(value)} is no whole number", "write a whole number, such as 1")
    return value


def _age(value: Any) -> Any:
    if isinstance(value, bool):
        raise _Wrong(f"{_short(value)} is no length of time", 'write it as "24h" or "7d"')
    if isinstance(value, (int, float)) and value > 0:
        return value
    text = _text(value) if isinstance(value, str) else ""
    if re.fullmatch(r"[1-9][0-9]*", text):
        return int(text)
    if not text or parse_duration(text) is None:
        raise _Wrong(f"{_short(value)} is no length of time", 'write it as "24h" or "7d", or as seconds')
    return text


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [part for part in re.split(r"[;,]", value) if part.strip()]
    if not isinstance(value, list):
        raise _Wrong(f"{_short(value)} is no list of names", 'write a list, or in CSV "A;B"')
    return [_text(item) for item in value]


def _attributes(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or any(not isinstance(key, str) for key in value):
        raise _Wrong(f"{_short(value)} is no object with named values", "write name: value")
    return dict(value)


def _anything(value: Any) -> Any:
    return value


_sid = _matching(_SID, "an SID has three characters, capital letters and digits, a letter first, such as PRD")
_host_name = _matching(_NAME, "a host name has letters, digits, dots, hyphens and underscores")
_system_name = _matching(
    _NAME, "a system name has letters, digits, dots, hyphens and underscores; the SID is the usual one"
)
_instance_name = _matching(
    _INSTANCE, "an instance name is capital letters with the instance number, such as D01 or ASCS00"
)

FIELDS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "hosts": {
        "id": _text, "name": _host_name, "address": _text, "os": _text, "environment": _text, "patch_group": _text,
        "owner": _text, "failure_domain": _text, "patch_level": _text, "attributes": _attributes,
    },
    "systems": {
        "id": _text, "name": _system_name, "sid": _sid, "type": _one_of(SYSTEM_TYPES), "environment": _text,
        "owner": _text, "patch_group": _text, "maintenance": _one_of(MAINTENANCE), "windows": _names,
        "blackouts": _names, "depends_on": _names, "jobs": _flag, "backup_max_age": _age, "attributes": _attributes,
    },
    "instances": {
        "id": _text, "name": _instance_name, "system": _text, "sid": _sid, "host": _text, "number": _number,
        "kind": _one_of(KINDS), "tier": _one_of(TIERS), "virtual_host": _text, "start_priority": _priority,
        "depends_on": _names, "cluster_owned": _flag, "attributes": _attributes,
    },
    "relations": {"id": _text, "source": _text, "target": _text, "type": _text},
    "redundancy_groups": {"id": _text, "name": _text, "members": _names, "max_unavailable": _whole},
    "calendars": {
        "id": _text, "name": _text, "kind": _one_of(CALENDAR_KINDS), "timezone": _text, "entries": _anything,
        **dict.fromkeys(ENTRY_FIELDS, _anything),
    },
    "calendar_entries": {"calendar": _text, **dict.fromkeys(ENTRY_FIELDS, _anything)},
}  # fmt: skip
"""Every section and field that a source may fill. ``id`` is the CMDB's own key; relations and references may use it."""

_REQUIRED: dict[str, dict[str, str]] = {
    "hosts": {"name": "give the name that Ansible shall use"},
    "systems": {"type": f"write one of {', '.join(SYSTEM_TYPES)}"},
    "instances": {"name": "write the instance name, such as D01 or ASCS00", "kind": f"write one of {', '.join(KINDS)}"},
    "relations": {
        "source": "name a system or an instance",
        "target": "name a system or an instance",
    },
    "redundancy_groups": {"name": "give it a name", "members": "list systems, hosts or instances"},
    "calendars": {
        "name": "give it a name",
        "kind": "write window or blackout",
        "timezone": "write a zone such as Europe/Berlin",
    },
    "calendar_entries": {"calendar": "name the calendar it belongs to"},
}


class _Builder:
    """Makes one landscape out of one model and collects what is wrong on the way."""

    def __init__(self, model: Model, folder: str) -> None:
        self.model = model
        self.folder = folder
        self.defects: list[Defect] = list(model.defects)
        self.hosts: dict[str, Any] = {}
        self.systems: dict[str, Any] = {}
        self.instances: dict[str, Any] = {}
        self.groups: dict[str, Any] = {}
        self.calendars: dict[str, Any] = {}
        self.places: dict[tuple[str, str], str] = {}  # (section, name) -> where it stands
        self.addresses: dict[str, str] = {}  # address -> the host that is reached there
        self.ids: dict[str, tuple[str, Any]] = {}  # the CMDB's own key -> (section, name, or number for instances)
        self.id_places: dict[str, str] = {}
        self.broken: set[tuple[str, str]] = set()  # (section, name or key) of records that have defects of their own
        self.foreign: list[tuple[str, str, str]] = []  # relations of other types: type, source, target
        self.beyond: dict[str, list[tuple[Entry, str]]] = {}  # dependencies that leave the landscape, or lie outside it
        self.halves: list[tuple[Entry, dict[str, Any]]] = []  # relations without a source, target or type
        self.notes: list[str] = []
        self.wanted_by_system: list[tuple[Entry, str, list[str]]] = []
        self.by_sid: dict[str, list[str]] = {}
        self.members: dict[str, list[str]] = {}  # system -> its instances
        self.hints_left = 25

    # -- tools --------------------------------------------------------------------------------------------------------

    def defect(self, entry: Entry, field: str, problem: str, remedy: str) -> None:
        self.defects.append(Defect(entry.place, field, problem, remedy))

    def hint(self, word: str, known: Iterable[str]) -> str:
        """As `closest`, but only for the first few: looking for near names costs time with every name."""
        if self.hints_left <= 0:
            return ""
        self.hints_left -= 1
        return closest(word, known)

    def take(self, section: str, entry: Entry) -> tuple[dict[str, Any], set[str]]:
        """The clean fields of an entry, and the names of those that are wrong or missing."""
        cleaners = FIELDS[section]
        required = _REQUIRED[section]
        clean: dict[str, Any] = {}
        bad: set[str] = set(entry.failed)
        for field, value in entry.fields.items():
            if value is None or field == "simulation":  # options of the simulator, which reads the same export
                continue
            cleaner = cleaners.get(field)
            if cleaner is None:
                near = closest(str(field), cleaners)
                remedy = (
                    "own data belongs into attributes"
                    if "attributes" in cleaners
                    else f"known are {', '.join(cleaners)}"
                )
                self.defect(entry, str(field), f"unknown field{near}", remedy)
                continue
            try:
                clean[field] = cleaner(value)
            except _Wrong as wrong:
                self.defect(entry, field, wrong.problem, wrong.remedy)
                bad.add(field)
        for field, remedy in required.items():
            if field not in clean and field not in bad:
                self.defect(entry, field, "it is missing", remedy)
                bad.add(field)
        return clean, bad

    def register(self, section: str, name: str | None, key: Any, entry: Entry) -> bool:
        """Notes name and key of an entry; False when another entry has the name already."""
        own = entry.fields.get("id")
        if own is not None and not isinstance(own, (bool, Mapping, list)):
            own = str(own).strip()
            if own in self.id_places:
                self.defect(
                    entry, "id", f'"{own}" is already the key of {self.id_places[own]}', "give every record its own key"
                )
            else:
                self.ids[own] = (section, key)
                self.id_places[own] = entry.place
        if name is None:
            return False
        if (section, name) in self.places:
            self.defect(
                entry,
                "name",
                f'"{name}" is already the name of {self.places[section, name]}',
                "give every record its own name",
            )
            return False
        self.places[section, name] = entry.place
        return True

    def mark_broken(self, section: str, entry: Entry) -> None:
        for field in ("name", "sid", "id"):
            value = entry.fields.get(field)
            if isinstance(value, (str, int)):
                self.broken.add((section, str(value).strip()))

    def find(self, section: str, word: str) -> str | None:
        """The name of what `word` means in a section: its name, or the CMDB's key."""
        if word in getattr(self, section):
            return word
        found = self.ids.get(word)
        if found and found[0] == section and found[1] in getattr(self, section):
            return str(found[1])
        return None

    # -- sections -----------------------------------------------------------------------------------------------------

    def build(self) -> Landscape:
        sections = self.model.sections
        for entry in sections.get("hosts", ()):
            self.add_host(entry)
        self.add_calendars(sections.get("calendars", ()), sections.get("calendar_entries", ()))
        for entry in sections.get("systems", ()):
            self.add_system(entry)
        instances = [(entry, *self.take("instances", entry)) for entry in sections.get("instances", ())]
        for number, (entry, _clean, _bad) in enumerate(instances):
            self.register("instances", None, number, entry)
        relations = self.typed_relations(sections.get("relations", ()))
        links = self.placements(relations, instances)
        by_number = [self.add_instance(number, *instance, links) for number, instance in enumerate(instances)]
        self.numbers_on_hosts()
        for key, instance in self.instances.items():
            self.members.setdefault(instance["system"], []).append(key)
        self.ids = {
            word: (section, by_number[key] if section == "instances" else key)
            for word, (section, key) in self.ids.items()
        }
        self.dependencies(instances, by_number, relations)
        self.lost_chains()
        self.note_foreign_types()
        for entry in sections.get("redundancy_groups", ()):
            self.add_group(entry)
        self.group_names()
        if not self.hosts and not self.defects:
            self.defects.append(
                Defect(
                    "the source as a whole", "", "it has no host", "check the export and the mapping's rules for hosts"
                )
            )
        if self.defects:
            raise LandscapeDefects(self.model.source, list(dict.fromkeys(self.defects)))
        for record in (*self.systems.values(), *self.instances.values()):
            record["depends_on"] = sorted(set(record["depends_on"]))
        return {
            "hosts": dict(sorted(self.hosts.items())),
            "systems": dict(sorted(self.systems.items())),
            "instances": dict(sorted(self.instances.items())),
            "redundancy_groups": dict(sorted(self.groups.items())),
            "calendars": dict(sorted(self.calendars.items())),
        }

    def add_host(self, entry: Entry) -> None:
        clean, bad = self.take("hosts", entry)
        name = clean.get("name")
        new = self.register("hosts", name, name, entry)
        if bad or not new:
            self.mark_broken("hosts", entry)
        if not new or name is None:
            return
        known = self.places.setdefault(("any case", name.lower()), entry.place)
        if known != entry.place:
            self.defect(
                entry,
                "name",
                f'"{name}" differs only in case from {known}',
                "host names do not tell capitals apart; remove one",
            )
        # Ansible reaches a host without an address by its name.
        place = _place_in_network(clean.get("address") or name)
        other = self.addresses.setdefault(place, entry.place)
        if other not in (entry.place, known):
            self.defect(
                entry,
                "address",
                f'"{clean.get("address") or name}" is where {other} is reached, too: one would be taken for the other',
                "give every host its own address; leave it out, and set ansible_host, where something in between tells "
                "them apart",
            )
        fields = ("address", "os", "environment", "patch_group", "owner", "failure_domain", "patch_level")
        self.hosts[name] = {**{field: clean.get(field) for field in fields}, "attributes": clean.get("attributes", {})}

    def add_calendars(self, calendars: Iterable[Entry], extra: Iterable[Entry]) -> None:
        entries: dict[str, list[tuple[Entry, Any]]] = {}
        zones: dict[str, Any] = {}
        for entry in calendars:
            clean, bad = self.take("calendars", entry)
            name = clean.get("name")
            if "timezone" in clean and time_zone(clean["timezone"]) is None:
                self.defect(
                    entry,
                    "timezone",
                    f'"{clean["timezone"]}" is no time zone',
                    "write a name of the IANA database such as Europe/Berlin",
                )
                bad.add("timezone")
            new = self.register("calendars", name, name, entry)
            if bad or not new:
                self.mark_broken("calendars", entry)
            if not new or name is None:
                continue
            listed = clean.get("entries", [])
            if not isinstance(listed, list):
                self.defect(entry, "entries", f"{_short(listed)} is no list", "list the entries")
                listed = []
                self.mark_broken("calendars", entry)
            own = {field: clean[field] for field in ENTRY_FIELDS if field in clean}
            entries[name] = [(entry, item) for item in ([*listed, own] if own else listed)]
            zones[name] = time_zone(clean["timezone"]) if "timezone" in clean and "timezone" not in bad else None
            self.calendars[name] = {
                "kind": clean.get("kind"),
                "timezone": clean.get("timezone"),
                "entries": [],
                "place": entry,
            }
        for entry in extra:
            clean, _bad = self.take("calendar_entries", entry)
            if "calendar" not in clean or entry.failed:
                continue
            found = self.find("calendars", clean["calendar"])
            if found is None:
                if ("calendars", clean["calendar"]) not in self.broken:
                    near = self.hint(clean["calendar"], self.calendars)
                    self.defect(
                        entry,
                        "calendar",
                        f'"{clean["calendar"]}" is no calendar{near}',
                        "name a calendar of this landscape",
                    )
                continue
            entries[found].append((entry, {field: clean[field] for field in ENTRY_FIELDS if field in clean}))
        for name, calendar in self.calendars.items():
            place = calendar.pop("place")
            for entry, item in entries[name]:
                normal, findings = check_entry(item, zones[name], self.folder)
                for field, problem, remedy in findings:
                    self.defect(entry, field, problem, remedy)
                if not findings:
                    calendar["entries"].append(normal)
            if not entries[name] and ("calendars", name) not in self.broken:
                self.defect(
                    place, "entries", "it has none", "give start with end, start with rrule and duration, or ical"
                )

    def add_system(self, entry: Entry) -> None:
        clean, bad = self.take("systems", entry)
        name = clean.get("name") or (clean.get("sid") if "name" not in bad else None)
        if name is None and not {"name", "sid"} & bad:
            self.defect(entry, "sid", "it has neither sid nor name", "write the SID, such as PRD")
        sid = clean.get("sid")
        if name is not None and sid is None and "sid" not in bad:
            if _SID.fullmatch(name):
                sid = name
            else:
                self.defect(entry, "sid", f'it is missing, and the name "{name}" is none', "write the SID, such as PRD")
                bad.add("sid")
        new = self.register("systems", name, name, entry)
        if bad or not new or name is None:
            self.mark_broken("systems", entry)
        if not new or name is None:
            return
        calendars = {}
        for field, kind in (("windows", "window"), ("blackouts", "blackout")):
            calendars[field] = [
                found
                for word in clean.get(field, [])
                if (found := self.calendar_of(entry, field, word, kind)) is not None
            ]
        self.systems[name] = {
            "sid": sid,
            "type": clean.get("type"),
            "environment": clean.get("environment"),
            "owner": clean.get("owner"),
            "patch_group": clean.get("patch_group"),
            "maintenance": clean.get("maintenance", "full_stop"),
            **calendars,
            "depends_on": [],
            "jobs": clean.get("jobs", clean.get("type") == "abap"),
            "backup_max_age": clean.get("backup_max_age"),
            "attributes": clean.get("attributes", {}),
        }
        self.wanted_by_system.append((entry, name, clean.get("depends_on", [])))

    def calendar_of(self, entry: Entry, field: str, word: str, kind: str) -> str | None:
        found = self.find("calendars", word)
        if found is None:
            if ("calendars", word) not in self.broken:
                near = self.hint(word, self.calendars)
                self.defect(entry, field, f'"{word}" is no calendar{near}', f"name a calendar of kind {kind}")
            return None
        other = self.calendars[found]["kind"]
        if other != kind and other is not None:
            self.defect(entry, field, f'the calendar "{found}" is of kind {other}', f"name a calendar of kind {kind}")
        return found

    # -- relations ----------------------------------------------------------------------------------------------------

    def typed_relations(self, entries: Iterable[Entry]) -> list[tuple[Entry, str, str, str]]:
        """Relations as (entry, source, meaning, target); inverse types are turned round, foreign ones left out."""
        result = []
        for entry in entries:
            clean, bad = self.take("relations", entry)
            if bad:
                self.halves.append((entry, clean))
                continue
            kind = clean.get("type", "depends_on")
            meaning = self.model.relation_types.get(kind)
            if meaning is None:
                if kind in self.model.ignored_types:
                    continue
                self.foreign.append((kind, clean["source"], clean["target"]))
                if not self.model.ignore_other_types:
                    known = ", ".join(self.model.relation_types)
                    self.defect(entry, "type", f'"{kind}" is unknown', f"write one of {known}")
                continue
            source, target = clean["source"], clean["target"]
            if meaning in _INVERSE:
                source, target, meaning = target, source, _INVERSE[meaning]
            result.append((entry, source, meaning, target))
        return result

    def placements(
        self, relations: list[tuple[Entry, str, str, str]], instances: list[Any]
    ) -> dict[tuple[str, int], tuple[Entry, str]]:
        """Host and system that relations give to instances: (field, number of the instance) to (relation, name)."""
        links: dict[tuple[str, int], tuple[Entry, str]] = {}
        nowhere: dict[tuple[str, int], tuple[Entry, str]] = {}
        for entry, source, meaning, target in relations:
            if meaning == "depends_on":
                continue
            section, field = ("hosts", "host") if meaning == "runs_on" else ("systems", "system")
            owner = self.ids.get(source)
            name = self.find(section, target)
            if owner is not None and owner[0] == "instances" and name is not None:
                known = links.setdefault((field, owner[1]), (entry, name))
                if known[1] != name:
                    self.defect(
                        entry,
                        "target",
                        f'it says "{name}", {known[0].place} says "{known[1]}"',
                        f"an instance has one {field}",
                    )
                continue
            ends = [self.anything(source), self.anything(target)]
            if self.model.ignore_outside and (all(ends) or not any(ends)):
                continue
            of_instance = owner is not None and owner[0] == "instances"
            # what is a part of a system of the landscape would be lost with its relation
            if not ends[0] and (not self.model.ignore_outside or (name is not None and field == "system")):
                self.nothing(entry, "source", source, "an instance")
            if owner is not None and of_instance and not (all(ends) and (section, target) not in self.broken):
                nowhere.setdefault((field, owner[1]), (entry, "" if ends[1] else target))
            elif not ends[1] and not self.model.ignore_outside:
                self.nothing(entry, "target", target, f"a {field}")
            if all(ends) and (section, target) not in self.broken:
                self.defect(
                    entry,
                    "type",
                    f'"{source}" and "{target}" cannot have it',
                    f"it joins an instance, by its key, to a {field}",
                )
        for (field, number), (entry, target) in nowhere.items():
            clean = instances[number][1]
            elsewhere = (field, number) in links or field in clean or (field == "system" and "sid" in clean)
            if target and not (elsewhere and self.model.ignore_outside):
                self.nothing(entry, "target", target, f"a {field}")
            links.setdefault((field, number), (entry, ""))
        return links

    def anything(self, word: str) -> bool:
        """Whether the word names or keys anything in the landscape, broken records too."""
        return (
            word in self.ids
            or word in self.hosts
            or word in self.systems
            or word in self.instances
            or any((section, word) in self.broken for section in FIELDS)
        )

    def nothing(self, entry: Entry, field: str, word: str, wanted: str) -> None:
        near = self.hint(word, [*self.systems, *self.instances])
        self.defect(
            entry,
            field,
            f'"{word}" is nothing in this landscape{near}',
            f"name {wanted} of this landscape, or remove the relation",
        )

    def add_instance(
        self,
        number: int,
        entry: Entry,
        clean: dict[str, Any],
        bad: set[str],
        links: Mapping[tuple[str, int], tuple[Entry, str]],
    ) -> str | None:
        """Adds one instance; returns its id, or None when it has defects that leave it without one."""
        host = self.placed(number, entry, "host", "hosts", clean.get("host"), "host" in bad, links)
        word = clean.get("system") or (self.system_of_sid(clean["sid"]) if "sid" in clean else None)
        system = self.placed(number, entry, "system", "systems", word, "system" in bad, links)
        name = clean.get("name")
        digits = clean.get("number")
        if name is not None and "number" not in bad:
            if digits is None:
                digits = name[-2:]
            elif digits != name[-2:]:
                self.defect(
                    entry,
                    "number",
                    f'"{digits}" does not fit the name {name}',
                    f'an instance name ends in its number: "{name[-2:]}"',
                )
                bad.add("number")
        sid = self.systems[system]["sid"] if system is not None else None
        if sid is not None and clean.get("sid", sid) != sid:
            self.defect(
                entry,
                "sid",
                f'"{clean["sid"]}" is not the SID of the system {system}, which is {sid}',
                "write the system's SID or none",
            )
        if host is None or sid is None or name is None:
            self.mark_broken("instances", entry)
            return None
        key = f"{sid}/{host}/{name}"
        if ("instances", key) in self.places:
            self.defect(
                entry,
                "name",
                f'"{key}" is already {self.places["instances", key]}',
                "give every instance of a host its own name",
            )
            return None
        self.places["instances", key] = entry.place
        kind = clean.get("kind", "other")
        self.instances[key] = {
            "system": system,
            "sid": sid,
            "host": host,
            "name": name,
            "number": digits,
            "kind": kind,
            "tier": clean.get("tier") or TIER.get(kind, "app"),
            "virtual_host": clean.get("virtual_host"),
            "start_priority": clean.get("start_priority", START_PRIORITY[kind]),
            "depends_on": [],
            "cluster_owned": clean.get("cluster_owned", False),
            "attributes": clean.get("attributes", {}),
        }
        return key

    def system_of_sid(self, sid: str) -> str:
        """The name of the only system with that SID; the SID itself when there is none or more than one."""
        if sid in self.systems:
            return sid
        if not self.by_sid:
            for name, system in self.systems.items():
                self.by_sid.setdefault(system["sid"], []).append(name)
        names = self.by_sid.get(sid, [])
        return names[0] if len(names) == 1 else sid

    def placed(
        self,
        number: int,
        entry: Entry,
        field: str,
        section: str,
        word: str | None,
        bad: bool,
        links: Mapping[tuple[str, int], tuple[Entry, str]],
    ) -> str | None:
        """The host or system of an instance, from its own field or from a relation."""
        link = links.get((field, number))
        if word is None:
            if link is None and not bad:
                relation = "runs_on" if field == "host" else "part_of"
                self.defect(
                    entry, field, "it is missing", f"name a {field} of this landscape, or relate it by {relation}"
                )
            return link[1] or None if link else None
        found = self.find(section, word)
        if found is None:
            if (section, word) not in self.broken:
                near = self.hint(word, getattr(self, section))
                self.defect(
                    entry,
                    field,
                    f'"{word}" is no {field} of this landscape{near}',
                    f"name one of its {section}, or add the {field}",
                )
            return None
        if link and link[1] and link[1] != found:
            self.defect(
                entry, field, f'it says "{found}", {link[0].place} says "{link[1]}"', f"an instance has one {field}"
            )
        return found

    def numbers_on_hosts(self) -> None:
        """Two instances on one host cannot have one number: their ports would be the same."""
        seen: dict[tuple[str, str], str] = {}
        for key, instance in self.instances.items():
            place = (instance["host"], instance["number"])
            if place in seen:
                self.defects.append(
                    Defect(
                        self.places["instances", key],
                        "number",
                        f'"{place[1]}" is on host {place[0]} already the number of {seen[place]}',
                        "give every instance of a host its own number",
                    )
                )
            seen[place] = key

    def dependencies(
        self, instances: list[Any], by_number: list[str | None], relations: list[tuple[Entry, str, str, str]]
    ) -> None:
        """Fills depends_on from the records' own fields and from the relations."""
        for entry, name, words in self.wanted_by_system:
            for word in words:
                self.depend(entry, "depends_on", name, word)
        for number, (entry, clean, _bad) in enumerate(instances):
            key = by_number[number]
            if key is not None:
                for word in clean.get("depends_on", []):
                    self.depend(entry, "depends_on", key, word)
        for entry, source, meaning, target in relations:
            if meaning == "depends_on":
                self.relate(entry, source, target)
        for entry, clean in self.halves if not self.model.ignore_outside else ():
            for field in ("source", "target"):
                if field in clean and not self.anything(clean[field]) and not self.is_broken(clean[field]):
                    self.nothing(entry, field, clean[field], "a system or an instance")

    def ends(self, word: str) -> tuple[str, str] | None:
        """What a relation's end means: (section, name) of a system or an instance."""
        for section in ("systems", "instances"):
            found = self.find(section, word)
            if found is not None:
                return section, found
        return None

    def is_broken(self, word: str) -> bool:
        return ("systems", word) in self.broken or ("instances", word) in self.broken or self.broken_instance(word)

    def broken_instance(self, word: str) -> bool:
        """Whether an id SID/host/NAME lies in a system, host or instance that has defects of its own."""
        parts = word.split("/")
        if len(parts) != 3:
            return False
        pairs = zip(("systems", "hosts", "instances"), parts, strict=True)
        return any(pair in self.broken for pair in pairs)

    def relate(self, entry: Entry, source: str, target: str) -> None:
        found = self.ends(source)
        other = self.ends(target)
        if found is not None and other is not None:
            self.depend(entry, "target", found[1], target)
            return
        if self.model.ignore_outside:
            if not self.anything(source) or not self.anything(target):
                self.beyond.setdefault(source, []).append((entry, target))
                return
            if found is not None and self.runs_on(found[1], target):
                return  # a system on the host of its own instance: that says nothing about an order
        for field, word, end in (("source", source, found), ("target", target, other)):
            if end is None and not self.is_broken(word) and ("hosts", word) not in self.broken:
                if self.find("hosts", word) is not None:
                    self.defect(
                        entry, field, f'"{word}" is a host', "depends_on joins systems and instances; name one of these"
                    )
                else:
                    self.nothing(entry, field, word, "a system or an instance")

    def runs_on(self, name: str, word: str) -> bool:
        """Whether the system or instance `name` runs on the host that `word` means, or on it, too."""
        keys = self.members.get(name, []) if name in self.systems else [name]
        host = self.find("hosts", word)
        return host is not None and any(self.instances[key]["host"] == host for key in keys)

    def lost_chains(self) -> None:
        """Refuses dependencies between records of the landscape that go through others: their order would be lost."""
        onward = {source: [target for _entry, target in edges] for source, edges in self.beyond.items()}
        back: dict[str, list[str]] = {}
        for source, targets in onward.items():
            for target in targets:
                back.setdefault(target, []).append(source)
        leads = {word for word in back if self.ends(word) is not None}  # what comes to a record of the landscape
        left = list(leads)
        while left:
            for word in back.get(left.pop(), ()):
                if word not in leads and not self.anything(word):
                    leads.add(word)
                    left.append(word)
        for source, edges in self.beyond.items():
            start = self.ends(source)
            for entry, via in edges if start is not None else ():
                seen, left, found = {via}, [via] if via in leads else [], set()
                while left:
                    for word in onward.get(left.pop(), ()):
                        end = self.ends(word)
                        if end is not None:
                            found.add(end[1])
                        elif word in leads and word not in seen:
                            seen.add(word)
                            left.append(word)
                for name in sorted(found):
                    if start is not None and not self.ordered(start[1], name):
                        self.defect(
                            entry,
                            "target",
                            f'"{start[1]}" depends on "{name}" through "{via}", which is nothing in this landscape, so '
                            "that their order would be lost",
                            "relate the two, such as in additional_paths, or leave the relation out by where in the "
                            "mapping",
                        )

    def ordered(self, name: str, other: str) -> bool:
        """Whether two records are one system, or the order between them is known without what lies outside."""
        if other in self.instances and name in self.instances and other in self.instances[name]["depends_on"]:
            return True
        first, last = (self.instances[key]["system"] if key in self.instances else key for key in (name, other))
        seen, left = {first}, [first]
        while left:
            new = [key for key in self.systems[left.pop()]["depends_on"] if key not in seen]
            seen.update(new)
            left += new
        return last in seen

    def note_foreign_types(self) -> None:
        """Tells relation types that nobody named, when they join records of the landscape."""
        counts = Counter(
            kind
            for kind, source, target in self.foreign
            if self.anything(source) and self.anything(target) and (self.ends(source) or self.ends(target))
        )
        if counts and self.model.ignore_other_types:
            listed = ", ".join(f'"{kind}" ({count})' for kind, count in sorted(counts.items()))
            self.notes.append(
                f"Relations of types that the mapping does not name are ignored in {self.model.source}: {listed}. If "
                "one of them says what has to be up before what, the order is wrong without it: name it in "
                "relation_types of the mapping, the others in ignored_relation_types."
            )

    def depend(self, entry: Entry, field: str, name: str, word: str) -> None:
        """Notes that the system or instance `name` depends on what `word` means."""
        target = self.ends(word)
        if target is None:
            if not self.is_broken(word):
                self.nothing(entry, field, word, "a system or an instance")
            return
        section, other = target
        if name == other:
            self.defect(entry, field, f'"{name}" depends on itself', "remove the dependency")
        elif name in self.systems and section == "systems":
            self.systems[name]["depends_on"].append(other)
        elif name in self.systems:
            if self.instances[other]["system"] == name:
                self.defect(
                    entry,
                    field,
                    f'the system "{name}" depends on its own instance {other}',
                    "name the instance that depends on it",
                )
                return
            for key in self.members.get(name, []):
                self.instances[key]["depends_on"].append(other)
        elif section == "systems" and self.instances[name]["system"] == other:
            self.defect(entry, field, f"{name} depends on its own system {other}", "name the instance it depends on")
        else:
            self.instances[name]["depends_on"].extend(self.members.get(other, []) if section == "systems" else [other])

    # -- the rest -----------------------------------------------------------------------------------------------------

    def add_group(self, entry: Entry) -> None:
        clean, bad = self.take("redundancy_groups", entry)
        name = clean.get("name")
        if not self.register("redundancy_groups", name, name, entry) or name is None or "members" in bad:
            return
        members: list[str] = []
        for word in clean["members"]:
            found = [
                (section, key)
                for section in ("systems", "hosts", "instances")
                if (key := self.find(section, word)) is not None
            ]
            if not found:
                if not self.is_broken(word) and ("hosts", word) not in self.broken:
                    near = self.hint(word, [*self.systems, *self.hosts])
                    self.defect(
                        entry, "members", f'"{word}" is no system, host or instance{near}', "name one of this landscape"
                    )
                else:
                    bad.add("members")
                continue
            if len(found) > 1:
                sections = " and ".join(section for section, _key in found)
                self.defect(entry, "members", f'"{word}" is the name of two things ({sections})', "rename one of them")
                continue
            member = found[0][1]
            if member in members:
                self.defect(entry, "members", f'"{member}" stands twice', "list every member once")
            else:
                members.append(member)
        limit = clean.get("max_unavailable", 1)
        if "max_unavailable" not in bad and "members" not in bad:
            if limit < 1:
                self.defect(entry, "max_unavailable", f"{limit} forbids every maintenance", "write 1 or more")
            elif limit >= len(clean["members"]):
                count = len(clean["members"])
                self.defect(
                    entry,
                    "max_unavailable",
                    f"{limit} of {count} members may be out: nothing would be left",
                    "write less than the members",
                )
        self.groups[name] = {"members": sorted(members), "max_unavailable": limit}

    def group_names(self) -> None:
        """Different values must not fall together in one inventory group."""
        values: dict[str, set[str]] = {}
        for kind, names in (
            ("system", self.systems),
            (
                "environment",
                [r["environment"] for r in (*self.hosts.values(), *self.systems.values()) if r["environment"]],
            ),
            (
                "patch_group",
                [r["patch_group"] for r in (*self.hosts.values(), *self.systems.values()) if r["patch_group"]],
            ),
        ):
            for name in names:
                values.setdefault(group_name(kind, name), set()).add(name)
        for group, found in sorted(values.items()):
            if len(found) > 1:
                listed = " and ".join(f'"{name}"' for name in sorted(found))
                kind = group.split("_", 1)[0] if not group.startswith("patch_group") else "patch_group"
                field = "name" if kind == "system" else kind
                self.defects.append(
                    Defect(
                        "the landscape as a whole",
                        field,
                        f"{listed} would be the same inventory group {group}",
                        "write them alike, or apart",
                    )
                )


def build(model: Model, *, folder: str = ".", notes: list[str] | None = None) -> Landscape:
    """The landscape, in its normal form.

    The normal form does not depend on the order of the records: names and dependencies are sorted.

    Args:
        model: what the mapping made of the source.
        folder: what relative paths of iCal files start from.
        notes: what a person should know though nothing is wrong is added to it.

    Raises:
        LandscapeDefects: with every defect of the data; nothing is returned then.
    """
    builder = _Builder(model, folder)
    landscape = builder.build()
    if notes is not None:
        notes += builder.notes
    return landscape
