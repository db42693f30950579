"""`rehearsal-check`: reviewers that need no model. Rules over the syntax tree; performance by running and counting."""
