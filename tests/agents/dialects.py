"""Three model APIs: how a request is read and an answer written. Shapes as their programs send and accept them."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from player import Call, Fail, Heard, Run, Say, Turn

Request = dict[str, Any]
SHELLS = ("Bash", "exec_command", "shell_command", "shell", "run_shell_command")
LIMITED_FOR = 7200
"""Seconds for which a used-up allowance is said to stay so."""
# Blocks that a program wraps around the person's words.
_WRAPPED = re.compile(
    r"^\s*(<(system-reminder|environment_context|user_instructions|permissions|skills_instructions|INSTRUCTIONS|"
    r"session_context|local-command|command-name)|\[Request interrupted|# AGENTS\.md|This is the Gemini CLI)"
)


def of(path: str) -> tuple[Callable[[Request], Heard], Callable[[Any, Request, Heard, Turn], None]] | None:
    if path.endswith("/messages"):
        return read_messages, write_messages
    if path.endswith("/responses"):
        return read_responses, write_responses
    if re.search(r":(streamG|g)enerateContent$", path):
        return read_gemini, write_gemini
    if path.endswith("/chat/completions"):
        from dialects_chat import read_chat, write_chat

        return read_chat, write_chat
    return None


def instance(schema: Any) -> Any:
    """The smallest value that fits a JSON schema: titles and routers ask for structured answers."""
    schema = schema or {}
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return instance(schema[word][0])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = str(kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        return {k: instance(v) for k, v in schema.get("properties", {}).items()}
    return {"array": [], "integer": 1, "number": 1, "boolean": False, "null": None}.get(kind, "Scripted title")


def flat(content: Any) -> str:
    """The text of a string, or of a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return str(content.get("text") or content.get("output") or flat(content.get("content") or ""))
    return "\n".join(t for t in (flat(p) for p in content or []) if t)


def _words(parts: list[str]) -> str:
    """The person's own words among text parts: the last that is no wrapper."""
    own = [p for p in parts if p.strip() and not _WRAPPED.match(p)]
    return re.sub(r"<system-reminder>.*?</system-reminder>", "", own[-1], flags=re.S).strip() if own else ""


def _gather(turns: Iterator[tuple[str, Any]], tools: dict[str, Any], schema: Any, stream: bool) -> Heard:
    """`turns` in order: ("parts", texts of the person's side as sent) · ("words", the person's own among them) ·
    ("call", (id, command)) · ("result", (id, text))."""
    prompt, every, calls, waiting = "", [], [], {}
    parts: list[str] = []
    for kind, told in turns:
        if kind == "parts":
            parts += [p for p in told if p.strip()]
        elif kind == "words" and told:
            every.append(told)
            prompt = told
            if re.search(r"%(slow|run|ask|say|hang|status|limit)\b", told) or "gc hook" in told:
                calls, waiting = [], {}
        elif kind == "call":
            waiting[told[0]] = told[1]
        elif kind == "result" and told[0] in waiting:
            calls.append(Call(waiting.pop(told[0]), told[1]))
    return Heard(prompt, tuple(calls), tools, schema, stream, tuple(every), tuple(parts))


def _shell(heard: Heard) -> str:
    return next((s for s in SHELLS if s in heard.tools), "")


def _arguments(heard: Heard, turn: Run) -> dict[str, Any]:
    """Arguments of the program's shell tool for a command, by that tool's own schema."""
    known: Any = heard.tools[_shell(heard)].get("properties", {}) or {}
    given: dict[str, Any] = {"command": turn.command, "cmd": turn.command, "description": "scripted"}
    if known.get("command", {}).get("type") == "array":
        given["command"] = ["bash", "-c", turn.command]
    given |= {"yield_time_ms": 30_000, "timeout": 60_000} if "cmd" in known else {}
    if turn.escalate:
        given |= {"sandbox_permissions": "require_escalated", "justification": "scripted"}
    kept = {k: v for k, v in given.items() if k in known}
    required: Any = heard.tools[_shell(heard)].get("required", [])
    return {**{k: instance(known.get(k)) for k in required}, **kept}


