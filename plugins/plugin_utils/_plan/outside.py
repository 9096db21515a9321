# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to be looked at before a run begins, because others rely on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.groups import Admission, max_unavailable
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Condition

ACCEPT = "accept it with landscape_outside_down=accept."

_MOST = 8


class Judgement(NamedTuple):
    """What follows from what was seen.

    ``conditions`` stand against the run, ``warnings`` a person has to know. ``out``: resource -> its members outside
    the run that are out. ``down``: resource -> group of the run -> how many of its members are out already.
    """

    conditions: list[Condition]
    warnings: list[str]
    out: dict[str, list[str]]
    down: dict[str, dict[str, int]]


def looks(
    landscape: Mapping[str, Any],
    needed: Mapping[str, Sequence[str]],
    members: Mapping[str, Mapping[str, Sequence[str]]],
    groups: Sequence[Admission],
    on_host: Collection[str],
    counted: Collection[str],
) -> list[dict[str, Any]]:
    """Return one row for each instance that has to be looked at, sorted by name.

    ``needed``: instance outside the run -> instances of the run that need it. ``members``: resource of a redundancy
    group or of a rolling system -> its members in the run -> their hosts. Who stands beside these outside the run
    counts with them: a row lists under ``partner_in`` where, with how many may be out and how many of the run will be
    at once. A member that is partly in the run is counted by the run itself, and one without an instance by nobody.
    ``counted`` are the resources that the run counts: who is in the run may be out before it enters, and then leaves
    that much less room to others. A row lists under ``member_of`` where, which group of the run brings it back, how
    many may be out, how many the groups of the run take out at once.
    ``groups`` are those that are still to enter, ``on_host`` the hosts that the run takes out or has out: who is
    through stands beside it.
    """
    instances = landscape["instances"]
    known = _instances_of(landscape)
    sizes: dict[str, Counter[str]] = {}  # resource -> how many groups need so many places; the keys of JSON are texts
    group_of: dict[str, Admission] = {}
    for group in groups:
        group_of.update(dict.fromkeys(group.hosts, group))
        for resource, need in group.needs.items():
            sizes.setdefault(resource, Counter())[str(need)] += 1
    partner_in: dict[str, list[dict[str, Any]]] = {}
    member_of: dict[str, list[dict[str, Any]]] = {}
    for resource, all_inside in sorted(members.items()):
        inside = {member: hosts for member, hosts in all_inside.items() if not group_of.keys().isdisjoint(hosts)}
        if not inside:
            continue
        kind, _colon, name = resource.partition(":")
        allowed = 1
        if kind == "redundancy":
            record = landscape["redundancy_groups"][name]
            allowed = max_unavailable(record)
            listed = {member: known.get(member, []) for member in record["members"]}
        else:
            alike = {
                instances[one]["kind"] for host in all_inside for one in known[host] if instances[one]["system"] == name
            }
            listed = {}
            for one in known[name]:
                if instances[one]["kind"] in alike:
                    listed.setdefault(instances[one]["host"], []).append(one)
        for member, hosts in inside.items() if resource in counted else ():
            for one in listed.get(member, ()):
                if instances[one]["host"] in hosts:
                    group = group_of[next(host for host in hosts if host in group_of)]
                    place = {
                        "resource": resource,
                        "member": member,
                        "group": group.name,
                        "need": group.needs[resource],
                        "allowed": allowed,
                        "sizes": dict(sizes[resource]),
                    }
                    member_of.setdefault(one, []).append(place)
        together = max(map(int, sizes[resource])) if resource in sizes else len(inside)
        for member, found in listed.items():
            if any(instances[one]["host"] in on_host for one in found):
                continue
            beside = {"resource": resource, "member": member, "allowed": allowed, "together": together}
            for one in found:
                partner_in.setdefault(one, []).append(beside)
    return [
        {
            "name": name,
            "host": instances[name]["host"],
            "sid": instances[name]["sid"],
            "number": instances[name].get("number"),
            "cluster_owned": bool(instances[name].get("cluster_owned")),
            "needed_by": _some(needed.get(name, ())),
            "partner_in": partner_in.get(name, []),
            "member_of": member_of.get(name, []),
        }
        for name in sorted({*needed, *partner_in, *member_of})
    ]


