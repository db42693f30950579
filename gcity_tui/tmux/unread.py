"""How much input a terminal's program has not read yet: asked of the terminal itself, nothing is read."""

from __future__ import annotations

import array
import fcntl
import os
import termios


def unread(tty: str) -> int:
    """Bytes in the input queue of the terminal `tty` (`/dev/pts/7`); 0 where it cannot be asked. See tty_ioctl(4)."""
    if not tty.startswith("/dev/"):
        return 0
    try:
        handle = os.open(tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        count = array.array("i", [0])
        fcntl.ioctl(handle, termios.FIONREAD, count)
        return count[0]
    except OSError:
        return 0
    finally:
        os.close(handle)
