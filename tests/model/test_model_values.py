"""Session states and evidence, names, harmless text, values over the wire: the rules that need no I/O."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcity_tui.model import names, wire
from gcity_tui.model.codec import decode, encode
from gcity_tui.model.errors import Ambiguous, BadData, IllegalTransition, NotFound, Usage
from gcity_tui.model.receipt import LEGAL, Delivery, Receipt
from gcity_tui.model.round import Finding, Leg, Loop, Round
from gcity_tui.model.session import TRANSITIONS, Evidence, Pending, Phase, allowed_commands, judge, transition
from gcity_tui.model.snapshot import CitySnapshot, SessionView, attention
from gcity_tui.model.text import clean, one_line

STATES = sorted({s for sources, _ in TRANSITIONS.values() for s in sources} | {t for _, t in TRANSITIONS.values()})


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", TRANSITIONS)
def test_a_command_leads_where_the_table_says_or_is_refused(state: str, command: str) -> None:
    sources, target = TRANSITIONS[command]
    if state in sources or (state == target and command != "create"):
        assert transition(state, command) == target
    else:
        with pytest.raises(IllegalTransition) as refused:
            transition(state, command)
        assert all(c in refused.value.cure for c in allowed_commands(state))
    assert (command in allowed_commands(state)) == (state in sources)


def test_nothing_leads_out_of_closed_and_awake_is_active() -> None:
    assert allowed_commands("closed") == ()
    assert allowed_commands("awake") == allowed_commands("active")
    assert transition("awake", "sleep") == "asleep"


def ev(source: str, at: float, claim: Phase) -> Evidence:
    return Evidence(source, at, claim, "told so")


BLIND = {"hook": ("interrupt",)}
JUDGED: dict[str, tuple[list[Evidence], float, Phase]] = {
    "nothing is known": ([], 0, Phase.UNKNOWN),
    "it is starting": ([ev("process", 1, Phase.STARTING)], 2, Phase.STARTING),
    "a dead process beats everything": (
        [ev("process", 1, Phase.FAILED), ev("transcript", 9, Phase.BUSY), ev("dialog", 9, Phase.WAITING)],
        9, Phase.FAILED),
    "an open dialog beats all but death": (
        [ev("dialog", 1, Phase.WAITING), ev("state_file", 9, Phase.BUSY), ev("screen", 9, Phase.READY)],
        9, Phase.WAITING),
    "the newest wins": ([ev("transcript", 5, Phase.BUSY), ev("state_file", 6, Phase.READY)], 6, Phase.READY),
    "of one time, the state file wins": (
        [ev("screen", 5, Phase.READY), ev("title", 5, Phase.READY), ev("state_file", 5, Phase.BUSY)], 5, Phase.BUSY),
    "a hook cannot see an interrupt: a newer screen is believed": (
        [ev("hook", 5, Phase.BUSY), ev("screen", 8, Phase.READY)], 8, Phase.READY),
    "a stale busy claim against the screen is unknown": (
        [ev("transcript", 5, Phase.BUSY), ev("screen", 30, Phase.READY)], 30, Phase.UNKNOWN),
    "a fresh busy record stands against a screen without its busy line": (
        [ev("transcript", 5, Phase.BUSY), ev("screen", 8, Phase.READY)], 9, Phase.BUSY),
    "and against a title": ([ev("state_file", 5, Phase.BUSY), ev("title", 8, Phase.READY)], 14, Phase.BUSY),
    "to the last moment": ([ev("transcript", 5, Phase.BUSY), ev("screen", 8, Phase.READY)], 15, Phase.BUSY),
    "and no longer": ([ev("transcript", 5, Phase.BUSY), ev("screen", 8, Phase.READY)], 15.1, Phase.UNKNOWN),
    "a record that saw the end is believed": (
        [ev("transcript", 5, Phase.BUSY), ev("state_file", 7, Phase.READY), ev("screen", 8, Phase.READY)],
        30, Phase.READY),
    "a blind record that is as new as the screen stands": (
        [ev("hook", 5, Phase.BUSY), ev("screen", 5.5, Phase.READY)], 6, Phase.BUSY),
    "a newer busy screen beats an older end": (
        [ev("transcript", 5, Phase.READY), ev("screen", 8, Phase.BUSY)], 8, Phase.BUSY),
    "an end recorded just now beats a screen that lags": (
        [ev("transcript", 7.5, Phase.READY), ev("screen", 8, Phase.BUSY)], 8, Phase.READY),
    "an old screen says nothing about a newer turn": (
        [ev("screen", 1, Phase.READY), ev("transcript", 5, Phase.BUSY)], 60, Phase.BUSY),
    "unknown claims do not count": ([ev("title", 9, Phase.UNKNOWN), ev("transcript", 5, Phase.READY)], 9, Phase.READY),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_phase_from_evidence(name: str) -> None:
    evidence, now, phase = JUDGED[name]
    for order in (evidence, evidence[::-1]):
        found = judge(order, blind=BLIND, now=now)
        assert found.phase is phase
        assert len(found.evidence) == len(evidence)
        assert found.why


def test_every_phase_reads_without_colour() -> None:
    marks = [(p.shape, p.letter) for p in Phase]
    assert len(set(marks)) == len(marks)
    assert Phase.of("busy") is Phase.BUSY and Phase.of("nonsense") is Phase.UNKNOWN


def test_a_settled_receipt_leads_nowhere_but_unknown_may_be_told() -> None:
    for state in Delivery:
        assert state in LEGAL
    assert LEGAL[Delivery.TAKEN_UP] == LEGAL[Delivery.UNDELIVERED] == ()
    back = {s for s, targets in LEGAL.items() if Delivery.QUEUED in targets}
    assert back == {Delivery.TYPING}, "only what was certainly not typed is tried again"
    assert str(Receipt("n1", "s", Delivery.UNKNOWN)) == "unknown: may have been typed"
    assert str(Receipt("n1", "s", Delivery.UNDELIVERED, "it is dead")) == "undelivered (it is dead)"


def test_attention_is_derived_and_ordered() -> None:
    ask = Pending("q1", "approval", "Bash: rm", ("Yes", "No"), since=5)
    city = CitySnapshot(
        "c", "/c", 9.0,
        sessions=(
            SessionView("r/d-1", "r/d", phase=Phase.FAILED, bead="r-1", since=1),
            SessionView("r/w-1", "r/w", phase=Phase.WAITING, pending=ask),
            SessionView("r/k-1", "r/k", phase=Phase.READY, draft="half a senten", draft_since=2),
            SessionView("r/b-1", "r/b", phase=Phase.BUSY),
        ),
        loops=(Loop("l-1", "r-1", "t", state="out of budget"), Loop("l-2", "r-2", "t")),
    )  # fmt: skip
    assert [(a.kind, a.subject) for a in attention(city)] == [
        ("approval", "r/w-1"), ("draft", "r/k-1"), ("dead", "r/d-1"), ("stuck", "l-1")
    ]  # fmt: skip


# -- text --------------------------------------------------------------------------------------------------------------

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\x90\x9d\x07\x00\x08\x7f[]PX^_;?0123m\\\n\t\r\u202e\u2066\u200f\ufeff"),
    ),
    max_size=80,
)


@given(HOSTILE)
def test_cleaned_text_holds_nothing_that_acts(text: str) -> None:
    done = clean(text)
    assert clean(done) == done
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) <= 0x9F for c in done)
    assert not set(done) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    done.encode("utf-8")


@given(HOSTILE, st.integers(0, 60))
def test_one_line_is_one_line_and_short(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert "\n" not in line and "\t" not in line
    assert len(line) <= max(limit, 1)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs")), max_size=60))
def test_plain_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"), ("\x1b]0;title\x07x", "x"), ("\x1b]52;c;aGk=\x1b\\x", "x"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b\x1b[0m[31mx", "[31mx"), ("#{pane_id}; $(rm -rf /)", "#{pane_id}; $(rm -rf /)"), ("a\u202eb", "ab"),
    ],
)  # fmt: skip
def test_known_tricks(text: str, left: str) -> None:
    assert clean(text) == left


# -- names -------------------------------------------------------------------------------------------------------------


def test_names_resolve_when_they_are_unique() -> None:
    known = ("a/eddie-1", "b/eddie-1", "a/style-1", "mayor-1")
    assert names.resolve("style-1", known) == "a/style-1"
    assert names.resolve("a--eddie-1", known) == "a/eddie-1"
    assert names.resolve("mayor-1", known) == "mayor-1"
    with pytest.raises(Ambiguous) as both:
        names.resolve("eddie-1", known)
    assert both.value.candidates == ("a/eddie-1", "b/eddie-1")
    with pytest.raises(NotFound, match="style-1"):
        names.resolve("stlye-1", known)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("some-repo", "sr"),
        ("gas_city_tui", "gct"),
        ("camelCase", "cc"),
        ("tool-py", "to"),
        ("abc", "abc"),
        ("longer", "lo"),
    ],
)
def test_prefixes_as_gas_city_derives_them(name: str, prefix: str) -> None:
    assert names.bead_prefix(name) == prefix


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("7d", 604800), ("", 0)])
def test_durations(text: str, seconds: float) -> None:
    assert names.seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "5", "1h 30", "-5m", "m5"])
def test_no_durations(text: str) -> None:
    with pytest.raises(Usage):
        names.seconds(text)


def test_a_socket_is_the_citys_own_and_short() -> None:
    assert names.socket_name("a b", "/x") != names.socket_name("a b", "/y")
    assert " " not in names.socket_name("a b", "/x")


# -- values over the socket --------------------------------------------------------------------------------------------


def test_a_snapshot_survives_the_socket() -> None:
    found = Finding("f1", "major", "logic", "t — ü", "a.py", 3, "x", status="raised", first=1, again=2)
    loop = Loop("l", "r", "t", rounds=(Round(1, (Leg("style", findings=(found,)),), (found,), "iterate"),))
    whole = CitySnapshot(
        "c", "/c", 1.5, counts={"open": 3}, loops=(loop,),
        sessions=(SessionView("r/a-1", "r/a", phase=Phase.WAITING, activity=(1, 2),
                              pending=Pending("q", "approval", "p", ("Yes", "No")),
                              evidence=(Evidence("screen", 2.0, Phase.BUSY, "d"),)),),
    )  # fmt: skip
    assert decode(CitySnapshot, json.loads(json.dumps(encode(whole)))) == whole


def test_a_newer_writers_keys_are_ignored_and_a_wrong_shape_is_told() -> None:
    assert decode(Finding, {**encode(Finding("f", "nit", "c", "t")), "colour": "red"}).id == "f"
    with pytest.raises(BadData):
        decode(Loop, {"title": "no id"})
    with pytest.raises(BadData):
        decode(CitySnapshot, ["not", "an", "object"])


@given(st.lists(st.binary(max_size=300), max_size=12), st.integers(1, 7))
def test_frames_come_out_as_they_went_in(fields: list[bytes], chunk: int) -> None:
    data = wire.pack(fields) + wire.pack([b"next"])
    at = 0

    def recv(n: int) -> bytes:
        nonlocal at
        part = data[at : at + min(n, chunk)]
        at += len(part)
        return part

    assert wire.read(recv) == fields
    assert wire.read(recv) == [b"next"]
    assert wire.read(recv) is None


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x00\x00\x00\x09abc", b"\x00\x00\x00\x04\x00\x00\x00\x09", b"\xff\xff\xff\xff"]
)
def test_torn_and_oversized_frames_are_refused(data: bytes) -> None:
    at = 0

    def recv(n: int) -> bytes:
        nonlocal at
        part = data[at : at + n]
        at += len(part)
        return part

    with pytest.raises(ValueError):
        wire.read(recv)