def _chunks(turn: Say, pause: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """The text in pieces; a slow one pauses between them, so that it looks busy and can be interrupted."""
    if not turn.seconds:
        yield turn.text
        return
    words = turn.text.split(" ")
    for word in words:
        pause(turn.seconds / max(len(words), 1))
        yield word + " "


def _used_up() -> dict[str, str]:
    """Headers by which claude knows that the allowance is used up, and until when."""
    head = "anthropic-ratelimit-unified"
    until = str(int(time.time()) + LIMITED_FOR)
    return {
        "x-should-retry": "false",
        f"{head}-status": "rejected",
        f"{head}-reset": until,
        f"{head}-representative-claim": "five_hour",
    }


def _key() -> str:
    return uuid.uuid4().hex[:20]


# claude: Anthropic Messages


def read_messages(asked: Request) -> Heard:
    tools = {t.get("name", ""): t.get("input_schema", {}) for t in asked.get("tools") or []}
    form = (asked.get("output_config") or {}).get("format") or asked.get("output_format") or {}

    def turns() -> Iterator[tuple[str, Any]]:
        for m in asked.get("messages") or []:
            content = m.get("content")
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
            if m.get("role") == "assistant":
                for p in parts:
                    if p.get("type") == "tool_use":
                        yield "call", (p["id"], str((p.get("input") or {}).get("command", "")))
            if m.get("role") == "system":  # what hooks of a prompt print, behind the person's words
                yield "parts", [p.get("text", "") for p in parts if p.get("type") == "text"]
            if m.get("role") != "user":
                continue
            for p in parts:
                if p.get("type") == "tool_result":
                    yield "result", (p["tool_use_id"], flat(p.get("content") or ""))
            texts = [p.get("text", "") for p in parts if p.get("type") == "text"]
            yield "parts", texts
            yield "words", _words(texts)

    return _gather(turns(), tools, form.get("schema"), bool(asked.get("stream")))


def write_messages(door: Any, asked: Request, heard: Heard, turn: Turn) -> None:
    if isinstance(turn, Fail):
        kind = "rate_limit_error" if turn.limited else "overloaded_error"
        error = {"type": "error", "error": {"type": kind, "message": "scripted"}}
        if turn.status == 401:
            said = "invalid x-api-key" if door.headers.get("x-api-key") else "OAuth token has expired"
            error["error"] = {"type": "authentication_error", "message": said}
        headers = _used_up() if turn.limited else {"x-should-retry": "false"} if turn.status == 401 else {}
        return door.reply(error, turn.status, headers)
    usage = {"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 20}
    turn = turn if isinstance(turn, Say) or _shell(heard) else Say("no shell tool")
    call = {"type": "tool_use", "id": f"toolu_{_key()}", "name": _shell(heard)}
    head = {"id": f"msg_{_key()}", "type": "message", "role": "assistant", "model": asked.get("model")}
    stop = "tool_use" if isinstance(turn, Run) else "end_turn"
    if not heard.stream:
        block: dict[str, Any] = {"type": "text", "text": turn.text if isinstance(turn, Say) else ""}
        block = {**call, "input": _arguments(heard, turn)} if isinstance(turn, Run) else block
        told = {**head, "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage}
        return door.reply(told)
    send = door.stream()

    def event(kind: str, **rest: Any) -> None:
        send({"type": kind, **rest}, kind)

    event("message_start", message={**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage})
    if isinstance(turn, Run):
        event("content_block_start", index=0, content_block={**call, "input": {}})
        part = json.dumps(_arguments(heard, turn))
        event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": part})
    else:
        event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for text in _chunks(turn, door.pause):
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    event("content_block_stop", index=0)
    event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=usage)
    event("message_stop")
    send("", "")


# codex: OpenAI Responses


def read_responses(asked: Request) -> Heard:
    tools = {t.get("name") or t.get("type", ""): t.get("parameters") or {} for t in asked.get("tools") or []}
    form = (asked.get("text") or {}).get("format") or {}
    items = asked.get("input") or []
    items = [{"role": "user", "content": items}] if isinstance(items, str) else items

    def turns() -> Iterator[tuple[str, Any]]:
        for it in items:
            if it.get("type") == "function_call":
                given = json.loads(it.get("arguments") or "{}")
                command = given.get("cmd") or given.get("command") or ""
                yield "call", (it["call_id"], command[-1] if isinstance(command, list) else str(command))
            elif it.get("type") == "function_call_output":
                yield "result", (it["call_id"], flat(it.get("output") or ""))
            elif it.get("role") in ("user", "developer"):
                content = it.get("content")
                texts = [content] if isinstance(content, str) else [flat(p) for p in content or []]
                yield "parts", texts
                if it["role"] == "user":  # the other: what hooks of a prompt print
                    yield "words", _words(texts)

    schema = form.get("schema") if form.get("type") == "json_schema" else None
    return _gather(turns(), tools, schema, bool(asked.get("stream")))


def write_responses(door: Any, asked: Request, heard: Heard, turn: Turn) -> None:
    if isinstance(turn, Fail):
        error: Request = {"message": "scripted", "type": "usage_limit_reached" if turn.limited else "server_error"}
        if turn.limited:
            error |= {"plan_type": "plus", "resets_at": int(time.time()) + LIMITED_FOR}
        if turn.status == 401:
            error = {"message": "Incorrect API key provided: test-key.", "type": "invalid_request_error",
                     "param": None, "code": "invalid_api_key"}  # fmt: skip
        return door.reply({"error": error}, turn.status)
    turn = turn if isinstance(turn, Say) or _shell(heard) else Say("no shell tool")
    usage = {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 120,
    }  # fmt: skip
    item: dict[str, Any] = {"id": f"item_{_key()}"}
    if isinstance(turn, Run):
        item |= {"type": "function_call", "call_id": f"call_{_key()}", "name": _shell(heard)}
        item["arguments"] = json.dumps(_arguments(heard, turn))
    else:
        part = {"type": "output_text", "text": turn.text, "annotations": []}
        item |= {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    whole = {
        "id": f"resp_{_key()}", "object": "response", "created_at": int(time.time()), "model": asked.get("model"),
        "status": "completed", "output": [item], "usage": usage,
    }  # fmt: skip
    if not heard.stream:
        return door.reply(whole)
    send, number = door.stream(), iter(range(1, 100_000))

    def event(kind: str, **rest: Any) -> None:
        send({"type": kind, "sequence_number": next(number), **rest}, kind)

    event("response.created", response={**whole, "status": "in_progress", "output": [], "usage": None})
    if isinstance(turn, Say):
        begun = {**item, "status": "in_progress", "content": []}
        event("response.output_item.added", output_index=0, item=begun)
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        event("response.content_part.added", **place, part={"type": "output_text", "text": "", "annotations": []})
        for text in _chunks(turn, door.pause):
            event("response.output_text.delta", **place, delta=text)
        event("response.output_text.done", **place, text=turn.text)
    else:
        event("response.output_item.added", output_index=0, item={**item, "arguments": ""})
    event("response.output_item.done", output_index=0, item=item)
    event("response.completed", response=whole)
    send("", "")


# gemini


def read_gemini(asked: Request) -> Heard:
    tools = {
        f["name"]: f.get("parametersJsonSchema") or f.get("parameters") or {}
        for t in asked.get("tools") or []
        for f in t.get("functionDeclarations") or []
    }
    settings = asked.get("generationConfig") or {}
    schema = None
    if settings.get("responseMimeType") == "application/json":
        schema = settings.get("responseJsonSchema") or settings.get("responseSchema") or {}

    def turns() -> Iterator[tuple[str, Any]]:
        number = 0
        for c in asked.get("contents") or []:
            for p in c.get("parts") or []:
                if "functionCall" in p:
                    number += 1
                    given = p["functionCall"].get("args") or {}
                    yield "call", (number, str(given.get("command", "")))
                elif "functionResponse" in p:
                    told = p["functionResponse"].get("response") or {}
                    yield "result", (number, str(told.get("output") or told))
            if c.get("role", "user") == "user":
                texts = [p.get("text", "") for p in c.get("parts") or []]
                yield "parts", texts
                yield "words", _words(texts)

    return _gather(turns(), tools, schema, True)


def write_gemini(door: Any, asked: Request, heard: Heard, turn: Turn) -> None:
    if isinstance(turn, Fail):
        status = "RESOURCE_EXHAUSTED" if turn.limited else "UNAVAILABLE"
        error: Request = {"code": turn.status, "message": "scripted", "status": status}
        if turn.status == 401:
            # A key that it does not know is a bad request there.
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
                      "domain": "googleapis.com"}  # fmt: skip
            error = {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                     "status": "INVALID_ARGUMENT", "details": [reason]}  # fmt: skip
            return door.reply({"error": error}, 400)
        if turn.limited:
            spent = {"quotaMetric": "requests_per_day", "quotaId": "GenerateRequestsPerDayPerProjectPerModel"}
            error["message"] = "You exceeded your current quota"
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [spent]}]
        return door.reply({"error": error}, turn.status)
    turn = turn if isinstance(turn, Say) or _shell(heard) else Say("no shell tool")
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}

    def frame(part: dict[str, Any], finish: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
        found |= {"finishReason": finish} if finish else {}
        return {"candidates": [found], "usageMetadata": usage, "modelVersion": "stub", "responseId": _key()}

    called = {"functionCall": {"name": _shell(heard), "args": _arguments(heard, turn)}} if isinstance(turn, Run) else {}
    if "streamGenerateContent" not in door.path:
        return door.reply(frame(called or {"text": turn.text if isinstance(turn, Say) else ""}, "STOP"))
    send = door.stream()
    if isinstance(turn, Run):
        send(frame(called, "STOP"), "")
    else:
        for text in _chunks(turn, door.pause):
            send(frame({"text": text}), "")
        send(frame({"text": ""}, "STOP"), "")
    send("", "")
