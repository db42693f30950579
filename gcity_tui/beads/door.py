"""A `bd` call without a controller: find the ledger, open it, answer, close it."""

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.dialect.call import named
from gcity_tui.model.errors import CityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gcity_tui.beads.ledger import Ledger


LEDGER = ".gc/ledger.db"
OWN = ".beads/ledger.db"

BEYOND = ("mol", "molecule", "cook", "formula", "meta")
"""Words of `bd` that need the city's formulas, or are said in the factory: a ledger alone does not know them."""


def locate(env: "Mapping[str, str]", cwd: str) -> str:
    """The ledger a call means: GC_CITY or BEADS_DIR, else the nearest city or `.beads` of ours above `cwd`; or ""."""
    city = env.get("GC_CITY_PATH") or env.get("GC_CITY") or ""
    places = [f"{city.rstrip('/')}/{LEDGER}"] if city.startswith("/") else []
    if env.get("BEADS_DIR"):
        own = env["BEADS_DIR"].rstrip("/")
        places += [f"{own}/ledger.db", f"{own.removesuffix('/.beads')}/{LEDGER}"]
    at = cwd.rstrip("/")
    while True:
        places += [f"{at}/{LEDGER}", f"{at}/{OWN}"]
        if not at:
            break
        at = at.rpartition("/")[0]
    return next((p for p in places if _is_file(p)), "")


def _is_file(path: str) -> bool:
    from posix import stat

    try:
        return stat(path).st_mode & 0o170000 == 0o100000
    except OSError:
        return False


def run(
    argv: "list[str]", env: "Mapping[str, str]", stdin: bytes, cwd: str, path: str = ""
) -> tuple[int, bytes, bytes]:
    """Answer one call from the file itself. `path` names the ledger; "" looks for it."""
    ledger: Ledger | None = None
    place = path or named(argv, env, cwd) or locate(env, cwd)
    if place and argv[:1] == ["init"] and not _is_file(place):
        place = ""  # it is to be made
    if place:
        from gcity_tui.beads.ledger import Ledger as Opened

        try:
            ledger = Opened.open(place)
        except CityError as e:
            return 1, b"", f"Error: {e}\n".encode()
    try:
        return answer(ledger, argv, env, stdin, cwd)
    finally:
        if ledger is not None:
            ledger.shut()
