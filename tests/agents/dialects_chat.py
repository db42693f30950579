"""Chat completions: the dialect of opencode, qwen, pi, copilot and most others. Shapes as they send and accept them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import dialects
from player import Fail, Heard, Run, Say, Turn

SHELLS = ("bash", "Bash", "run_shell_command", "shell", "execute_command", "run_terminal_command")
# What these programs put before or behind the person's words in the same text.
_GLUED = re.compile(
    r"^\s*<current_datetime>.*?</current_datetime>\s*|\s*<system_(notification|reminder)>.*?</system_\1>\s*"
    r"|^\s*<user_query>\n|\n</user_query>\s*$|^\s*<user_info>.*</(?:user_info|rules)>\s*$",
    re.S,
)
# aider says its rules behind the newest words, and has no tools: a command is a block of its answer, which it offers to
# run; what that printed comes as a person's words with the next ones.
_RULES = re.compile(r"\n\n# \*SEARCH/REPLACE block\* Rules:.*", re.S)
_RAN = re.compile(r"Output from ([^\n]*)\n(.*)", re.S)
IN_WORDS = "commands in words"
"""The name by which such a program's shell goes among its tools."""
# What qwen and grok ask their models behind a turn, with all of their tools: no turn of the person's.
_ASIDE = re.compile(r"\s*(?:Managed memory directory:|<system-reminder>Write an ultra-short dashboard line)")


def read_chat(asked: dict[str, Any]) -> Heard:
    tools = {
        (t.get("function") or {}).get("name", ""): (t.get("function") or {}).get("parameters") or {}
        for t in asked.get("tools") or []
    }
    form = asked.get("response_format") or {}
    schema = (form.get("json_schema") or {}).get("schema") if form.get("type") == "json_schema" else None

    def turns() -> Iterator[tuple[str, Any]]:
        printed: list[tuple[str, Any]] = []
        for m in asked.get("messages") or []:
            role, content = m.get("role"), m.get("content")
            if role == "assistant":
                for call in m.get("tool_calls") or []:
                    given = json.loads(call["function"].get("arguments") or "{}")
                    yield "call", (call["id"], str(given.get("command", "")))
            elif role == "tool":
                yield "result", (m.get("tool_call_id"), dialects.flat(content or ""))
            elif role == "user":
                parts = [content] if isinstance(content, str) else [dialects.flat(p) for p in content or []]
                parts = [_RULES.sub("", p) for p in parts]
                ran = _RAN.fullmatch(parts[0].strip()) if parts else None
                if ran:
                    printed = [("call", (ran[1], ran[1])), ("result", (ran[1], ran[2]))]
                    continue
                yield "parts", parts
                yield "words", dialects._words([_GLUED.sub("", p) for p in parts])
                yield from printed
                printed = []

    first = (asked.get("messages") or [{}])[0]
    if not tools and "*SEARCH/REPLACE block*" in dialects.flat(first.get("content") or ""):
        tools[IN_WORDS] = {}
    last = (asked.get("messages") or [{}])[-1]
    if last.get("role") == "user" and _ASIDE.match(dialects.flat(last.get("content") or "")):
        tools = {}
    return dialects._gather(turns(), tools, schema, bool(asked.get("stream")))


def write_chat(door: Any, asked: dict[str, Any], heard: Heard, turn: Turn) -> None:
    if isinstance(turn, Fail):
        error = {"message": "scripted", "type": "server_error", "code": None}
        if turn.limited:
            error = {"message": "You exceeded your current quota, please check your plan and billing details.",
                     "type": "insufficient_quota", "code": "insufficient_quota"}  # fmt: skip
        elif turn.status == 401:
            error = {"message": "Incorrect API key provided: test-key.", "type": "invalid_request_error",
                     "code": "invalid_api_key"}  # fmt: skip
        return door.reply({"error": error}, turn.status)
    shell = next((s for s in SHELLS if s in heard.tools), "")
    if isinstance(turn, Run) and IN_WORDS in heard.tools:
        turn = Say(f"```bash\n{turn.command}\n```\n")
    turn = turn if isinstance(turn, Say) or shell else Say("no shell tool")
    head = {"id": f"chatcmpl-{dialects._key()}", "created": int(time.time()), "model": asked.get("model")}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    calls: list[dict[str, Any]] = []
    if isinstance(turn, Run):
        command = turn.command
        if turn.escalate and shell == "run_terminal_command":  # grok asks about no `touch`
            command = f"python3 -c pass; {command}"
        given = json.dumps(_arguments(heard.tools[shell], command))
        function = {"name": shell, "arguments": given}
        calls = [{"index": 0, "id": f"call_{dialects._key()}", "type": "function", "function": function}]
    finish = "tool_calls" if calls else "stop"
    if not heard.stream:
        said = {"content": None, "tool_calls": calls} if calls else {"content": turn.text if _says(turn) else ""}
        choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": finish}
        return door.reply({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    send = door.stream()

    def chunk(delta: dict[str, Any], ended: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": ended}
        send({**head, "object": "chat.completion.chunk", "choices": [choice]}, "")

    chunk({"role": "assistant", "content": ""})
    if calls:
        chunk({"tool_calls": calls})
    elif isinstance(turn, Say):
        for text in dialects._chunks(turn, door.pause):
            chunk({"content": text})
    chunk({}, finish)
    send({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage}, "")
    send("[DONE]", "")
    send("", "")


def _says(turn: Turn) -> bool:
    return isinstance(turn, Say)


def _arguments(schema: Any, command: str) -> dict[str, Any]:
    """The shell tool's arguments for `command`, by its own schema; what else it requires gets its smallest value."""
    known = schema.get("properties", {}) or {}
    if "is_background" in known:  # qwen refuses to run a command that begins with a sleep
        command = re.sub(r"^sleep (\d+);", r"timeout \1 tail -f /dev/null;", command)
    needed = {k: dialects.instance(known.get(k)) for k in schema.get("required", [])}
    given = {"command": command, "description": "scripted", "timeout": 60_000, "is_background": False}
    return {**needed, **{k: v for k, v in given.items() if k in known}}
