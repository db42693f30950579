"""The table: widths, a cursor that stays on its row, an order that stands still, repaints of changed lines only."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App

from gcity_tui.tui.widgets.columns import Column, widths
from gcity_tui.tui.widgets.table import LineTable, Row


@pytest.mark.parametrize(
    ("columns", "natural", "room", "wanted"),
    [
        ((Column(least=2), Column(least=2)), (5, 5), 20, (5, 5)),
        ((Column(least=2), Column(least=2, grow=True)), (5, 5), 20, (5, 14)),
        ((Column(least=2, most=4), Column(least=2)), (9, 5), 20, (4, 5)),
        ((Column(least=3), Column(least=2, rank=1)), (9, 9), 14, (9, 4)),
        ((Column(least=3), Column(least=6, rank=1)), (9, 9), 12, (5, 6)),
        ((Column(least=3), Column(least=6, rank=1)), (9, 9), 9, (9, 0)),
        ((Column(least=3, rank=1), Column(least=3, rank=2, firm=True), Column(least=5)), (9, 9, 5), 20, (4, 9, 5)),
        ((Column(least=3), Column(least=3, rank=1), Column(least=3, rank=2)), (5, 5, 5), 10, (5, 4, 0)),
        ((Column(least=6),), (9,), 4, (4,)),
        ((Column(least=6), Column(least=6)), (6, 6), 8, (6, 1)),
        ((), (), 10, ()),
    ],
)
def test_widths(columns, natural, room, wanted) -> None:
    got = widths(columns, natural, room)
    assert got == wanted
    shown = [w for w in got if w]
    assert sum(shown) + max(len(shown) - 1, 0) <= room


def row(id: str, *cells: str) -> Row:
    return Row(id, tuple(((c, ""),) for c in cells))


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.at = 100.0
        self.table = LineTable((Column(least=3), Column(least=3, grow=True)), clock=lambda: self.at)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        from gcity_tui.tui import themes

        return themes.defaults(self.current_theme)

    def compose(self):
        yield self.table


def on_table(act) -> None:
    async def whole() -> None:
        app = Host()
        async with app.run_test(size=(40, 12)) as pilot:
            app.table.focus()
            await act(app, app.table, pilot)

    asyncio.run(whole())


def ids(table: LineTable) -> list[str]:
    return [r.id for r in table.rows]


def test_the_cursor_stays_on_its_row() -> None:
    async def act(app, table, pilot) -> None:
        table.rows_are([row("a", "1", "x"), row("b", "2", "y"), row("c", "3", "z")])
        await pilot.press("j")
        assert table.cursor == "b"
        app.at += 10
        table.rows_are([row("z", "0", "new"), row("c", "3", "z"), row("b", "2", "y")])
        assert table.cursor == "b" and ids(table) == ["z", "c", "b"]
        table.rows_are([row("z", "0", "new"), row("c", "3", "z")])
        assert table.cursor == "c"
        table.rows_are([])
        assert table.cursor == ""
        table.rows_are([row("q", "0", "new")])
        assert table.cursor == "q"

    on_table(act)


def test_order_stands_still_for_two_seconds_after_a_key() -> None:
    async def act(app, table, pilot) -> None:
        table.rows_are([row("a", "1", "x"), row("b", "2", "y"), row("c", "3", "z")])
        await pilot.press("j")
        table.rows_are([row("c", "3", "!"), row("new", "9", "n"), row("b", "2", "y"), row("a", "1", "x")])
        assert ids(table) == ["a", "b", "c", "new"]
        assert table.rows[2].cells[1] == (("!", ""),)  # content is not held, only the order
        app.at += 1.9
        table.settle()
        assert ids(table) == ["a", "b", "c", "new"]
        app.at += 0.2
        table.settle()
        assert ids(table) == ["c", "new", "b", "a"] and table.cursor == "b"

    on_table(act)


def test_marks_survive_and_are_dropped_with_their_row() -> None:
    async def act(app, table, pilot) -> None:
        table.rows_are([row("a", "1", "x"), row("b", "2", "y"), row("c", "3", "z")])
        await pilot.press("space", "space")
        assert table.marked == ("a", "b") and table.cursor == "c"
        table.filter_is("z")
        assert ids(table) == ["c"] and table.marked == ("a", "b")
        table.filter_is("")
        table.rows_are([row("b", "2", "y")])
        assert table.marked == ("b",)

    on_table(act)


def test_only_changed_lines_are_painted() -> None:
    async def act(app, table, pilot) -> None:
        rows = [row(f"r{n}", str(n), f"text {n}") for n in range(10)]
        table.rows_are(rows)
        await pilot.pause()
        before = table.painted
        table.rows_are(rows)
        await pilot.pause()
        assert table.painted == before
        rows[4] = row("r4", "4", "other")
        table.rows_are(rows)
        await pilot.pause()
        assert table.painted == before + 1
        await pilot.press("j")
        assert table.painted == before + 3  # where the cursor was, and where it is

    on_table(act)


def test_a_long_list_scrolls_to_its_cursor() -> None:
    async def act(app, table, pilot) -> None:
        table.rows_are([row(f"r{n}", str(n), "x") for n in range(500)])
        await pilot.pause()
        await pilot.press("G")
        assert table.cursor == "r499" and table.scroll_offset.y == 500 - 12
        await pilot.press("g")
        assert table.scroll_offset.y == 0
        assert table.go_to("r250")
        assert table.scroll_offset.y <= 250 < table.scroll_offset.y + 12
        assert not table.go_to("nowhere")

    on_table(act)


def test_foreign_width_does_not_move_columns() -> None:
    async def act(app, table, pilot) -> None:
        table.rows_are([row("a", "日本語", "x"), row("b", "abc", "y"), row("c", "é", "z")])
        await pilot.pause()
        assert {table.render_line(n).cell_length for n in range(3)} == {40}

    on_table(act)
