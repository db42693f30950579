"""A software factory in one terminal: agents in tmux panes, their work, their reviews, live."""

__version__ = "0.1.0"
