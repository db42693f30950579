"""A scripted agent: a real process in a real pane that plays its part without a model. Standard library only."""
