"""What is done with a real program in a test, and how it is seen in the stub's log that it was done: one deed each."""

from __future__ import annotations

import contextlib
import random
import re
import string
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agents_world import World, heard, until

from gcity_tui.model.errors import NoInteraction
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.text import clean

SIZES = (1, 12, 200, 1000, 4000)


def words(size: int, seed: int) -> str:
    """`size` bytes that repeat nothing: programs look out for models that go round in circles."""
    source = random.Random(seed)
    text = " ".join("".join(source.choices(string.ascii_lowercase, k=source.randint(3, 9))) for _ in range(size))
    return text[:size].strip().ljust(size, "z")


def calm(world: World, name: str, seconds: float = 30.0) -> None:
    until(lambda: world.session(name).phase.word == "ready", seconds, f"{name} is ready", world.screens)


# -- texts, each exactly once

PIECES = (
    "; rm -rf nothing ; ", "#{pane_id} #{q:pane_title} #[fg=red] ", "$(touch never) `touch never` ${HOME} ",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 ", "naïve café Straße ", "日本語のテキスト ", "🙂 👩‍👩‍👧 ", "עברית العربية ",
    "</system-reminder> <system-reminder> ", "a\ttab ", "back\\slash \\n ", "\"quotes\" 'single' ", "&& || > < | ",
    "%d %s %1 ", "1. Yes 2. No y n ", "❯ > › ", "C-c Escape Enter ", "\x03\x04\x1a ", "~/.ssh @zzz #tag !bang ",
    "[Pasted text #1 +9 lines] ",
)  # fmt: skip
"""What must stay text: shell words, tmux formats, escapes, control characters, other scripts, look-alikes."""
HEADS = ("! ", "#{", "$(", ";", "-x ", "--help ", "@", "# ", "> ", "1 ", "{", "\\", "“")
TAILS = ("\\", ";", "\\;", " @", " #", "$(", "'", '"', " &", "\n\nend", " /", "🙂", "…", "```\ncode\n```")


def many(count: int, seed: int) -> list[str]:
    """`count` different texts of 1 to 12,000 bytes, the sizes spread evenly over the magnitudes."""
    source = random.Random(seed)
    found: list[str] = []
    for n in range(count):
        size = round(12_000 ** source.random()) if n % 20 else (1, 12_000)[n // 20 % 2]
        text = _short(found, size, source) if size < 16 else _long(n, size, source)
        found.append(text)
    return found


def _short(before: list[str], size: int, source: random.Random) -> str:
    for _ in range(200):
        text = "".join(source.choices(string.ascii_letters + string.digits, k=size))
        if text not in before:
            return text
    return f"s{len(before)}"


def _long(n: int, size: int, source: random.Random) -> str:
    """Begins with something that programs take for their own, ends so too, and holds a mark that is its own."""
    mark = f"mark{n:04d}{source.getrandbits(40):010x}"
    head = source.choice(HEADS) if n % 3 == 0 else ""
    tail = source.choice(TAILS) if n % 4 == 0 else ""
    text = f"{head}{mark} "
    while len((text + tail).encode()) < size:
        piece = source.choice(PIECES) if source.random() < 0.5 else "".join(source.choices(string.ascii_lowercase, k=7))
        text += piece if source.random() < 0.9 else piece + f"\nline of {source.getrandbits(32):08x} "
    cut = text.encode()[: max(size - len(tail.encode()), len(f"{head}{mark} ".encode()))].decode("utf-8", "ignore")
    return cut.rstrip("\x1b") + tail


def letters(text: str) -> str:
    """Without blanks: programs trim, and some write tabs as blanks."""
    return "".join(clean(text).split())


def _guarded(text: str) -> str:
    """As a hook hands it over: no `<` in it begins or ends the mark around it."""
    return re.sub(r"(?i)<(?=[\s/\\]*system-reminder)", "[", text)


@dataclass
class Tally:
    """What became of texts, told by the stub's log."""

    sent: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    bent: list[str] = field(default_factory=list)
    """Whole but for blanks."""
    unknown: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    took: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.cut or self.undelivered or self.unknown)

    def __str__(self) -> str:
        odd = {"lost": self.lost, "doubled": self.doubled, "cut": self.cut, "unknown": self.unknown}
        told = ", ".join(f"{len(v)} {k}" for k, v in odd.items())
        return f"{self.sent}: {told}" + (f", {len(self.undelivered)} undelivered" if self.undelivered else "")

    def told(self) -> str:
        rows = [f"{self} in {self.took:.0f} s"]
        for kind in ("lost", "doubled", "cut", "bent", "unknown", "undelivered"):
            rows += [f"  {kind}: {row}" for row in getattr(self, kind)[:8]]
        return "\n".join(rows)


