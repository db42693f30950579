"""A report on the shop's orders."""