def spread(rows: Sequence[Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Return which host of the run looks at which instances, so that the looks go side by side."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for number, row in enumerate(rows):
        found.setdefault(hosts[number % len(hosts)], []).append(row)
    return found


def without_counted(rows: Iterable[Mapping[str, Any]], counted: Collection[tuple[str, str]]) -> list[dict[str, Any]]:
    """Leave out where a partner is out because of another run, whose place the run database counts already.

    ``counted`` are (resource, host). An instance that nobody relies on then is not looked at.
    """
    rows = list(rows)
    known = {
        (beside["resource"], beside["member"])
        for row in rows
        for beside in row["partner_in"]
        if (beside["resource"], row["host"]) in counted
    }
    left = [
        {
            **row,
            "partner_in": [one for one in row["partner_in"] if (one["resource"], one["member"]) not in known],
        }
        for row in rows
    ]
    return [row for row in left if row["needed_by"] or row["partner_in"] or row["member_of"]]


def judge(rows: Iterable[Mapping[str, Any]], answers: Mapping[str, str | None], accepted: bool) -> Judgement:
    """Return what follows from the answers for the run.

    ``answers``: instance -> None when it is up, else what was answered. One without an answer counts as one that is
    not. ``accepted``: what would be refused is only said.
    """
    conditions: list[Condition] = []
    warnings: list[str] = []
    out: dict[str, dict[str, str]] = {}
    beside: dict[str, Mapping[str, Any]] = {}
    inside: dict[str, dict[str, tuple[Mapping[str, Any], str]]] = {}
    for row in rows:
        answer = answers.get(row["name"], "nobody has asked it")
        if answer is None:
            continue
        answer = answer.rstrip(".")
        if row["cluster_owned"]:
            answer += f", but a cluster owns it, and it may run elsewhere than on {row['host']}"
        if row["needed_by"]:
            conditions.append(
                {
                    "object": row["name"],
                    "unmet": f"it is not in the run, which needs it for {row['needed_by']}, and it is not known to be "
                    f"up: {answer}.",
                    "remedy": f"start it first, add {row['host']} to the run, or {ACCEPT}",
                }
            )
        for one in row["partner_in"]:
            beside[one["resource"]] = one
            out.setdefault(one["resource"], {}).setdefault(one["member"], f"{row['name']}: {answer}")
        for one in row["member_of"]:
            seen = (one, f"{row['name']}: {answer}")
            inside.setdefault(one["resource"], {}).setdefault(one["member"], seen)
    held: dict[str, list[str]] = {}
    for resource, members in sorted(out.items()):
        allowed, together = beside[resource]["allowed"], beside[resource]["together"]
        subject, names = _subject(resource), sorted(members)
        words = (
            f"{_some(names)}, not in the run, {_verb(names, 'counts', 'count')} as out "
            f"({'; '.join(members[name] for name in names[:_MOST])})"
        )
        if len(names) + together > allowed:
            more = f"{together} more" if together > 1 else "another one"
            conditions.append(
                {
                    "object": subject,
                    "unmet": f"{words}, and the run would take {more} out, {_allowed(allowed)}.",
                    "remedy": f"start {_some(names)} first, or {ACCEPT}",
                }
            )
        else:
            held[resource] = names
            warnings.append(f"{subject}: {words}, for the whole run.")
    down: dict[str, dict[str, int]] = {}
    for resource, found in sorted(inside.items()):
        names = sorted(found)
        words = (
            f"{_some(names)}, in the run, {_verb(names, 'counts', 'count')} as out until the run has started "
            f"{_verb(names, 'it', 'them')} ({'; '.join(found[name][1] for name in names[:_MOST])})"
        )
        places = [place for place, _words in found.values()]
        most = _most_out(places, len(out.get(resource, ())))
        if most > places[0]["allowed"]:
            # Who waited for them might be waited for by them: for a fork, as a canary, as a pair that goes together.
            conditions.append(
                {
                    "object": _subject(resource),
                    "unmet": f"{words}, and with those that the run takes out it would be {most}, "
                    f"{_allowed(places[0]['allowed'])}.",
                    "remedy": f"start {_some(names)} first, or {ACCEPT}",
                }
            )
        else:
            for place in places:
                of_group = down.setdefault(resource, {})
                of_group[place["group"]] = of_group.get(place["group"], 0) + 1
            warnings.append(f"{_subject(resource)}: {words}.")
    if accepted:
        warnings += [f"{one['object']}: {one['unmet']}" for one in conditions]
        conditions = []
    return Judgement(conditions, warnings, held, down)


def _instances_of(landscape: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the instances of each thing that may be a member of a redundancy group."""
    by_host: dict[str, list[str]] = {}
    by_system: dict[str, list[str]] = {}
    for name in sorted(landscape["instances"]):
        record = landscape["instances"][name]
        by_host.setdefault(record["host"], []).append(name)
        by_system.setdefault(record["system"], []).append(name)
    return {**by_host, **{name: [name] for name in landscape["instances"]}, **by_system}


def _most_out(places: Sequence[Mapping[str, Any]], outside: int) -> int:
    """Return how many members of a resource are out when that group enters which takes out most; 0 when none does.

    ``places`` are the members of the run that are out already, one each.
    """
    sizes = dict(places[0]["sizes"])
    most = 0
    for name, group in {place["group"]: place for place in places}.items():
        sizes[str(group["need"])] -= 1
        down = sum(place["group"] == name for place in places)
        if group["need"] > down:
            most = max(most, len(places) - down + group["need"] + outside)
    others = [int(need) for need, count in sizes.items() if count]
    return max([most, *(len(places) + need + outside for need in others)])


def _allowed(number: int) -> str:
    return f"allowed {'is' if number == 1 else 'are'} {number}"


def _subject(resource: str) -> str:
    kind, _colon, name = resource.partition(":")
    return f"redundancy group {name}" if kind == "redundancy" else name


def _verb(names: Sequence[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST else f"{', '.join(names[:_MOST])} and {len(names) - _MOST} more"
