"""What the agents said: one reader per provider family, one History."""
