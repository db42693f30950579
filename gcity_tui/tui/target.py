"""What a verb acts on, and what that is tied to: session ↔ bead ↔ loop."""

from __future__ import annotations

from dataclasses import dataclass

from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot, MailView, SessionView


@dataclass(frozen=True, slots=True)
class Target:
    """One thing, by its names; what it is not is empty. `main` says which of them was pointed at: session, bead, loop,
    or mail, whose bead is the message and whose session its sender."""

    session: str = ""
    bead: str = ""
    loop: str = ""
    main: str = ""

    @property
    def name(self) -> str:
        return {"session": self.session, "bead": self.bead, "loop": self.loop, "mail": self.bead}.get(self.main, "")


NOTHING = Target()


def of_session(snapshot: CitySnapshot, instance: str) -> Target:
    view = snapshot.session(instance)
    return Target(instance, view.bead if view else "", view.loop if view else "", "session")


def of_loop(snapshot: CitySnapshot, id: str) -> Target:
    """A loop; its session is its author's, its bead the one it is for."""
    loop = next((x for x in snapshot.loops if x.id == id), None)
    if loop is None:
        return Target(loop=id, main="loop")
    author = next((s for s in snapshot.sessions if loop.author and s.instance.rsplit("/", 1)[-1] ==
                   loop.author.rsplit("/", 1)[-1]), None)  # fmt: skip
    return Target(author.instance if author else "", loop.source or loop.root, id, "loop")


def of_bead(snapshot: CitySnapshot, id: str, assignee: str = "") -> Target:
    """A bead; its session is the one that is on it, or its assignee's."""
    on = next((s for s in snapshot.sessions if s.bead == id), None) or next(
        (s for s in snapshot.sessions if assignee and assignee in (s.instance, s.name, s.id)), None
    )
    loop = next((x.id for x in snapshot.loops if id in (x.id, x.root, x.source)), on.loop if on else "")
    return Target(on.instance if on else "", id, loop, "bead")


def of_mail(snapshot: CitySnapshot, mail: MailView) -> Target:
    """A message; its session is its sender's."""
    by = next((s for s in snapshot.sessions if mail.sender in (s.instance, s.name, s.id)), None)
    return Target(by.instance if by else "", mail.id, by.loop if by else "", "mail")


def of_subject(snapshot: CitySnapshot, subject: str) -> Target:
    """Whatever bears this name: a session, a loop, unread mail, else a bead."""
    if snapshot.session(subject):
        return of_session(snapshot, subject)
    mail = next((m for m in snapshot.mail if m.id == subject), None)
    if mail is not None:
        return of_mail(snapshot, mail)
    if any(x.id == subject for x in snapshot.loops):
        return of_loop(snapshot, subject)
    return of_bead(snapshot, subject)


def views(snapshot: CitySnapshot | None, targets: tuple[Target, ...]) -> tuple[SessionView, ...]:
    """The sessions of `targets`, each once."""
    if snapshot is None:
        return ()
    names = dict.fromkeys(t.session for t in targets if t.session)
    return tuple(v for v in (snapshot.session(n) for n in names) if v is not None)


def applies(command: str, view: SessionView | None, lost: bool = False) -> bool:
    """Whether a command on a session can do anything for this one now; `lost`: a text for it did not arrive."""
    if view is None:
        return not command.startswith(("talk.", "run.again", "look.peek"))
    if command == "talk.answer":
        return view.pending is not None or lost
    if command in ("talk.send", "talk.clear"):
        return bool(view.draft)
    if command in ("talk.interrupt", "talk.attach"):
        return view.phase.live
    if command == "look.peek":
        return bool(view.pane)
    if command == "run.again":
        return view.phase in (Phase.STOPPED, Phase.FAILED)
    return command != "run.stop" or view.phase is not Phase.STOPPED