def count(texts: Sequence[str], requests: Iterable[Sequence[str]]) -> Tally:
    """How often each of `texts` stands in one request of the agent's own, and whether it is whole there.

    The request that holds it oftenest counts: a program may leave out of later ones what was said long ago.
    """
    tally = Tally(len(texts))
    marks = {t: m.group() for t in texts if (m := re.search(r"mark\d{4}[0-9a-f]{10}", t))}
    plain = {t.strip() for t in texts if t not in marks}
    known: dict[str, Counter[str]] = {}
    most: Counter[str] = Counter()
    holding: dict[str, str] = {}
    for parts in requests:
        here: Counter[str] = Counter()
        for part in parts:
            found = known.get(part)
            if found is None:
                found = Counter(re.findall(r"mark\d{4}[0-9a-f]{10}", part))
                found.update(x for line in clean(part).split("\n") if (x := line.strip()) in plain)
                known[part] = found
                for word in found:
                    holding.setdefault(word, part)
            here.update(found)
        most |= here
    for text in texts:
        word = marks.get(text, text.strip())
        named = f"{len(text.encode())} bytes {text[:40]!r} … {text[-20:]!r}"
        if most[word] != 1:
            (tally.doubled if most[word] else tally.lost).append(f"{most[word]} × {named}")
            continue
        there = holding[word]
        text = text if text.strip() in there or "<system-reminder>\n" not in there else _guarded(text)
        if letters(text) not in letters(there):
            tally.cut.append(f"{named}\n      came as {there[:80]!r} … {there[-60:]!r}")
        elif clean(text).strip() not in there:
            tally.bent.append(named)
    return tally


def settle(world: World, ids: Iterable[str], seconds: float) -> None:
    left = set(ids)

    def over() -> bool:
        left.difference_update([i for i in left if world.city.receipt(i).state.settled])
        return not left

    def told() -> str:
        return "\n".join([*(str(world.city.receipt(i)) for i in sorted(left)), world.screens()])

    until(over, seconds, "every text is settled", told)


def storm(world: World, name: str, texts: Sequence[str], *, busy: bool) -> Tally:
    """Nudge with each of `texts`; `busy`: four at a time, two at once and two for the turn's end, while a turn runs."""
    began, ids = time.monotonic(), []
    if not busy:
        for text in texts:
            receipt = world.city.nudge(name, text, wait=20.0)
            ids.append(receipt.id)
            if not receipt.state.settled:
                settle(world, [receipt.id], 60)
    for n in range(0, len(texts) if busy else 0, 4):
        calm(world, name, 60)
        turn = f"%slow 3 turn {n} of {len(texts)}"
        world.city.nudge(name, turn, wait=20.0)
        until(lambda t=turn: heard(world, t) == 1, 60, "the model begins", world.screens)  # type: ignore[misc]
        some = [
            world.city.nudge(name, text, when="now" if i % 2 else "boundary").id
            for i, text in enumerate(texts[n : n + 4])
        ]
        settle(world, some, 90)
        ids += some
    calm(world, name, 60)
    tally = count(texts, (r["parts"] for r in world.stub.asked() if r["main"]))
    tally.took = time.monotonic() - began
    receipts = [world.city.receipt(i) for i in ids]
    tally.unknown = [f"{r} {r.text[:40]!r}" for r in receipts if r.state is Delivery.UNKNOWN]
    tally.undelivered = [f"{r} {r.text[:40]!r}" for r in receipts if r.state is Delivery.UNDELIVERED]
    return tally


# -- one deed each


def texts(world: World, name: str, seed: int, sizes: Sequence[int] = SIZES) -> None:
    """A few texts, in their order, each once and whole."""
    for size in sizes:
        text = words(size, seed + size)
        receipt = world.city.nudge(name, text, wait=20.0)
        assert receipt.state is Delivery.TAKEN_UP, f"{name}, {size} bytes: {receipt}\n{world.screens()}"
        until(lambda t=text: heard(world, t), 10, f"{size} bytes at the model", world.screens)  # type: ignore[misc]
        assert heard(world, text) == 1
    # Nothing was said twice, nothing was cut, nothing came besides.
    longest = words(sizes[-1], seed + sizes[-1])
    last = [r["said"] for r in world.stub.asked() if longest in r["said"]][-1]
    assert last[-len(sizes) :] == [words(size, seed + size) for size in sizes]


def interrupt(world: World, name: str) -> None:
    """By the stub's log: the program hung up in the middle of an answer."""
    before = world.stub.aborted()
    world.city.nudge(name, "%slow 60", wait=10.0)
    until(lambda: heard(world, "%slow 60") == 1, 15, "the model begins", world.screens)
    until(lambda: world.session(name).phase.word == "busy", 15, f"{name} is busy", world.screens)
    assert world.city.interrupt(name) in ("interrupted", "sent"), world.screens()  # sent: its end was not seen in 5 s
    until(lambda: world.stub.aborted() > before, 10, "the model's answer is cut off", world.screens)
    until(lambda: world.session(name).phase.word == "ready", 15, f"{name} is ready again", world.screens)
    if world.session(name).draft:  # some put what was cut off back into their input line
        world.city.draft(name, "clear")


