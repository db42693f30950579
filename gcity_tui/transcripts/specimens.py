"""A small conversation, written as each family of programs writes it: what readers are measured against.

Not for reading real files. A turn is a tuple: ("user", text) · ("say", text) · ("call", id, name, {input}) ·
("result", id, text) · ("ask", request, prompt, state) · ("compact", summary). Shapes as observed, see each reader.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gcity_tui.transcripts import kimi_wire
from gcity_tui.transcripts.claude import slugs

Turn = tuple[Any, ...]
BEGAN = 1_777_888_800.0
"""2026-05-04T10:00:00Z"""
MODELS = {"claude": "claude-sonnet-4-6", "codex": "gpt-5-codex", "gemini": "gemini-2.5-pro"}
TALK: tuple[Turn, ...] = (("user", "Remember the word anchor-17."), ("say", "I have noted anchor-17."))
TOOL: tuple[Turn, ...] = (("user", "list it"), ("call", "c1", "bash", {"command": "ls"}), ("result", "c1", "a.txt"),
                          ("say", "There is one file."))  # fmt: skip


def write(family: str, root: Path, work_dir: str, key: str, turns: Sequence[Turn]) -> Path:
    """The conversation's file (or session in a store) where `find` looks for it. Written again, it only grows."""
    path = place(family, root, work_dir, key)
    if family == "opencode":
        _store(path.parent, path.name, work_dir, turns)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    if family == "aider":
        path.write_text(_markdown(turns))
        return path
    if family == "gemini":
        (path.parent.parent / ".project_root").write_text(work_dir)
    rows = WRITERS[family](key, work_dir, turns)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def place(family: str, root: Path, work_dir: str, key: str) -> Path:
    day = "2026-05-04T10-00-00"
    slug = slugs(work_dir)[0]
    return {
        "claude": root / "projects" / slug / f"{key}.jsonl",
        "codex": root / "sessions" / "2026" / "05" / "04" / f"rollout-{day}-{key}.jsonl",
        "gemini": root / "tmp" / "p1" / "chats" / f"session-{day}-{key[:8]}.jsonl",
        "opencode": root / "opencode.db" / key,
        "qwen": root / "projects" / slug / "chats" / f"{key}.jsonl",
        "pi": root / "sessions" / f"-{slug}--" / f"{day}_{key}.jsonl",
        "copilot": root / "session-state" / key / "events.jsonl",
        "kimi": root / "sessions" / kimi_wire.folder_of(work_dir)[0].replace("*", "w") / key / kimi_wire.JOURNAL,
        "aider": root / f"aider-{key}.md",
        "grok": root / "sessions" / quote(work_dir, safe="") / key / "updates.jsonl",
    }[family]  # fmt: skip


