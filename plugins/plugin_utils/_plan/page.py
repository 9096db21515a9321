# SPDX-License-Identifier: GPL-3.0-or-later
"""How a page of ours looks: one HTML file that needs no network and no script.

Every function returns markup and escapes what it is given; text that is already markup is passed as `Markup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#18212b;--soft:#5b6875;--line:#dde2e8;--head:#eef1f5;
--accent:#0b5cad;--good:#0a7d54;--goodbg:#e2f4ec;--warn:#8a5a00;--warnbg:#fdf1d8;--bad:#b3261e;--badbg:#fbe5e3;
--admit:#8d99a6;--silence:#8d99a6;--jobs:#e0a100;--stop:#d55e00;--patch:#0072b2;--reboot:#a5568b;--start:#009e73;
--verify:#3a9fd6;--other:#8d99a6;--wait:#b9c2cc;--window:#d9efe3;--black:#f6cfcb;--critical:#18212b;--grid:#e6eaef;
--bartext:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#11161c;--card:#1a2129;--ink:#e6ebf0;--soft:#9aa7b4;--line:#2c3641;
--head:#222b35;--accent:#6db3f5;--good:#5fd0a2;--goodbg:#12372a;--warn:#f1c15a;--warnbg:#3a2d10;--bad:#ff8f86;
--badbg:#43191a;--jobs:#c99414;--stop:#e0732a;--patch:#2f8fd0;--reboot:#bf74a7;--start:#21b48a;--verify:#58b2e2;
--wait:#4a5663;--window:#173528;--black:#4d2023;--critical:#fff;--grid:#27303a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
main{max-width:1360px;margin:0 auto;padding:20px 24px 48px}
h1{font-size:1.6rem;line-height:1.2;margin:.2em 0 .1em}h2{font-size:1.1rem;margin:2em 0 .6em}
h3{font-size:.95rem;margin:1.2em 0 .4em}
p{margin:.3em 0}.soft{color:var(--soft)}.small{font-size:.85rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:14px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:16px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
.tile b{display:block;font-size:1.25rem;line-height:1.3;white-space:nowrap}
.tile span{color:var(--soft);font-size:.82rem}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em;
overflow-wrap:anywhere}
.command{display:block;background:var(--head);border:1px solid var(--line);border-radius:8px;padding:10px 12px;
overflow-wrap:anywhere;user-select:all;margin:.5em 0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:.88rem}
th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{background:var(--head);font-weight:600;white-space:nowrap;position:sticky;top:0}
tbody tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.t{white-space:nowrap;font-variant-numeric:tabular-nums}
.pill{display:inline-block;border-radius:99px;padding:0 9px;font-size:.8rem;line-height:1.6;white-space:nowrap;
background:var(--head);color:var(--soft)}
.pill.good{background:var(--goodbg);color:var(--good)}.pill.warn{background:var(--warnbg);color:var(--warn)}
.pill.bad{background:var(--badbg);color:var(--bad)}
ul.notes{list-style:none;padding:0;margin:12px 0}
ul.notes li{border-left:4px solid var(--warn);background:var(--warnbg);border-radius:0 8px 8px 0;
padding:8px 12px;margin:6px 0}
ul.notes.bad li{border-color:var(--bad);background:var(--badbg)}
details{margin:12px 0}summary{cursor:pointer;font-weight:600;padding:4px 0}
.legend{display:flex;flex-wrap:wrap;gap:6px 16px;font-size:.84rem;color:var(--soft);margin:8px 0}
.legend svg{vertical-align:-3px;margin-right:5px}
svg.gantt{display:block;width:100%;min-width:940px;height:auto;font-family:inherit}
svg.gantt text{fill:var(--ink)}svg.gantt .dim{fill:var(--soft)}
.b{stroke:none}.k-admit,.k-silence,.k-unsilence{fill:var(--admit)}.k-suspend_jobs,.k-release_jobs{fill:var(--jobs)}
.k-stop{fill:var(--stop)}.k-patch{fill:var(--patch)}.k-reboot{fill:var(--reboot)}.k-start{fill:var(--start)}
.k-verify{fill:var(--verify)}.k-other{fill:var(--other)}.k-failed{fill:var(--bad)}
.crit{stroke:var(--critical);stroke-width:1.8}.critline{fill:none;stroke:var(--critical);stroke-width:1.1;opacity:.55}
svg.gantt text.glyph,svg text.glyph{fill:var(--bartext);text-anchor:middle;font-weight:700;pointer-events:none}
.win{fill:var(--window)}.edge{stroke:var(--good);stroke-width:1.4}.black{fill:var(--black)}
.grid{stroke:var(--grid);stroke-width:1}.head{fill:var(--head)}.headline{stroke:var(--line)}
.now{stroke:var(--accent);stroke-width:1.6}.turn{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 3}
.mark{fill:var(--bad);stroke:var(--card);stroke-width:1}
footer{margin-top:36px;color:var(--soft);font-size:.82rem}
@media (max-width:640px){main{padding:12px}h1{font-size:1.3rem}th,td{padding:5px 7px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000}main{max-width:none;padding:0}
svg.gantt{min-width:0}.scroll{overflow:visible;border:0}.card,.tile,tr{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}th{position:static}}
"""


#: The browser itself refuses anything from elsewhere, and any script.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Markup(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def text(value: Any) -> str:
    """Return any value as escaped text; `Markup` stays as it is, None becomes a dash."""
    if isinstance(value, Markup):
        return value
    return "&ndash;" if value is None else escape(str(value))


def page(title: str, body: str, *, footer: str = "") -> str:
    """Return a whole HTML document around ``body`` (markup)."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n"
        f"<footer>{text(footer)}</footer></main></body></html>\n"
    )


def tiles(items: Iterable[tuple[Any, Any]]) -> Markup:
    """Return a row of large numbers; each item is (value, what it is)."""
    return Markup(
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{text(value)}</b><span>{text(label)}</span></div>' for value, label in items)
        + "</div>"
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], kinds: str = "") -> Markup:
    """Return a table that scrolls sideways when it must.

    ``kinds`` has one letter for each column: n for a number, t for what must not be broken, else text.
    """

    def cell(tag: str, number: int, value: Any) -> str:
        kind = kinds[number] if number < len(kinds) else " "
        return f"<{tag}{f' class={kind}' if kind in 'nt' else ''}>{text(value)}</{tag}>"

    head = "".join(cell("th", number, header) for number, header in enumerate(headers))
    lines = ("<tr>" + "".join(cell("td", number, value) for number, value in enumerate(row)) + "</tr>" for row in rows)
    return Markup(
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def pill(value: Any, tone: str = "") -> Markup:
    """Return a small label; ``tone`` is good, warn, bad or nothing."""
    return Markup(f'<span class="pill {tone}">{text(value)}</span>')


def notes(items: Iterable[Any], tone: str = "") -> Markup:
    """Return a list of remarks that catch the eye, or nothing when there are none."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return Markup(f'<ul class="notes {tone}">{lines}</ul>' if lines else "")


def command(line: str) -> Markup:
    """Return a command line that one click selects as a whole."""
    return Markup(f'<code class="command">{text(line)}</code>')


def section(title: str, content: str, *, folded: bool | None = None) -> Markup:
    """Return content under a heading; ``folded`` True or False makes it open and close."""
    if folded is None:
        return Markup(f"<section><h2>{text(title)}</h2>{content}</section>")
    return Markup(f"<details{'' if folded else ' open'}><summary>{text(title)}</summary>{content}</details>")
