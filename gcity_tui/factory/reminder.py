"""How text is marked for an agent's own hook. Hot: nothing is imported."""

MARK = "system-reminder"


def reminder(text: str) -> str:
    """Text for an agent's hook, as its program marks what is no person's word. Nothing in it can end the mark."""
    return f"<{MARK}>\n{unmarked(text)}\n</{MARK}>"


def unmarked(text: str) -> str:
    """`text` in which no `<` begins a mark, however it is spelled: a model reads `</System-Reminder >` as one too."""
    first, *rest = text.split("<")
    opens = ("[" if part.lstrip(" \t\r\n/\\").lower().startswith(MARK) else "<" for part in rest)
    return first + "".join(o + part for o, part in zip(opens, rest, strict=True))
