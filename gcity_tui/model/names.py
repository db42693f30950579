"""Names: agents, instances, sessions; and durations as Gas City writes them."""

from __future__ import annotations

import re

from gcity_tui.model.errors import Ambiguous, NotFound, Usage

AGENT_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s|d)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def session_name(instance: str) -> str:
    """Instance `rig/eddie-1` → tmux session `rig--eddie-1`; dots and colons are tmux's own, so they become `_`."""
    return re.sub(r"[.:\s]", "_", instance.replace("/", "--"))


def short(instance: str) -> str:
    """`rig/eddie-1` → `eddie-1`."""
    return instance.rsplit("/", 1)[-1]


def rig_of(instance: str) -> str:
    """`rig/eddie-1` → `rig`; a city-level name → ``""``."""
    return instance.rsplit("/", 1)[0] if "/" in instance else ""


def resolve(name: str, known: tuple[str, ...], what: str = "session") -> str:
    """The one of `known` that `name` means: the full name, or a last part that is unique.

    Raises Ambiguous with the candidates, or NotFound with the nearest names.
    """
    if not name:
        raise Usage(f"no {what} named")
    if name in known:
        return name
    fits = tuple(k for k in known if short(k) == name or session_name(k) == name)
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise Ambiguous(name, fits)
    close = nearest(name, tuple(short(k) for k in known) + known)
    cure = f"did you mean {close}?" if close else f"known: {', '.join(known) or 'none'}"
    raise NotFound(f"no {what} {name!r}", cure=cure)


def nearest(word: str, known: tuple[str, ...], most: int = 2) -> str:
    """The known word within `most` edits of `word`, or ``""``."""
    import difflib

    close = [k for k in known if _edits(word, k, most) <= most] or difflib.get_close_matches(word, known, 1, 0.75)
    return min(close, key=lambda k: (_edits(word, k, 9), k)) if close else ""


def _edits(a: str, b: str, most: int) -> int:
    if abs(len(a) - len(b)) > most:
        return most + 1
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (ca != cb))
    return row[-1]


def socket_name(city_name: str, city_path: str) -> str:
    """The city's tmux socket (`-L`): `gcity-<name>-<6 hex of the path's hash>`."""
    import hashlib  # loads OpenSSL: not for those who only shorten a name

    digest = hashlib.sha256(city_path.encode()).hexdigest()[:6]
    return f"gcity-{re.sub(r'[^A-Za-z0-9_-]', '_', city_name)}-{digest}"


def seconds(duration: str) -> float:
    """Go duration (`1h30m`, `500ms`, also `7d`) → seconds. Raises Usage when it is none."""
    text = duration.strip()
    if text in ("0", ""):
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise Usage(f"not a duration: {duration!r}", cure="write it as 30s, 5m, 1h30m")
    return sum(float(n) * _UNITS[u] for n, u in parts)


def bead_prefix(name: str) -> str:
    """Prefix of a rig's or city's beads, as Gas City derives it: initials of two or more parts, else a short head.

    `-py`/`-go` are stripped, parts split at `-`, `_` and camelCase; one part of ≤ 3 characters stays as it is.
    """
    base = re.sub(r"-(py|go)$", "", name)
    parts = [p for piece in re.split(r"[-_.\s]+", base) for p in re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", piece)]
    if len(parts) > 1:
        return "".join(p[0] for p in parts).lower()
    only = (parts[0] if parts else "gc").lower()
    return only if len(only) <= 3 else only[:2]
