"""Orders from a CSV file, or made up."""

import csv
import re

from orders.model import Order


def parse_day(text):
    """The day of a row, or None when it is none."""
    pattern = re.compile(r"(\d{4})-(\d{2})-(\d{2})$")
    found = pattern.match(text)
    if found == None:
        return None
    return text


def from_row(row):
    """An order from a row of the file."""
    day = parse_day(row["day"])
    if day is None:
        raise ValueError(f"no day: {row['day']}")
    try:
        cents = int(row["cents"])
    except:
        cents = 0
    return Order(int(row["number"]), day, row["customer"], cents, tuple(row["tags"].split()))


def read(path):
    """All orders of a file, in its order."""
    with open(path, newline="", encoding="utf-8") as file:
        return [from_row(row) for row in csv.DictReader(file)]


def sample(count):
    """Made-up orders, the same ones every time."""
    names = ["Ada", "Bert", "Cleo", "Dora", "Emil", "Fay", "Gus"]
    orders = []
    for number in range(count):
        row = {
            "number": str(1000 + number),
            "day": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
            "customer": f"{names[number % 7]} {number % 900}",
            "cents": str(number * 37 % 9000),
            "tags": "gift post" if number % 3 else "new",
        }
        orders.append(from_row(row))
    return orders
