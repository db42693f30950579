"""`bd query "expr"`: a small language of conditions, compiled to one SQL condition.

Grammar: expr = and (OR and)*; and = not (AND not)*; not = NOT not | "(" expr ")" | field op value.
Ops are = != > >= < <=; values bare or quoted; durations such as `7d` mean so long ago.
"""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import pages, values
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

_OPS = ("!=", ">=", "<=", "=", ">", "<")
_TEXT = {"status": "status", "type": "issue_type", "assignee": "assignee", "owner": "owner", "spec": "spec_id"}
_TEXT.update(mol_type="mol_type", id="id")
_PARTS = {"title": "title", "description": "description", "desc": "description", "notes": "notes"}
_TIMES = {f"{t}{tail}": f"{t}_at" for t in ("created", "updated", "closed", "started") for tail in ("", "_at")}
_FLAGS = {"pinned": "pinned", "ephemeral": "ephemeral", "template": "is_template"}


def tokens(text: str) -> list[str]:
    """Words, operators, parentheses; a quoted value keeps a leading quote as its mark."""
    found: list[str] = []
    at = 0
    while at < len(text):
        c = text[at]
        if c.isspace():
            at += 1
        elif c in "()":
            found.append(c)
            at += 1
        elif c in "\"'":
            end = text.find(c, at + 1)
            if end < 0:
                raise Usage("query: a quote is not closed")
            found.append('"' + text[at + 1 : end])
            at = end + 1
        elif text[at : at + 2] in _OPS or c in _OPS:
            op = text[at : at + 2] if text[at : at + 2] in _OPS else c
            found.append(op)
            at += len(op)
        else:
            end = at
            while end < len(text) and not text[end].isspace() and text[end] not in "()\"'!=<>":
                end += 1
            if end == at:
                raise Usage(f"query: {c!r} is not expected")
            found.append(text[at:end])
            at = end
    return found


class Parser:
    """Recursive descent over the tokens; conditions are gathered as SQL text with their values."""

    __slots__ = ("args", "at", "call", "depth", "statuses", "words")

    def __init__(self, call: "Call", text: str) -> None:
        self.call, self.words, self.at, self.depth = call, tokens(text), 0, 0
        self.args: list[Any] = []
        self.statuses = False

    def parse(self) -> str:
        sql = self._or()
        if self.at < len(self.words):
            raise Usage(f"query: {self.words[self.at]!r} is not expected")
        return sql

    def _peek(self) -> str:
        return self.words[self.at].upper() if self.at < len(self.words) else ""

    def _next(self, what: str) -> str:
        if self.at >= len(self.words):
            raise Usage(f"query: {what} is missing")
        self.at += 1
        return self.words[self.at - 1]

    def _or(self) -> str:
        parts = [self._and()]
        while self._peek() == "OR":
            self.at += 1
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _and(self) -> str:
        parts = [self._not()]
        while self._peek() == "AND":
            self.at += 1
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _not(self) -> str:
        self.depth += 1
        if self.depth > 200:
            raise Usage("query: nested too deep")
        try:
            if self._peek() == "NOT":
                self.at += 1
                return f"NOT ({self._not()})"
            if self._peek() == "(":
                self.at += 1
                inner = self._or()
                if self._next("a closing parenthesis") != ")":
                    raise Usage("query: a closing parenthesis is missing")
                return f"({inner})"
            return self._compare()
        finally:
            self.depth -= 1

    def _compare(self) -> str:
        field, op = self._next("a field"), self._next("an operator")
        if op not in _OPS:
            raise Usage(f"query: {op!r} is no operator", cure=f"one of {' '.join(_OPS)}")
        value = self._next("a value")
        return self._condition(field.lower(), field, op, value[1:] if value[:1] == '"' else value)

    def _add(self, sql: str, *args: "Any") -> str:
        self.args.extend(args)
        return sql

    def _condition(self, name: str, field: str, op: str, value: str) -> str:
        if name in _TIMES:
            when = values.moment(value, self.call.ledger.now(), ahead=False)
            return self._add(f"b.{_TIMES[name]} {op} ?", when)
        if name == "priority":
            return self._add(f"b.priority {op} ?", values.priority(value))
        if op not in ("=", "!="):
            raise Usage(f"query: {field} takes = or != only")
        same = self._same(name, field, value)
        return same if op == "=" else f"NOT ({same})"

    def _same(self, name: str, field: str, value: str) -> str:
        if name in _TEXT:
            return self._exact(name, value)
        if name in _PARTS:
            if value.lower() == "none":
                return f"b.{_PARTS[name]} = ''"
            return self._add(f"b.{_PARTS[name]} LIKE ? ESCAPE '\\'", select._like(value))
        if name in _FLAGS:
            if value.lower() not in ("true", "false"):
                raise Usage(f"query: {field} is true or false")
            return f"b.{_FLAGS[name]} = {int(value.lower() == 'true')}"
        if name in ("label", "labels"):
            if value.lower() == "none":
                return "NOT EXISTS (SELECT 1 FROM labels l WHERE l.bead = b.id)"
            return self._add("b.id IN (SELECT l.bead FROM labels l WHERE l.label = ?)", value)
        if name == "parent":
            return self._add(select._KIDS, self.call.resolve(value))
        if name == "has_metadata_key":
            return self._add(select.ONE["has_meta"], value)
        if name.startswith("metadata."):
            return self._add(f"b.id IN ({select._META})", field[9:], value, value)
        raise Usage(
            f"query: no field {field!r}",
            cure="status, priority, type, assignee, label, title, created, metadata.<key> …",
        )

    def _exact(self, name: str, value: str) -> str:
        if name == "status":
            self.statuses = True
            value = values.status(self.call, value)
        elif name == "type":
            value = schema.TYPE_ALIASES.get(value, value)
        elif name == "id" and "*" in value:
            return self._add("b.id LIKE ? ESCAPE '\\'", select._like(value)[1:-1].replace("*", "%"))
        elif value.lower() == "none":
            value = ""
        return self._add(f"b.{_TEXT[name]} = ?", value)


def query(call: "Call") -> None:
    """Beads that fit the expression, closed ones only when --all is given or the expression speaks of status."""
    text = " ".join(call.rest)
    if not text.strip():
        raise Usage("query expression is required")
    parser = Parser(call, text)
    sql = parser.parse()
    if call.opts.get("parse-only"):
        call.say(sql)
        return
    w = select.where({"prefixes": call.prefixes})
    w.add(sql, *parser.args)
    if not (call.opts.get("all") or parser.statuses):
        w.add("b.status <> 'closed'")
    sort = call.opts.get("sort", "priority")
    if sort not in select.SORTS:
        raise Usage(f"cannot sort by {sort!r}", cure=f"one of {', '.join(select.SORTS)}")
    most = pages.limit(call, 50)
    order = select._order(sort, bool(call.opts.get("reverse")))
    tail = f" LIMIT {most + 1}" if most else ""
    rows = call.ledger.store.rows(f"SELECT {schema.SELECT} FROM beads b WHERE {w} ORDER BY {order}{tail}", w.args)
    pages.show(call, rows, most)
