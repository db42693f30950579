"""What is shown when the model answers no more, as data: a used-up allowance, a login that is over.

Wording as observed on claude 2.1.197, codex 0.169.0, gemini 0.61.0 and opencode 1.18.33. Format fields: text.
"""

from __future__ import annotations

from dataclasses import dataclass


class TurnRefused(Exception):
    """The turn is over, and its last word is the refusal."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A used-up allowance. `told` is a line of the conversation; `head`, `options` and `foot` are a menu below it.

    `tries`: an answer by which the turn goes on. `stopped`: the line that another answer leaves. `retry`: the program
    tries again by itself, says so below its input line, and asks nothing.
    """

    told: str = ""
    head: str = ""
    options: tuple[str, ...] = ()
    foot: str = ""
    tries: str = ""
    stopped: str = ""
    retry: str = ""


LIMITS = {
    "claude": Limit(
        told="  ⎿  You've hit your session limit · {text}",
        head="  What do you want to do?\n",
        options=("Stop and wait for limit to reset", "Upgrade your plan"),
        foot="  Enter to confirm · Esc to cancel",
    ),
    "codex": Limit(told="\n■ You’ve hit your usage limit. Upgrade to Pro, purchase more credits or {text}."),
    "gemini": Limit(
        head="\nUsage limit reached for rehearsal.\n/stats model for usage details\n/model to switch models.\n\n",
        options=("Keep trying", "Stop"),
        tries="Keep trying",
        stopped="✕ [API Error: You have exhausted your daily quota on this model.]\n  Please wait and try again later.",
    ),
    "opencode": Limit(
        retry="   ⬝⬝⬝⬝⬝⬝⬝⬝ You exceeded your current quota: {text} [retrying in 30s attempt #1] esc interrupt"
    ),
    "plain": Limit(told="limited: {text}"),
}

LOGINS = {
    "claude": "\n● Please run /login · API Error: 401 {text}",
    "codex": "\n■ unexpected status 401 Unauthorized: {text}",
    "gemini": '✕ [API Error: {{"error":{{"code":400,"message":"API key not valid. {text}"}}}}]',
    "opencode": "  ┃\n  ┃  Incorrect API key provided: {text}\n  ┃\n\n     ▣  Build · rehearsal",
    "plain": "log in: {text}",
}
"""The last line of a turn that was refused because nobody is logged in."""
