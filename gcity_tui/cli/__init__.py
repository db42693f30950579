"""Words: a file per noun, tables for people and --json beside each."""
