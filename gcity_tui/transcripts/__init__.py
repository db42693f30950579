"""What the agents said: one reader per family of transcript files, read only. Names for the floor above."""

from gcity_tui.transcripts.finding import discover, find, root_of
from gcity_tui.transcripts.prices import cost, in_window, window
from gcity_tui.transcripts.reading import FORMATS, Reader, SubAgent, activity_of, reader
from gcity_tui.transcripts.tail import Standing, Tail

__all__ = [
    "FORMATS", "Reader", "Standing", "SubAgent", "Tail", "activity_of", "cost", "discover", "find", "in_window",
    "reader", "root_of", "window",
]  # fmt: skip
