"""The text of `.gc/bin/bd` and `.gc/bin/gc`: a script that asks the controller over its socket, in a bare interpreter's
time.
"""

from gcity_tui.beads.door import BEYOND
from gcity_tui.beads.schema import LEASE
from gcity_tui.model.paths import digest, ledger_path

_SHIM = """#!{python} -IS
# {tool} of the city {city!r}: asks its controller, or answers by itself when none runs. Written by gcity-tui.
import sys
from posix import environ, getcwd, getuid, urandom, write

import _socket

CITY, KEY, PACKAGE, KIND = {city!r}, {key!r}, {package!r}, {kind!r}


def put(b):
    return len(b).to_bytes(4, "big") + b


def get(s, n):
    parts = []
    while n:
        part = s.recv(min(n, 1 << 20))
        if not part:
            raise OSError("the controller hung up")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def places():
    run = environ.get(b"XDG_RUNTIME_DIR", b"").rstrip(b"/")
    if run.startswith(b"/"):
        yield run + b"/gcity-tui/" + KEY.encode() + b".sock"
    yield b"/tmp/gcity-tui-%d/%s.sock" % (getuid(), KEY.encode())


def dial():
    s = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    s.settimeout(5)
    for place in places():
        try:
            s.connect(place)
        except OSError:
            continue
        # Who listens in a place that anyone may write to must be the same user, or it learns our environment.
        cred = s.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        if int.from_bytes(cred[4:8], sys.byteorder) == getuid():
            return s
        s.close()
        break
    return None


def again(args):
    # Whether asked twice does what asked once does: then an answer that was lost may be asked for anew.
    words = [a for a in args if a != "--json"]
    if words[:1] == ["bd"]:
        del words[0]
    one, two = (words + ["", ""])[:2]
    if any(a.startswith(("--append", "--continue", "--claim-next")) for a in words):
        return False
    if one in ("mail", "nudge"):
        return two in ("check", "inbox", "read", "status")
    if one == "hook":
        return two != "run"
    if "--claim" in words:
        return one == "update"
    return one in {again}


def ask(s, body):
    s.settimeout({deadline})
    s.sendall(put(body))
    return get(s, int.from_bytes(get(s, 4), "big"))


def body(args, given):
    env = b"\\0".join(k + b"=" + v for k, v in environ.items())
    raw = [a.encode("utf-8", "surrogateescape") for a in args]
    return b"".join(map(put, [KIND, getcwd().encode("utf-8", "surrogateescape"), env, given, *raw]))


def shown(out):
    # Texts for an agent: they count as said once all of them are out, and wait on when nothing is. Of what went out
    # in part, or of whose end we do not live to tell, the city says that it is not known.
    done = 0
    try:
        while done < len(out):
            done += write(1, out[done:])
    except OSError as e:
        try:
            write(2, b"Error: what waits for this session could not be printed (%s)\\n" % str(e).encode())
        except OSError:
            pass
        return 141 if done else tell("--unprinted", 141)
    return tell("--printed", 0)


def tell(word, code):
    args = ["nudge", "drain", word]
    for _ in range(3):
        s = dial()
        if s is None:
            return alone(args, b"")
        try:
            ask(s, body(args, b""))
            return code
        except OSError:
            s.close()
    return code


def main():
    args = sys.argv[1:]
    taking = KIND == b"gc" and any(args[n : n + 2] == ["nudge", "drain"] for n in range(4))
    if taking:
        if sys.stdout is None:  # nothing is asked for that cannot be printed
            return 74
        environ[b"{lease}"] = urandom(12).hex().encode()
    reads = any(a == "-" or a.endswith("=-") or a in ("--stdin", "--hook") for a in args)
    given = sys.stdin.buffer.read() if reads and not sys.stdin.isatty() else b""
    left = 3 if taking or again(args) else 1
    while True:
        s = dial()
        if s is None:
            # None runs, or it was killed while it was asked: the ledger itself is asked then.
            return alone(args, given)
        left -= 1
        try:
            answer = ask(s, body(args, given))
            break
        except OSError as e:
            s.close()
            if left and not isinstance(e, TimeoutError):
                continue
            sys.stderr.write("Error: the controller did not answer (%s); look before you try again\\n" % e)
            return 75
    fields = []
    while answer:
        n = int.from_bytes(answer[:4], "big")
        fields.append(answer[4 : 4 + n])
        answer = answer[4 + n :]
    if fields[0] == b"exec":  # better done in a process of one's own
        return alone([f.decode("utf-8", "surrogateescape") for f in fields[1:]], given)
    if taking and fields[1]:
        return shown(fields[1])
    sys.stdout.buffer.write(fields[1])
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(fields[2])
    return int(fields[0])


def alone(args, given):
    sys.path.insert(0, PACKAGE)
    {alone}


try:
    code = main()
    if sys.stdout is not None:
        sys.stdout.flush()
except BrokenPipeError:
    code = 141
from posix import _exit
try:
    sys.stderr.flush()
finally:
    _exit(code)
"""
_PROGRAM = """from posix import dup2, execve, lseek, memfd_create, write
    # The whole program answers, with its own site packages. What was given is given on; an open pipe that nobody
    # writes to is not.
    told = memfd_create("given")
    while given:
        given = given[write(told, given) :]
    lseek(told, 0, 0)
    dup2(told, 0)
    words = [<python>, "-P", "-m", "gcity_tui", <tool>, *args]
    place = CITY.encode()
    execve(words[0], words, {**environ, b"GC_CITY": place, b"GC_CITY_PATH": place, b"PYTHONPATH": PACKAGE.encode()})
    return 127"""
_LEDGER = """if not any(word in <words> for word in args[:4]):
        from gcity_tui.beads.door import run
        env = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in environ.items()}
        code, out, err = run(args, env, given, getcwd(), <ledger>)
        sys.stdout.buffer.write(out)
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(err)
        return code
    """
"""What the ledger itself answers, in a bare interpreter's time; the rest is the program's."""
DEADLINE = 120
"""Seconds a shim waits for the controller's answer; Gas City gives its own bd calls as long."""
AGAIN = (
    "show", "list", "ready", "blocked", "search", "count", "stats", "status", "update", "close", "prime", "version",
    "review", "runtime", "meta",
)  # fmt: skip
"""Verbs that are asked again when a controller is killed over them. They read, or set what they find set, or (claim,
close, `gc review …`) know the same caller's first time. Others say so and exit 75: what they do may have been done.
"""


def shim_text(city_path: str, python: str, package_parent: str, tool: str = "bd") -> str:
    """The script for `tool` ("bd" or "gc").

    Paths are absolute; `python` must have no blanks in it (it is a `#!` line).
    """
    alone = (_LEDGER if tool == "bd" else "") + _PROGRAM
    said = {"<ledger>": ledger_path(city_path), "<python>": python, "<tool>": tool, "<words>": BEYOND}
    for name, value in said.items():
        alone = alone.replace(name, repr(value))
    fields = {"python": python, "tool": tool, "city": city_path, "key": digest(city_path), "package": package_parent}
    return _SHIM.format(**fields, kind=tool.encode(), alone=alone, deadline=DEADLINE, again=AGAIN, lease=LEASE)
