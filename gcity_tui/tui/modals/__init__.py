"""What opens over a view, asks one thing, and closes. Imported when first opened."""
