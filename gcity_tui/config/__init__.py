"""What the user declared: find, load and compose cities and packs, with file and layer kept for every value."""
