"""What the agents said: one reader per family of transcript files, read only. Names for the floor above."""

from gcity_tui.transcripts.finding import HOLDING, discover, find, parts_of, root_of
from gcity_tui.transcripts.following import Follower, end_of, follow
from gcity_tui.transcripts.prices import Price, cost, in_window, window
from gcity_tui.transcripts.reading import FORMATS, Reader, SubAgent, activity_of, reader
from gcity_tui.transcripts.stitching import stitch
from gcity_tui.transcripts.store import file_of
from gcity_tui.transcripts.tail import Standing, Tail

__all__ = [
    "FORMATS", "HOLDING", "Follower", "Price", "Reader", "Standing", "SubAgent", "Tail", "activity_of", "cost",
    "discover", "end_of", "file_of", "find", "follow", "in_window", "parts_of", "reader", "root_of", "stitch", "window",
]  # fmt: skip
