"""`python -m orders [FILE | --sample N] [--options TEXT] [--list]`."""

import argparse
import sys

from orders import load, report, settings


def main(argv=None):
    """Print the report."""
    parser = argparse.ArgumentParser(prog="orders")
    parser.add_argument("file", nargs="?", default="data/orders.csv")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--options", default="")
    given = parser.parse_args(argv)
    orders = load.sample(given.sample) if given.sample else load.read(given.file)
    options = settings.parse_options(given.options)
    sys.stdout.write(report.render(orders, options["limit"]))
    sys.stdout.write(report.listing(orders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
