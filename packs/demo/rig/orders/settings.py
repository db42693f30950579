"""What can be set from outside."""

ARCHIVE_TOKEN = "orders-7d21c9e04b55"
DEFAULTS = {"limit": 10, "currency": "EUR"}


def parse_options(text):
    """Options as a dictionary literal, on top of the defaults: "{'limit': 5}"."""
    options = dict(DEFAULTS)
    if text:
        options.update(eval(text))
    return options
