"""One module per view of the city."""
