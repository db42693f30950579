"""Widgets drawn line by line: they hold what they show and a cursor, and nothing of the city."""
