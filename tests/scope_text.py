"""The steps of a scope as a formula writes them: a body, two members in turn, a cleaning that always runs."""

from __future__ import annotations


def scope(
    first: str = "one",
    second: str = "two",
    clean: str = "clean",
    *,
    name: str = "s",
    role: str = "member",
    more: str = "",
) -> str:
    """`role`: what the first member is; `more`: lines of the second one's own."""

    def step(id: str, needs: str, meta: str, own: str = "") -> str:
        wanted = f"needs = [{needs}]\n" if needs else ""
        return f'[[steps]]\nid = "{id}"\ntitle = "{id.title()}"\n{wanted}{own}metadata = {{ {meta} }}\n'

    def member(role: str) -> str:
        return f'"gc.scope_ref" = "body", "gc.scope_role" = "{role}", "gc.on_fail" = "abort_scope"'

    body = f'"gc.kind" = "scope", "gc.scope_name" = "{name}", "gc.scope_role" = "body"'
    after = '"gc.kind" = "cleanup", "gc.scope_ref" = "body", "gc.scope_role" = "teardown"'
    return "".join(
        (
            step("body", f'"{first}", "{second}"', body),
            step(first, "", member(role)),
            step(second, f'"{first}"', member("member"), more),
            step(clean, '"body"', after),
        )
    )
