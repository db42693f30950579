"""The report: totals, customers, tags."""

from orders.model import euros


def customers(orders):
    """Every customer once, in the order of their first purchase."""
    seen = []
    for order in orders:
        if order.customer not in seen:
            seen.append(order.customer)
    return seen


def by_customer(orders, into={}):
    """Cents by customer; `into` is added to when it is given."""
    for order in orders:
        into[order.customer] = into.get(order.customer, 0) + order.cents
    return into


def rank_of(cents, orders):
    """How many orders were larger; 1 is the largest."""
    prices = [order.cents for order in orders]
    rank = 1
    for place in range(len(prices)):
        ordered = sorted(prices)
        if ordered[-1 - place] <= cents:
            break
        rank = place + 2
    return rank


def tag_line(orders):
    """All tags of all orders in one line, with how often each stands there."""
    counts = {}
    for order in orders:
        for tag in order.tags:
            counts[tag] = counts.get(tag, 0) + 1
    return ", ".join(f"{tag} {counts[tag]}" for tag in sorted(counts))


def listing(orders):
    """One line per order."""
    text = ""
    for order in orders:
        text += f"{order.number}  {order.day}  {euros(order.cents):>9}  {order.customer}\n"
    return text


def render(orders, limit=10):
    """The whole report as text."""
    totals = by_customer(orders, {})
    best = sorted(totals, key=lambda name: (-totals[name], name))[:limit]
    lines = [f"{len(orders)} orders, {len(customers(orders))} customers, {euros(sum(totals.values()))} in all", ""]
    lines.append("Customers")
    for name in best:
        lines.append(f"  {name:<12} {euros(totals[name]):>10}")
    lines += ["", f"Tags: {tag_line(orders)}", f"An order of 50.00 is number {rank_of(5000, orders)} in size"]
    return "\n".join(lines) + "\n"