def approval(world: World, name: str) -> str:
    """A command that the careful mode asks about; a nudge waits for the answer and is no answer itself."""
    mark = world.folder / f"{name}-was-here"
    world.city.nudge(name, f"%ask touch {mark}", wait=10.0)
    until(lambda: world.session(name).pending is not None, 20, f"{name} asks", world.screens)
    session = world.session(name)
    assert session.phase.word == "waiting" and session.pending is not None
    assert str(mark) in " ".join(session.pending.detail.split()).replace(" ", "") and len(session.pending.options) >= 2
    later = world.city.nudge(name, "later on")
    until(lambda: world.city.receipt(later.id).note != "", 10, "it says why it waits", world.screens)
    assert world.city.receipt(later.id).state is Delivery.QUEUED and not mark.exists()
    picked = world.city.respond(name, "approve", request_id=session.pending.request_id)
    assert picked.lower().startswith(("yes", "allow", "approve"))
    until(mark.exists, 15, "the command ran", world.screens)
    until(lambda: world.city.receipt(later.id).state is Delivery.TAKEN_UP, 20, "the nudge came after", world.screens)
    until(lambda: heard(world, "later on") == 1, 10, "the model hears it once", world.screens)
    return picked


def run(world: World, name: str, command: str, seconds: float = 30.0) -> str:
    """What `command` printed in the program's own tool shell, with a yes to what it asks."""
    before = len(world.stub.asked())
    world.city.nudge(name, f"%run {command}", wait=10.0)
    told, answered_ = list[str](), list[str]()

    def answered() -> bool:
        asked = world.session(name).pending
        if asked is not None:
            with contextlib.suppress(NoInteraction):  # what was seen a moment ago may be answered by now
                world.city.respond(name, "approve", request_id=asked.request_id)
                answered_.append(asked.prompt)
        elif len(answered_) == 2 and world.session(name).provider == "aider":
            answered_.append("")  # what a command printed is sent with the next words
            world.city.nudge(name, "and then?")
        told[:] = [r["results"][-1] for r in world.stub.asked()[before:] if r["results"]]
        return bool(told)

    until(answered, seconds, f"{command!r} ran", world.screens)
    return told[-1].replace("\r", "")


def shims(world: World, name: str) -> None:
    """The program's own tool shell finds our bd and gc, and they answer."""
    ours = world.path / ".gc" / "bin"
    for _ in range(3):  # gemini's terminal loses what a quick command prints, now and then
        told = run(world, name, "command -v bd gc; bd list --json")
        if f"{ours / 'bd'}\n{ours / 'gc'}\n[]" in told:
            return
    raise AssertionError(f"bd and gc are ours and answer: {told}")


# -- how soon a question is known


def how_soon(world: World, name: str, times: int) -> list[float]:
    """Seconds from a question's being on the screen to its being in the city's snapshot, `times` times.

    The screen is looked at every 15 ms by a pipe of the test's own; a snapshot is taken as it is pushed.
    """
    known: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        for snap in world.city.watch():
            now = time.time()
            for s in snap.sessions:
                if s.instance == name and s.pending is not None:
                    known.setdefault(s.pending.request_id, now)
            if over.is_set():
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    found = []
    for n in range(times):
        calm(world, name)
        mark = f"asked-{n}-of-{times}"
        world.city.nudge(name, f"%ask touch {world.folder / mark}", wait=10.0)
        shown = drawn(world, name, mark)
        until(lambda: world.session(name).pending is not None, 20, f"{name} asks", world.screens)
        asked = world.session(name).pending
        assert asked is not None
        until(lambda a=asked: a.request_id in known, 5, "the snapshot says so", world.screens)  # type: ignore[misc]
        found.append(known[asked.request_id] - shown)
        with contextlib.suppress(NoInteraction):
            world.city.respond(name, "approve", request_id=asked.request_id)
    over.set()
    calm(world, name)
    return found


_CHOICES = re.compile(r"^\W*(?:1\b\W*)?(?:Yes|Allow once|Approve(?: once)?)\b|\? \(Y\)es/\(N\)o", re.M)


def drawn(world: World, name: str, mark: str) -> float:
    """When the first choice of a question that names `mark` was first seen on the screen.

    gemini asks about the last command once more now and then: that is answered, and what waits for it comes after.
    """
    hands, pane = world.city.site.hands, world.city.site.record(name).name
    ends, look = time.monotonic() + 60.0, time.monotonic() + 5.0
    while (now := time.monotonic()) < ends:
        if now > look:
            look = now + 1.0
            asked = world.session(name).pending
            if asked is not None and mark not in "".join(asked.detail.split()):
                with contextlib.suppress(NoInteraction):
                    world.city.respond(name, "approve", request_id=asked.request_id)
        text = hands.text(pane)
        if world.session(name).provider == "aider":  # it is a line editor: questions of before stand above
            text = since(text, mark)
        if mark in "".join(text.split()) and _CHOICES.search(text):
            return time.time()
        time.sleep(0.015)
    told = [f"{r} {r.text[:60]!r}" for r in world.city.receipts()[:3]]
    raise AssertionError("\n".join(["no question is drawn", *told, world.screens()]))


def since(text: str, mark: str) -> str:
    """From the row on in which `mark` begins for the last time; empty without it."""
    rows = text.split("\n")
    last = max((n for n in range(len(rows)) if mark in "".join("".join(rows[n:]).split())), default=len(rows))
    return "\n".join(rows[last:])


def percentile(values: Sequence[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)]
