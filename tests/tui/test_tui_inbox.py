"""The inbox: looking is not reading, reading is told to the city, an answer goes into the message's thread."""

from __future__ import annotations

from tests.scenes import SCENES


def test_looking_at_a_message_does_not_make_it_read(play) -> None:
    async def act(stage) -> None:
        await stage.press("i")
        await stage.until(lambda: "2 unread" in stage.text and "Shall I hand it over?" in stage.text)
        assert not stage.did("read_mail")
        await stage.press("j")
        await stage.until(lambda: "a dead letter" in stage.text)
        assert not stage.did("read_mail")
        await stage.press("enter")
        await stage.until(lambda: "1 unread" in stage.text)
        assert stage.did("read_mail") == [("read_mail", "gc-515")]
        await stage.press("enter")
        assert len(stage.did("read_mail")) == 1

    play(SCENES["inbox"], act)


def test_an_answer_and_none(play) -> None:
    async def act(stage) -> None:
        await stage.press("i")
        await stage.until(lambda: "Shall I hand it over?" in stage.text)
        await stage.press("R", "escape")
        assert not stage.did("reply_mail")
        await stage.press("R")
        assert "reply → eddie-2" in stage.text
        await stage.press(*"yes", "enter")
        await stage.until(lambda: "mail gc-902 → eddie-2" in stage.text)
        assert stage.did("reply_mail") == [("reply_mail", "gc-519", "yes")]

    play(SCENES["inbox"], act)


def test_from_what_needs_you_to_the_message(play) -> None:
    async def act(stage) -> None:
        table = stage.app.view.query_one("#attention")
        await stage.until(lambda: any(r.id == "mail:gc-515" for r in table.rows))
        await stage.press("1")
        table.go_to("mail:gc-515")
        await stage.press("enter")
        await stage.until(lambda: "²gc-515" in stage.text and "a dead letter" in stage.text)
        assert stage.app.view.target.session == "api/builder-7"
        assert not stage.did("attach_plan") and not stage.did("read_mail")

    play(SCENES["inbox"], act)


def test_escapes_in_a_message_are_text(play) -> None:
    async def act(stage) -> None:
        evil = "\x1b[2J\x1b]0;owned\x07\u202etxt"
        from dataclasses import replace

        stage.city.the_mail = tuple(replace(m, subject=evil, sender=evil) for m in stage.city.the_mail)
        stage.city.the_beads = tuple(replace(b, description=evil) for b in stage.city.the_beads)
        await stage.press("i")
        await stage.until(lambda: "2 unread" in stage.text)
        assert "\x1b" not in stage.text and "\x07" not in stage.text and "\u202e" not in stage.text

    play(SCENES["inbox"], act)
