"""Pictures: the dashboard."""
