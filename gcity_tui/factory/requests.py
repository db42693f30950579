"""What comes over the socket, answered: `bd` and `gc` for agents, verbs for people and dashboards."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

from gcity_tui.factory.bd_door import answer as answer_bd
from gcity_tui.factory.desk import Desk
from gcity_tui.factory.gc_dialect import answer_gc, elsewhere
from gcity_tui.factory.observe import Look
from gcity_tui.factory.service import failure
from gcity_tui.factory.site import Site
from gcity_tui.model.codec import encode
from gcity_tui.model.errors import CityError, Temporary, Usage

VERBS = frozenset({
    "nudge", "receipt", "receipts", "nudge_seen", "interrupt", "draft", "pending", "respond", "start", "stop", "kill",
    "close_session", "reset", "rename", "told", "why", "sling", "loop", "resolve_gate", "read_mail", "send_mail",
    "reply_mail",
})  # fmt: skip
"""Methods of the desk that may be called by name."""


class Requests:
    """`look()` is the loop's last observation, `stop(down=…)` ends the controller."""

    def __init__(self, site: Site, desk: Desk, look: Callable[[], Look | None], stop: Callable[..., None]) -> None:
        self.site, self.desk, self._look, self._stop = site, desk, look, stop

    def answer(self, fields: list[bytes]) -> list[bytes]:
        """One request → the fields of its answer. ValueError: it is none, and the connection is closed."""
        kind = fields[0]
        if kind in (b"bd", b"gc") and len(fields) >= 4:
            return self._dialect(kind, fields)
        if kind == b"call" and len(fields) == 2:
            return [json.dumps(self._call(fields[1]), ensure_ascii=False).encode("utf-8", "replace")]
        raise ValueError("not a request")

    def _dialect(self, kind: bytes, fields: list[bytes]) -> list[bytes]:
        cwd, env, stdin = fields[1].decode("utf-8", "surrogateescape"), fields[2], fields[3]
        argv = [f.decode("utf-8", "surrogateescape") for f in fields[4:]]
        pairs = (p.partition("=") for p in env.decode("utf-8", "surrogateescape").split("\0") if p)
        environ = {k: v for k, _, v in pairs}
        try:
            if kind == b"bd":
                code, out, err = answer_bd(self.site.ledger, lambda: self.site.declared, argv, environ, stdin, cwd)
            elif (own := elsewhere(argv, self.site.ledger.latest_seq)) is not None:
                return [b"exec", *(w.encode("utf-8", "surrogateescape") for w in own)]
            else:
                code, out, err = answer_gc(
                    str(self.site.path), argv, environ, stdin, cwd, ledger=self.site.ledger, declared=self.site.declared
                )
        except Exception as e:
            self.site.log.write(kind.decode(), "error", argv=argv[:4], trace=traceback.format_exc())
            code, out, err = 1, b"", f"{kind.decode()}: {type(e).__name__}: {e}\n".encode("utf-8", "replace")
        return [str(code).encode(), out, err]

    def _call(self, body: bytes) -> dict[str, Any]:
        verb = ""
        try:
            asked = json.loads(body)
            verb = str(asked.pop("verb", ""))
            return {"ok": encode(self._do(verb, asked))}
        except CityError as e:
            return {"error": failure(e)}
        except TypeError as e:
            return {"error": failure(Usage(f"{verb}: {e}"))}
        except Exception as e:
            self.site.log.write("call", "error", verb=verb, trace=traceback.format_exc())
            return {"error": failure(e)}

    def _do(self, verb: str, args: dict[str, Any]) -> Any:
        if verb == "ping":
            return {"city": str(self.site.path), "name": self.site.declared.name}
        if verb == "snapshot":
            look = self._look()
            if look is None:
                raise Temporary("the controller has not looked yet", cure="try again in a moment", retry_after=0.1)
            return look.snapshot
        if verb == "down":
            self._stop(down=True)
            return "going down"
        if verb not in VERBS:
            raise Usage(f"no verb {verb!r}")
        return getattr(self.desk, verb)(**args)
