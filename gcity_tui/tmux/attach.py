"""How a person gets into a pane from a plain shell, from inside another tmux, from inside the city's own server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcity_tui.model.errors import NotFound
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.protocol import checked_session, line
from gcity_tui.tmux.server import Server, client_environment

Kind = Literal["attach", "nested", "switch", "popup"]
LEAVE = "Ctrl+Q or prefix d leaves; the agent goes on"
_PANE = re.compile(r"%\d+")
_LOOK = "read only: prefix d leaves"  # tmux gives a read-only client no binding with a condition in it, so no Ctrl+Q


@dataclass(frozen=True, slots=True)
class AttachPlan:
    """Run `argv` with `env` (whole) in the person's terminal. `note` is one line for the person.

    `attach` and `nested` take the terminal until the person leaves; `switch` and `popup` return at once, or with the
    popup.
    """

    kind: Kind
    argv: tuple[str, ...]
    env: dict[str, str]
    note: str


def attach_plan(server: Server, session: str, environ: Mapping[str, str], *, read_only: bool = False) -> AttachPlan:
    """The command that shows `session` from a terminal whose environment is `environ`."""
    target = f"={checked_session(session)}"
    env, outer = client_environment(environ), outer_socket(environ)
    attach = tuple(server.argv("attach-session", *(("-r",) if read_only else ()), "-t", target))
    leave = _LOOK if read_only else LEAVE
    if outer is None:
        return AttachPlan("attach", attach, env, leave)
    if not _same(outer, server.path):
        return AttachPlan("nested", attach, env, f"inside another tmux (its prefix twice reaches this one): {leave}")
    env = dict(environ)  # these two are about the client that the person sits at, which tmux finds by TMUX
    if read_only:  # switch-client -r only toggles, and would stay on for the dashboard
        inner = f"TMUX= exec {shlex.join(attach)}"
        popup = ("display-popup", "-E", "-w", "100%", "-h", "100%", inner)
        return AttachPlan("popup", tuple(server.argv(*popup)), env, f"in a popup, {leave}")
    return AttachPlan("switch", tuple(server.argv("switch-client", "-t", target)), env, "Ctrl+Q comes back here")


def outer_socket(environ: Mapping[str, str]) -> Path | None:
    """Socket of the tmux server that this terminal is in; None outside, or when TMUX is left over from a dead one."""
    path, _, rest = environ.get("TMUX", "").partition(",")
    pid = rest.partition(",")[0]
    if not path or not pid.isdecimal() or not Path(path).exists():
        return None
    return Path(path) if Path(f"/proc/{pid}").exists() or not Path("/proc").exists() else None


def own_client(hands: Hands, environ: Mapping[str, str]) -> str:
    """Name of the client (a terminal) that shows the session this process runs in; the most recently used, if several.

    Only meaningful inside the city's own server. Raises NotFound when no terminal shows it.
    """
    pane = environ.get("TMUX_PANE", "")
    if not _PANE.fullmatch(pane):
        raise NotFound("no terminal shows this session", cure="attach to it first")
    try:
        session = "".join(hands.ask(line("list-panes", "-t", pane, "-f", f"#{{==:#{{pane_id}},{pane}}}", "-F",
                                         "#{session_name}")))  # fmt: skip
    except NotFound:
        session = ""
    fields = "#{client_control_mode} #{client_activity} #{client_name} #{client_session}"
    found = []
    for row in hands.ask(line("list-clients", "-F", fields)):
        control, activity, name, shown = row.split(" ", 3)
        if control == "0" and shown == session:
            found.append((int(activity), name))
    if not found:
        raise NotFound("no terminal shows this session", cure="attach to it first")
    return max(found)[1]


def switch(hands: Hands, client: str, session: str) -> None:
    """Show `session` on the terminal `client` (see `own_client`) down the open pipe: about 1 ms. Ctrl+Q comes back."""
    hands.pane(session)  # switch-client would take another session for one that is missing
    hands.ask(line("switch-client", "-c", client, "-t", f"={checked_session(session)}"))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return str(one) == str(other)
