"""How text is marked for an agent's own hook. Hot: nothing is imported."""


def reminder(text: str) -> str:
    """Text for an agent's hook, as its program marks what is no person's word. Nothing in it can end the mark."""
    safe = text.replace("<system-reminder>", "[system-reminder]").replace("</system-reminder>", "[/system-reminder]")
    return f"<system-reminder>\n{safe}\n</system-reminder>"
