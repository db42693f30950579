"""Frames on the controller's socket: how a shim, a verb and a dashboard speak to a living controller.

A frame is a 4-byte big-endian length and that many bytes; its payload is a list of fields, each again a 4-byte length
and its bytes. No JSON is needed to carry a `bd` call, so the shim can speak it with `_socket` alone.

Requests and their answers:
    [b"bd" | b"gc", cwd, env as KEY=VALUE joined by NUL, stdin, argv…]  → one frame [exit as ASCII, out, err],
                                           or [b"exec", argv…]: the caller's own process carries these words out
    [b"call", JSON {"verb": …, …}]       → one frame [JSON {"ok": …} | {"error": …}]
    [b"watch", JSON {"after": seq}]      → frames [JSON], until either side closes
This module is imported on the hot path: it imports nothing.
"""

LIMIT = 32 * 1024 * 1024
"""Bytes a frame may have; a longer one is refused before it is read."""


def pack(fields: "list[bytes] | tuple[bytes, ...]") -> bytes:
    """Fields → one frame, length included."""
    body = b"".join(len(f).to_bytes(4, "big") + f for f in fields)
    return len(body).to_bytes(4, "big") + body


def unpack(body: bytes) -> "list[bytes]":
    """The payload of a frame (its length taken off) → fields. Raises ValueError when it is torn."""
    fields: list[bytes] = []
    at, end = 0, len(body)
    while at < end:
        size = int.from_bytes(body[at : at + 4], "big")
        at += 4
        if at + size > end:
            raise ValueError("a field is longer than its frame")
        fields.append(body[at : at + size])
        at += size
    return fields


def read(recv: "object", limit: int = LIMIT) -> "list[bytes] | None":
    """One frame through `recv(n) -> bytes` (a socket's), or None at a clean end. ValueError when torn or too long."""
    head = _exactly(recv, 4)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if size > limit:
        raise ValueError(f"a frame of {size} bytes is over the limit of {limit}")
    body = _exactly(recv, size) if size else b""
    if body is None:
        raise ValueError("the frame ends early")
    return unpack(body)


def _exactly(recv: "object", size: int) -> "bytes | None":
    parts: list[bytes] = []
    while size:
        part = recv(min(size, 1 << 20))  # type: ignore[operator]
        if not part:
            if parts:
                raise ValueError("the frame ends early")
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
