"""What the program promises; it holds before and after every fix."""

import gzip
import tempfile
import unittest
from pathlib import Path

from orders import export, load, model, report, settings

FEW = [
    model.Order(1, "2026-01-05", "Ada", 1250, ("new", "post")),
    model.Order(2, "2026-01-17", "Bert", 400, ("post",)),
    model.Order(3, "2026-02-02", "Ada", 8999),
]


class Orders(unittest.TestCase):
    def test_a_price_is_shown_in_euros(self):
        self.assertEqual([model.euros(c) for c in (0, 5, 1250)], ["0.00", "0.05", "12.50"])

    def test_a_negative_price_is_refused(self):
        with self.assertRaises((AssertionError, ValueError)):
            model.euros(-1)

    def test_the_same_purchase_is_recognised(self):
        self.assertTrue(model.same(FEW[0], model.Order(1, "2026-01-05", "Ada", 1250)))
        self.assertFalse(model.same(FEW[0], FEW[1]))
        self.assertFalse(model.same(FEW[0], "no order"))
        self.assertEqual(len(model.fingerprint(FEW[0])), 12)

    def test_a_row_becomes_an_order(self):
        row = {"number": "7", "day": "2026-03-01", "customer": "Eve", "cents": "x", "tags": "a b"}
        self.assertEqual(load.from_row(row), model.Order(7, "2026-03-01", "Eve", 0, ("a", "b")))
        with self.assertRaises(ValueError):
            load.from_row({**row, "day": "soon"})

    def test_options_go_on_top_of_the_defaults(self):
        self.assertEqual(settings.parse_options("{'limit': 3}"), {"limit": 3, "currency": "EUR"})
        self.assertEqual(settings.parse_options(""), settings.DEFAULTS)

    def test_customers_come_once(self):
        self.assertEqual(list(report.customers(FEW)), ["Ada", "Bert"])
        self.assertEqual(report.by_customer(FEW, {}), {"Ada": 10249, "Bert": 400})

    def test_rank(self):
        self.assertEqual([report.rank_of(c, FEW) for c in (9999, 1250, 1)], [1, 2, 4])

    def test_the_report(self):
        text = report.render(FEW)
        self.assertIn("3 orders, 2 customers, 106.49 in all", text)
        self.assertIn("Tags: new 1, post 2", text)
        self.assertEqual(report.listing(FEW[:1]), "1  2026-01-05      12.50  Ada\n")
        self.assertEqual(report.listing([]), "")

    def test_the_archive_holds_the_listing(self):
        with tempfile.TemporaryDirectory() as folder:
            packed = export.archive(FEW, str(Path(folder) / "orders.txt"))
            self.assertEqual(gzip.open(packed, "rt", encoding="utf-8").read(), report.listing(FEW))


if __name__ == "__main__":
    unittest.main()
