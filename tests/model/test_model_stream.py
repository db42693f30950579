"""A stream of snapshots that differ in little: what is the same is gone through once, and it says the same."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gcity_tui.model.codec import Hearer, Teller, decode, encode
from gcity_tui.model.session import Evidence, Phase
from gcity_tui.model.snapshot import CitySnapshot, Notice, SessionView

VIEWS = st.lists(
    st.builds(
        SessionView, instance=st.sampled_from(["a/e-1", "a/e-2", "b/f-1"]), agent=st.just("a/e"),
        phase=st.sampled_from(list(Phase)), queued=st.integers(0, 3),
        evidence=st.lists(st.builds(Evidence, st.just("hook"), st.just(1.0), st.sampled_from(list(Phase))), max_size=2)
        .map(tuple),
    ), max_size=4,
).map(tuple)  # fmt: skip
CITIES = st.builds(
    CitySnapshot, name=st.just("c"), path=st.just("/c"), at=st.floats(0, 9), sessions=VIEWS,
    notices=st.lists(st.builds(Notice, st.just(0.0), st.just("error"), st.text(max_size=3)), max_size=2).map(tuple),
)  # fmt: skip


@given(st.lists(CITIES, max_size=6))
def test_a_stream_says_what_each_value_says_by_itself(cities: list[CitySnapshot]) -> None:
    teller, hearer, held = Teller(), Hearer(CitySnapshot), {}
    for city in cities:
        told = teller.encode(city)
        assert told == encode(city)
        changed = {k: v for k, v in told.items() if held.get(k) != v}
        held = {**held, **json.loads(json.dumps(changed))}
        assert hearer.decode(held) == city == decode(CitySnapshot, held)


def test_what_did_not_change_is_the_same_object() -> None:
    one, two = (SessionView(f"a/e-{n}", "a/e") for n in (1, 2))
    city = CitySnapshot("c", "/c", 1.0, sessions=(one, two))
    teller, hearer = Teller(), Hearer(CitySnapshot)
    first = teller.encode(city)
    later = teller.encode(replace(city, at=2.0, sessions=(one, replace(two, queued=1))))
    assert later["sessions"] is not first["sessions"] and later["sessions"][0] is first["sessions"][0]
    assert teller.encode(replace(city, at=3.0))["rigs"] is first["rigs"]
    heard = hearer.decode(json.loads(json.dumps(first)))
    again = hearer.decode(json.loads(json.dumps(later)))
    assert again.sessions[0] is heard.sessions[0] and again.sessions[1].queued == 1
