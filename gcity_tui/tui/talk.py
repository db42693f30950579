"""A conversation as lines: who said what, tool calls folded to one line each. Pure: entries → lines of spans."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gcity_tui.model.history import Block, Entry
from gcity_tui.model.text import clean
from gcity_tui.tui import cells, marked
from gcity_tui.tui.cells import Span
from gcity_tui.tui.widgets.lines import wrap

Lines = list[tuple[Span, ...]]
MOST = 40
"""Lines of a tool's answer that are shown when it is unfolded."""
_WHO = {"user": ("▌ you", "accent"), "assistant": ("▌ ", "ok"), "system": ("", "faint")}
_QUIET = frozenset({"turn_end", "stop_hook_summary", "turn_duration"})
"""Events that say no more than that the next line is another's: shown when all is unfolded."""
_OLD = ("old_string", "oldString", "old_str", "oldText")
_NEW = ("new_string", "newString", "new_str", "newText", "content")
_SIGNS = {"+": "ok", "-": "warn", "@": "accent"}
_TELLING = ("command", "cmd", "file_path", "path", "pattern", "query", "url", "description", "prompt")


def lines(entries: Sequence[Entry], width: int, who: str, clock: Mapping[str, str], unfolded: bool = False) -> Lines:
    """`who` names the assistant; `clock` gives the time of day of an entry's timestamp."""
    answers = {b.tool_use_id: b for e in entries for b in e.blocks if b.kind == "tool_result" and b.tool_use_id}
    called = {b.tool_use_id for e in entries for b in e.blocks if b.kind == "tool_use"}
    out: Lines = []
    speaker = ""
    for e in entries:
        body = _body(e, width, answers, called, unfolded)
        if not body:
            continue
        if e.actor == "system":
            out += body
            speaker = ""
            continue
        actor = "assistant" if e.actor == "tool" else e.actor
        if actor != speaker:
            word, role = _WHO.get(actor, (f"▌ {actor}", "dim"))
            name = word + (who if actor == "assistant" else "")
            model = f" · {cells.said(e.model, 30)}" if e.model and not e.model.startswith("<") else ""
            at = clock.get(e.timestamp, "")
            out += [(), ((name, role), (f"{model}  {at}".rstrip(), "dim"))] if out else [
                ((name, role), (f"{model}  {at}".rstrip(), "dim"))]  # fmt: skip
            speaker = actor
        out += body
    return out


def _body(e: Entry, width: int, answers: Mapping[str, Block], called: set[str], unfolded: bool) -> Lines:
    if e.actor == "system":
        if not unfolded and e.event in _QUIET:
            return []
        word = cells.said(e.event or e.text or e.kind, 60).replace("_", " ")
        return [((f"── {word} ──", "faint"),)] if word else []
    out: Lines = []
    blocks = e.blocks or ((Block("text", e.text),) if e.text else ())
    for b in blocks:
        if b.kind == "text":
            out += marked.lines(b.text, width) if e.actor == "assistant" else _paragraphs(b.text, width, "")
        elif b.kind == "thinking":
            out += _thinking(b.text, width, unfolded)
        elif b.kind == "tool_use":
            out += _call(b, answers.get(b.tool_use_id), width, unfolded)
        elif b.kind == "tool_result" and b.tool_use_id not in called:
            out += _answer(b, width, unfolded)
        elif b.kind == "interaction":
            out.append((("  ◐ ", "warn"), (cells.said(b.text, 120), ""), (f"  {b.state}", "dim")))
        elif b.kind not in ("tool_result",):
            out.append(((f"  · {cells.said(b.kind, 20)}", "faint"),))
    return out


def _paragraphs(text: str, width: int, role: str) -> Lines:
    out: Lines = []
    for line in clean(text).expandtabs(4).strip("\n").splitlines():
        out += wrap((("  " + line, role),), width, 2) if line.strip() else [()]
    return out


def _thinking(text: str, width: int, unfolded: bool) -> Lines:
    if unfolded:
        return _paragraphs(text, width, "dim")
    return [(("  ∴ ", "faint"), (cells.said(text, max(width - 5, 10)), "dim"))] if text.strip() else []


def _call(b: Block, answer: Block | None, width: int, unfolded: bool) -> Lines:
    """`▸ Bash  pytest -q   ✗ 3 lines`; unfolded, what was asked and answered below it."""
    if answer is None:
        end: Span = ("  ◌ running", "dim")
    else:
        count = len(clean(answer.text).strip("\n").splitlines())
        lines_ = f"{count} line" + ("" if count == 1 else "s")
        end = (f"  ✗ {lines_}", "warn") if answer.is_error else (f"  ✓ {lines_}", "dim")
    name = cells.said(b.name or "tool", 24)
    room = max(width - len(name) - len(end[0]) - 6, 8)
    head: tuple[Span, ...] = (("  ▾ " if unfolded else "  ▸ ", "faint"), (name, "strong"),
                              (f" {cells.said(telling(b.input), room)}", "dim"), end)  # fmt: skip
    if not unfolded:
        return [head]
    return [head, *_asked(b.input, width), *(_answer(answer, width, True) if answer else [])]


def _asked(data: str, width: int) -> Lines:
    """What a call would change or run, where that is more than its head says: a diff as a diff, a script as lines."""
    try:
        values = json.loads(data)
    except ValueError:
        return []
    if not isinstance(values, dict):
        return []
    edits = [values, *(e for e in values.get("edits") or () if isinstance(e, dict))]
    lines_: list[tuple[str, str]] = []
    for edit in edits:
        for keys, sign, role in (_OLD, "-", "warn"), (_NEW, "+", "ok"):
            said = next((edit[k] for k in keys if isinstance(edit.get(k), str)), "")
            lines_ += [(f"{sign} {line}", role) for line in said.splitlines()]
    for key in ("patch", "input", "command", "cmd"):
        said = values.get(key)
        said = said if isinstance(said, str) else ""
        if "\n" in said:
            roles = _SIGNS if key in ("patch", "input") else {}
            lines_ += [(line, roles.get(line[:1], "")) for line in said.splitlines()]
    out: Lines = []
    for line, role in lines_[:MOST]:
        shown = clean(line).expandtabs(4)
        out += [(("    ┃ ", "faint"), *part) for part in wrap(((shown, role),), max(width - 7, 8))]
    if len(lines_) > MOST:
        out.append(((f"    ┃ … {len(lines_) - MOST} more lines", "faint"),))
    return out


def _answer(b: Block, width: int, unfolded: bool) -> Lines:
    text = clean(b.text).expandtabs(4).strip("\n").splitlines()
    role = "warn" if b.is_error else "dim"
    if not unfolded:
        return [(("  └ ", "faint"), (cells.said(" ".join(text), max(width - 6, 10)), role))]
    out: Lines = []
    for line in text[:MOST]:
        out += [(("    │ ", "faint"), *part) for part in wrap(((line, role),), max(width - 7, 8))]
    if len(text) > MOST:
        out.append(((f"    │ … {len(text) - MOST} more lines", "faint"),))
    return out


def telling(data: str) -> str:
    """The one argument of a call that tells what it does; else all of them."""
    try:
        values = json.loads(data)
    except ValueError:
        return data
    if not isinstance(values, dict):
        return data
    for key in _TELLING:
        if isinstance(values.get(key), str):
            return str(values[key])
        if isinstance(values.get(key), list):
            return " ".join(str(v) for v in values[key])
    return " ".join(f"{k}={v}" for k, v in values.items())