def _time(n: int) -> str:
    return datetime.fromtimestamp(BEGAN + n, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _chain(turns: Sequence[Turn]) -> Iterable[tuple[int, str, str | None, Turn]]:
    """(number, id, id of the one before, turn)."""
    for n, turn in enumerate(turns):
        yield n, f"r{n}", f"r{n - 1}" if n else None, turn


def _claude(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    used = {"input_tokens": 100, "output_tokens": 40, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0}
    for n, ident, up, (kind, *rest) in _chain(turns):
        row = {"uuid": ident, "parentUuid": up, "timestamp": _time(n), "sessionId": key, "cwd": cwd}
        if kind == "compact":
            rows.append({**row, "type": "system", "subtype": "compact_boundary", "content": rest[0]})
            continue
        block: dict[str, Any] = {
            "user": lambda r=rest: {"type": "text", "text": r[0]},
            "say": lambda r=rest: {"type": "text", "text": r[0]},
            "call": lambda r=rest: {"type": "tool_use", "id": r[0], "name": r[1], "input": r[2]},
            "result": lambda r=rest: {"type": "tool_result", "tool_use_id": r[0], "content": r[1]},
            "ask": lambda r=rest: _asked(r),
        }[kind]()
        role = "user" if kind in ("user", "result") else "assistant"
        message: dict[str, Any] = {"role": role, "content": [block]}
        if role == "assistant":
            stop = "tool_use" if kind == "call" else "end_turn"
            message |= {"id": f"msg_{n}", "model": MODELS["claude"], "stop_reason": stop, "usage": used}
        rows.append({**row, "type": role, "message": message})
    return rows


def _asked(rest: Sequence[Any]) -> dict[str, Any]:
    return {"type": "interaction", "kind": "approval", "request_id": rest[0], "prompt": rest[1], "state": rest[2],
            "options": ["approve", "deny"]}  # fmt: skip


def _codex(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": key, "cwd": cwd, "timestamp": _time(0)}), ("turn_context", {"model": MODELS["codex"]}),
    ]  # fmt: skip
    total = 0
    for kind, *rest in turns:
        if kind == "user":
            part = {"type": "input_text", "text": rest[0]}
            rows += [("event_msg", {"type": "task_started"}),
                     ("response_item", {"type": "message", "role": "user", "content": [part]})]  # fmt: skip
        elif kind == "say":
            total += 150
            last = {"input_tokens": 110, "cached_input_tokens": 10, "output_tokens": 40}
            info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": last}
            part = {"type": "output_text", "text": rest[0]}
            rows += [("response_item", {"type": "message", "role": "assistant", "content": [part]}),
                     ("event_msg", {"type": "token_count", "info": info}),
                     ("event_msg", {"type": "task_complete"})]  # fmt: skip
        elif kind == "call":
            given = json.dumps(rest[2])
            rows.append(
                ("response_item", {"type": "function_call", "call_id": rest[0], "name": rest[1], "arguments": given})
            )
        elif kind == "result":
            rows.append(("response_item", {"type": "function_call_output", "call_id": rest[0], "output": rest[1]}))
        elif kind == "ask":
            rows.append(("response_item", _asked(rest)))
        elif kind == "compact":
            rows.append(("compacted", {"message": rest[0]}))
    return [{"timestamp": _time(n), "ordinal": n, "type": t, "payload": p} for n, (t, p) in enumerate(rows)]


def _gemini(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"sessionId": key, "projectHash": "h", "startTime": _time(0), "kind": "main"}]
    for n, ident, _, (kind, *rest) in _chain(turns):
        row = {"id": ident, "timestamp": _time(n)}
        tokens = {"input": 110, "output": 40, "cached": 10, "thoughts": 0}
        if kind == "user":
            rows.append({**row, "type": "user", "content": rest[0]})
        elif kind == "say":
            rows.append({**row, "type": "gemini", "content": rest[0], "model": MODELS["gemini"], "tokens": tokens})
        elif kind == "call":
            call = {"id": rest[0], "name": rest[1], "args": rest[2]}
            rows.append({**row, "type": "gemini", "content": "", "model": MODELS["gemini"], "toolCalls": [call]})
        elif kind == "ask":
            asked = {k: v for k, v in _asked(rest).items() if k != "type"}
            rows.append({**row, "type": "gemini", "content": "", "model": MODELS["gemini"], "interactions": [asked]})
        elif kind == "result":  # written again with what it returned
            told = dict(rows[-1])
            answer = [{"functionResponse": {"id": rest[0], "response": {"output": rest[1]}}}]
            told["toolCalls"] = [{**told["toolCalls"][0], "result": answer, "status": "success"}]
            rows.append(told)
    return rows


def _qwen(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows = []
    used = {"promptTokenCount": 110, "candidatesTokenCount": 40, "cachedContentTokenCount": 10, "thoughtsTokenCount": 0}
    for n, ident, up, (kind, *rest) in _chain(turns):
        row: dict[str, Any] = {"uuid": ident, "parentUuid": up, "sessionId": key, "timestamp": _time(n), "cwd": cwd}
        if kind == "compact":
            rows.append({**row, "type": "system", "subtype": "chat_compression"})
            continue
        part: dict[str, Any] = {"text": rest[0]}
        if kind == "call":
            part = {"functionCall": {"id": rest[0], "name": rest[1], "args": rest[2]}}
        elif kind == "result":
            part = {"functionResponse": {"id": rest[0], "name": "bash", "response": {"output": rest[1]}}}
        name = {"user": "user", "result": "tool_result"}.get(kind, "assistant")
        row |= {"type": name, "message": {"role": "model" if name == "assistant" else "user", "parts": [part]}}
        rows.append({**row, "model": "qwen3-coder", "usageMetadata": used} if name == "assistant" else row)
    return rows


def _pi(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"type": "session", "version": 3, "id": key, "timestamp": _time(0), "cwd": cwd}]
    used = {"input": 100, "output": 40, "cacheRead": 10, "cacheWrite": 0, "totalTokens": 150}
    for n, ident, up, (kind, *rest) in _chain(turns):
        row = {"id": ident, "parentId": up, "timestamp": _time(n)}
        if kind == "compact":
            rows.append({**row, "type": "compaction", "summary": rest[0]})
            continue
        if kind == "result":
            message = {"role": "toolResult", "toolCallId": rest[0], "content": [{"type": "text", "text": rest[1]}]}
        elif kind == "user":
            message = {"role": "user", "content": [{"type": "text", "text": rest[0]}]}
        else:
            block = {"say": lambda r=rest: {"type": "text", "text": r[0]}, "ask": lambda r=rest: _asked(r),
                     "call": lambda r=rest: {"type": "toolCall", "id": r[0], "name": r[1], "arguments": r[2]},
                     }[kind]()  # fmt: skip
            stop = "toolUse" if kind == "call" else "stop"
            message = {"role": "assistant", "content": [block], "model": "pi-model", "usage": used, "stopReason": stop}
        rows.append({**row, "type": "message", "message": message})
    return rows


def _copilot(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[tuple[str, dict[str, Any]]] = [("session.start", {"sessionId": key, "context": {"cwd": cwd}})]
    used = {"model": "gpt-5", "inputTokens": 110, "outputTokens": 40, "cacheReadTokens": 10, "cacheWriteTokens": 0}
    for kind, *rest in turns:
        if kind == "user":
            rows.append(("user.message", {"content": rest[0]}))
        elif kind == "say":
            rows += [("session.usage_record", {"usage": used}),
                     ("assistant.message", {"content": rest[0], "toolRequests": [], "model": "gpt-5"}),
                     ("assistant.turn_end", {})]  # fmt: skip
        elif kind == "call":
            call = {"toolCallId": rest[0], "name": rest[1], "arguments": rest[2]}
            rows.append(("assistant.message", {"content": "", "toolRequests": [call], "model": "gpt-5"}))
        elif kind == "result":
            told = {"toolCallId": rest[0], "success": True, "result": {"content": rest[1]}}
            rows.append(("tool.execution_complete", told))
        elif kind == "compact":
            rows.append(("session.compaction_complete", {"summaryContent": rest[0]}))
    return [{"type": t, "data": d, "id": f"e{n}", "timestamp": _time(n)} for n, (t, d) in enumerate(rows)]


def _kimi(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"type": "metadata", "protocol_version": "1.5", "created_at": int(BEGAN * 1000)}]
    used = {"inputOther": 100, "output": 40, "inputCacheRead": 10, "inputCacheCreation": 0}
    for n, (kind, *rest) in enumerate(turns):
        event: dict[str, Any] = {}
        if kind == "user":
            message = {"id": f"msg_{n}", "role": "user", "content": [{"type": "text", "text": rest[0]}],
                       "origin": {"kind": "user"}}  # fmt: skip
            rows += [{"type": "turn.prompt", "turnId": n}, {"type": "context.append_message", "message": message},
                     {"type": "llm.request", "kind": "loop", "model": "kimi-model"}]  # fmt: skip
        elif kind == "say":
            rows.append({"type": "usage.record", "model": "alias", "usage": used, "usageScope": "turn"})
            event = {"type": "content.part", "uuid": f"u{n}", "part": {"type": "text", "text": rest[0]}}
        elif kind == "call":
            event = {"type": "tool.call", "uuid": f"u{n}", "toolCallId": rest[0], "name": rest[1], "args": rest[2]}
        elif kind == "result":
            event = {"type": "tool.result", "toolCallId": rest[0], "result": {"output": rest[1]}}
        elif kind == "ask":
            request = {"id": rest[0], "action": rest[1]}
            rows.append({"type": "interaction.request", "id": rest[0], "kind": "approval", "request": request})
            rows += [{"type": "interaction.resolved", "id": rest[0]}] if rest[2] in ("resolved", "dismissed") else []
        elif kind == "compact":
            rows.append({"type": "context.apply_compaction", "summary": rest[0]})
        rows += [{"type": "context.append_loop_event", "event": event}] if event else []
        rows += [{"type": "turn.ended", "reason": "completed"}] if kind == "say" else []
    return [{**r, "time": int(BEGAN * 1000) + n} for n, r in enumerate(rows)]


def _grok(key: str, cwd: str, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    used = {"inputTokens": 110, "outputTokens": 40, "cachedReadTokens": 10, "modelUsage": {"grok-model": {}}}
    for n, (kind, *rest) in enumerate(turns):
        if kind == "user":
            update = {"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": rest[0]}}
            rows.append({**update, "_meta": {"modelId": "grok-model"}})
        elif kind == "say":
            rows.append({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": rest[0]}})
            done = {"sessionUpdate": "turn_completed", "stop_reason": "end_turn"}
            rows.append({**done, "prompt_id": f"p{n}", "usage": used})
        elif kind == "call":
            rows.append({"sessionUpdate": "tool_call", "toolCallId": rest[0], "title": rest[1], "rawInput": rest[2]})
        elif kind == "result":
            part = {"type": "content", "content": {"type": "text", "text": rest[1]}}
            rows.append({"sessionUpdate": "tool_call_update", "toolCallId": rest[0], "status": "completed",
                         "content": [part]})  # fmt: skip
        elif kind == "compact":
            rows.append({"sessionUpdate": "auto_compact_completed", "summary_preview": rest[0]})
    return [{"timestamp": int(BEGAN) + n, "method": "session/update", "params": {"sessionId": key, "update": row,
             "_meta": {"eventId": f"{key}-{n}", "agentTimestampMs": int(BEGAN * 1000) + n}}}
            for n, row in enumerate(rows)]  # fmt: skip


WRITERS: dict[str, Callable[[str, str, Sequence[Turn]], list[dict[str, Any]]]] = {
    "claude": _claude, "codex": _codex, "gemini": _gemini, "qwen": _qwen, "pi": _pi, "copilot": _copilot,
    "kimi": _kimi, "grok": _grok,
}  # fmt: skip
FAMILIES = (*WRITERS, "opencode", "aider")


def _markdown(turns: Sequence[Turn]) -> str:
    local = datetime.fromtimestamp(BEGAN).isoformat(sep=" ")
    lines = ["", f"# aider chat started at {local}", "", "> Aider v0.86.2  "]
    for kind, *rest in turns:
        if kind == "user":
            lines += ["", *(f"#### {row}  " for row in rest[0].split("\n")), ""]
        elif kind == "say":
            lines += [rest[0], "", "> Tokens: 100 sent, 40 received.  "]
    return "\n".join(lines) + "\n"


_TABLES = """
CREATE TABLE IF NOT EXISTS session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, revert text,
  time_created integer NOT NULL);
CREATE TABLE IF NOT EXISTS message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
  time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE IF NOT EXISTS part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
"""


def _store(path: Path, key: str, cwd: str, turns: Sequence[Turn]) -> None:
    """The columns that are read, under their names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(_TABLES)
    at = int(BEGAN * 1000)
    db.execute("INSERT OR IGNORE INTO session VALUES (?, NULL, ?, NULL, ?)", (key, cwd, at))
    for n, message, parts in _messages(turns):
        now, ident = at + n * 1000, f"msg_{n:04}"
        row = (ident, key, now, now, json.dumps({**message, "time": {"created": now, "completed": now + 9}}))
        db.execute("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?)", row)
        for m, part in enumerate(parts):
            db.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)",
                       (f"prt_{n:04}{m}", ident, key, now + m, now + m, json.dumps(part)))  # fmt: skip
    db.commit()
    db.close()


def _messages(turns: Sequence[Turn]) -> Iterable[tuple[int, dict[str, Any], list[dict[str, Any]]]]:
    results = {t[1]: t[2] for t in turns if t[0] == "result"}
    tokens = {"input": 100, "output": 40, "reasoning": 0, "cache": {"read": 10, "write": 0}}
    for n, (kind, *rest) in enumerate(turns):
        if kind == "user":
            yield n, {"role": "user"}, [{"type": "text", "text": rest[0]}]
        elif kind == "say":
            ended = {"type": "step-finish", "reason": "stop", "tokens": tokens}
            yield n, {"role": "assistant", "modelID": "big-pickle"}, [{"type": "text", "text": rest[0]}, ended]
        elif kind == "call":
            over = rest[0] in results
            state = {"status": "completed" if over else "running", "input": rest[2], "output": results.get(rest[0], "")}
            tool = {"type": "tool", "callID": rest[0], "tool": rest[1], "state": state}
            yield n, {"role": "assistant", "modelID": "big-pickle"}, [tool]
        elif kind == "ask":
            yield n, {"role": "assistant", "modelID": "big-pickle"}, [_asked(rest)]
        elif kind == "compact":
            yield n, {"role": "user"}, [{"type": "compaction"}]
