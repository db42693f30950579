"""The city's own tmux server: control client, ears, verbs, styled lines, attach command."""
