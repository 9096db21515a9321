# SPDX-License-Identifier: GPL-3.0-or-later
"""How the state of a run looks in a terminal."""

from __future__ import annotations

import typing as t

try:
    from rich import box
    from rich.console import Group, RenderableType
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text
except ImportError:  # without rich there is no picture, and nobody asks for one
    pass

from ansible_collections.basis.landscape.plugins.plugin_utils._screen.model import DEAD, KINDS, Host, Screen

# Colour and symbol, so that the picture is also read without colours.
LOOKS: dict[str, tuple[str, str, str]] = {  # state: symbol, the same in ASCII, style
    "done": ("✔", "+", "green"),
    "running": ("▶", ">", "bold cyan"),
    "waiting": ("…", ".", "yellow"),
    "pending": ("·", " ", "dim"),
    "skipped": ("–", "-", "dim"),
    "failed": ("✖", "X", "bold red"),
    "unreachable": ("⚡", "U", "bold red"),
    "blocked": ("■", "B", "magenta"),
    "deferred": ("⏸", "D", "blue"),
}
HEADINGS = {"suspend_jobs": "suspend", "release_jobs": "release"}


def age(seconds: float) -> str:
    """Return seconds as a person reads them: 7 s, 3:05, 1:02:09."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def render(screen: Screen, now: float, height: int, *, ascii_only: bool = False) -> RenderableType:
    """Return the picture; what fails stands first. ``height``: lines of the terminal."""
    dead = [host for host in screen.hosts.values() if host.state in DEAD]
    parts: list[RenderableType] = [_head(screen, now, ascii_only)]
    if dead:
        parts.append(_failures(dead, now, max(3, height // 4), ascii_only))
    room = max(4, height - 8 - min(len(dead), height // 4))
    parts.append(_systems(screen, now, room, ascii_only))
    return Group(*parts)


def _symbol(state: str, ascii_only: bool) -> str:
    return LOOKS[state][1 if ascii_only else 0]


def _head(screen: Screen, now: float, ascii_only: bool) -> RenderableType:
    line = Text.assemble((f" {screen.procedure} ", "bold reverse"), "  ", (screen.run, "bold"), "  ")
    for state, what in (("done", "through"), ("running", "working"), ("waiting", "waiting"), ("pending", "to come")):
        line.append(f"{_symbol(state, ascii_only)} {screen.count(state)} {what}  ", LOOKS[state][2])
    for state in DEAD:
        if screen.count(state):
            line.append(f"{_symbol(state, ascii_only)} {screen.count(state)} {state}  ", LOOKS[state][2])
    elapsed = now - screen.started
    left = max(0.0, screen.makespan - elapsed)
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    ending = f"{age(left)} left by the plan" if left else f"{age(elapsed - screen.makespan)} over the plan"
    if screen.ended:
        ending = f"planned {age(screen.makespan)}"
    grid.add_row(
        ProgressBar(total=1.0, completed=screen.progress), Text(f"{screen.progress:4.0%}  {age(elapsed)}  {ending}")
    )
    return Group(line, grid)


def _failures(dead: list[Host], now: float, room: int, ascii_only: bool) -> RenderableType:
    order = {state: place for place, state in enumerate(DEAD)}
    dead = sorted(dead, key=lambda host: (order[host.state], host.since))
    table = Table.grid(padding=(0, 1))
    for host in dead[:room]:
        step = next((s for s in host.steps if s.state == host.state), None) or host.current
        symbol, style = _symbol(host.state, ascii_only), LOOKS[host.state][2]
        label = step.label if step else host.name
        why = host.why.splitlines()[0] if host.why else host.state
        if why.startswith(f"{label}: "):
            why = why[len(label) + 2 :]
        table.add_row(
            Text(symbol, style),
            Text(label, style, no_wrap=True),
            Text(why, overflow="ellipsis", no_wrap=True),
            Text(age(now - host.since), "dim"),
        )
    if len(dead) > room:
        table.add_row("", Text(f"and {len(dead) - room} more", "dim"))
    return table


def _systems(screen: Screen, now: float, room: int, ascii_only: bool) -> RenderableType:
    kinds = [
        kind
        for kind in KINDS
        if any(s.kind == kind and s.state != "skipped" for h in screen.hosts.values() for s in h.steps)
    ]
    table = Table(box=None if ascii_only else box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("systems", no_wrap=True, max_width=32)
    table.add_column("hosts", justify="right")
    for kind in kinds:
        table.add_column(HEADINGS.get(kind, kind), justify="center", no_wrap=True)
    table.add_column("now", no_wrap=True, overflow="ellipsis")
    rows = sorted(screen.groups, key=lambda group: _rank(screen, group))
    for group in rows[:room]:
        cells = [_cell(*screen.counts(group, kind), ascii_only) for kind in kinds]
        table.add_row(group, str(len(screen.groups[group])), *cells, _now(screen, group, now))
    if len(rows) > room:
        table.add_row(Text(f"and {len(rows) - room} more", "dim"))
    return table


def _rank(screen: Screen, group: str) -> tuple[int, int]:
    """Busy groups first, then those to come, then those that are through; each in the plan's order."""
    states = {screen.hosts[name].state for name in screen.groups[group]}
    place = 0 if states & {"running", "waiting"} else 1 if "pending" in states else 2
    return place, list(screen.groups).index(group)


def _cell(by_state: t.Mapping[str, int], total: int, ascii_only: bool) -> Text:
    if not total:
        return Text("")
    for state in ("failed", "unreachable", "blocked", "deferred", "running", "waiting"):
        if by_state.get(state):
            words = f"{_symbol(state, ascii_only)} {by_state.get('done', 0)}/{total}"
            return Text(words, LOOKS[state][2])
    done = by_state.get("done", 0)
    if done == total:
        return Text(_symbol("done", ascii_only), LOOKS["done"][2])
    if by_state.get("skipped", 0) == total:
        return Text(_symbol("skipped", ascii_only), LOOKS["skipped"][2])
    return Text(f"{done}/{total}" if done else _symbol("pending", ascii_only), "" if done else LOOKS["pending"][2])


def _now(screen: Screen, group: str, now: float) -> Text:
    """What holds the group longest: its oldest running step, else its oldest wait."""
    for state in ("running", "waiting"):
        busy = [
            (host.current.since, host.current)
            for host in (screen.hosts[name] for name in screen.groups[group])
            if host.current is not None and host.current.state == state
        ]
        if busy:
            since, step = min(busy, key=lambda pair: pair[0])
            return Text(f"{step.label} {age(now - since)}", LOOKS[state][2])
    return Text("")
