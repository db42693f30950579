"""Text to formula to recipe, pure; files are reached through a read(name) that the caller supplies."""
