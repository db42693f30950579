"""`bd create -f FILE.md`: beads from headings. `## Title`, then `### Priority`, `### Type`, `### Description` …

The format is bd's (`cmd/bd/markdown.go`): text right under the title is the description too.
"""

from gcity_tui.beads.dialect import items, make, values
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_SECTIONS = {
    "description": "description",
    "design": "design",
    "acceptance criteria": "acceptance_criteria",
    "acceptance": "acceptance_criteria",
    "notes": "notes",
    "assignee": "assignee",
    "priority": "priority",
    "type": "type",
    "labels": "labels",
    "dependencies": "deps",
    "deps": "deps",
}


def parse(text: str) -> "list[dict[str, str]]":
    """Markdown → [{title, section: text …}]; what stands above the first `##` is left out."""
    found: list[dict[str, str]] = []
    section, fence = "", False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fence = not fence
        if not fence and line.startswith("## "):
            found.append({"title": line[3:].strip()})
            section = "description"
        elif not fence and line.startswith("### ") and found:
            section = _SECTIONS.get(line[4:].strip().lower(), "")
            if not section:  # a heading of the author's own stays part of the description
                section = "description"
                _add(found[-1], section, line)
        elif found:
            _add(found[-1], section, line)
    return [{k: v.strip() for k, v in one.items()} for one in found]


def _add(one: "dict[str, str]", section: str, line: str) -> None:
    one[section] = f"{one[section]}\n{line}" if section in one else line


def create(call: "Call") -> None:
    """All beads of the file or none."""
    wanted = parse(call.text(call.opts["file"]))
    if not wanted:
        raise Usage("no issues found in markdown file", cure="start each with a line `## Title`")
    plans: list[tuple[str, dict[str, Any], list[str], list[tuple[str, str, str, bool]]]] = []
    for one in wanted:
        texts = ("description", "design", "acceptance_criteria", "notes", "assignee")
        cells: dict[str, Any] = {k: v for k, v in one.items() if k in texts}
        if one.get("priority"):
            cells["priority"] = values.priority(one["priority"])
        if one.get("type"):
            cells["issue_type"] = values.issue_type(call, one["type"])
        labels = [w.lstrip("- ") for w in values.csv(one.get("labels", "").splitlines())]
        links = [w.lstrip("- ") for w in values.csv(one.get("deps", "").splitlines())]
        plans.append((one["title"], cells, labels, make.deps({"deps": links})))
    if call.opts.get("dry-run"):
        for title, cells, _, _ in plans:
            call.say(f"Would create: [{cells.get('issue_type', 'task')}] {items.one_line(title)}")
        return
    prefix = call.prefix

    def run(tx: "Tx") -> list[str]:
        made = []
        for title, cells, labels, links in plans:
            made.append(tx.create(title, prefix=prefix, labels=labels, **cells))
            for target, kind, extra, swap in links:
                make.link(call, tx, made[-1], target, kind, extra, swap)
        return made

    made = call.ledger.transact(run, actor=call.actor)
    rows = items.by_ids(call.ledger.store, made)
    if call.json:
        call.give(items.plain(call.ledger.store, rows))
        return
    call.say(f"✓ Created {len(made)} issues from {items.one_line(call.opts['file'])}")
    for row in rows:
        call.say(f"  {items.line(row)}")
