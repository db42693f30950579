"""Where a city keeps what it runs with: its ledger, its lock, its sockets. Imported on the hot path: nothing heavy."""


def digest(city_path: str) -> str:
    """12 hex digits of the SHA-256 of the city's real path: short enough for a socket's 107 bytes."""
    from hashlib import sha256
    from posixpath import realpath

    return sha256(realpath(city_path).encode()).hexdigest()[:12]


def socket_candidates(key: str, env: "dict[str, str]", uid: int) -> "tuple[str, str]":
    """The two places of the controller's socket for a `digest`: the user's run-time folder, else one in /tmp."""
    run = env.get("XDG_RUNTIME_DIR") or ""
    private = f"/tmp/gcity-tui-{uid}/{key}.sock"
    return (f"{run.rstrip('/')}/gcity-tui/{key}.sock" if run.startswith("/") else private), private


def socket_path(city_path: str, env: "dict[str, str] | None" = None) -> str:
    """The controller's socket: `$XDG_RUNTIME_DIR/gcity-tui/<digest>.sock` when that folder exists, else under /tmp.

    Pure but for one look at the folder: who binds makes the parent folder (0700) and checks that it is the user's own.
    """
    import os

    use = dict(os.environ) if env is None else env
    first, private = socket_candidates(digest(city_path), use, os.getuid())
    run = use.get("XDG_RUNTIME_DIR") or ""
    return first if run.startswith("/") and os.access(f"{run}/.", os.W_OK | os.X_OK) else private


def ledger_path(city_path: str) -> str:
    return f"{city_path.rstrip('/')}/.gc/ledger.db"
