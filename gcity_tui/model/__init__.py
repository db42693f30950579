"""The nouns of a city, and the rules that need no I/O; standard library only."""
