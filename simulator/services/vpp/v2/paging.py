"""Pages of v2: by index, of a size that the service decides (D-page)."""

from collections.abc import Callable

from simulator.core.state import Body, Entity, State
from simulator.protocol.lookups import Read, list_page
from simulator.protocol.operations import Call, NeedsPieces
from simulator.services.vpp import errors, quirks
from simulator.services.vpp.checks import broken, whole
from simulator.services.vpp.domain.licences import all_changed, all_of
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.v2 import versions

STARTS = "vpp.page-starts"


def changed_since(call: Call, location: Location, name: str, kind: str) -> Read | None:
    """Return what reads the changes since the version that the client names, if it names one."""
    text = call.query.get("sinceVersionId")
    if text is None:
        return None
    revision = versions.since(call.secret, call.state, location, name, text)
    if revision is None:
        broken(call, errors.VERSION_INVALID, "sinceVersionId", "send a versionId of this list")
        return None
    return all_changed(location.kind(kind), revision, versions.number(call.state, location, name))


def page(
    call: Call,
    location: Location,
    name: str,
    records: Read | str,
    *,
    keep: Callable[[State, Entity], bool] | None = None,
) -> tuple[list[Entity], Body]:
    """Return the entities of the page that was asked for, and the fields about it.

    *name* is the list whose version it is. *records* reads its candidates, or is the
    kind of all of them; *keep* chooses among them.
    """
    index, size = whole(call, "pageIndex") or 0, call.settings.vpp_page_size
    first, version = index * size, versions.number(call.state, location, name)
    if isinstance(records, str) and keep is None:
        total = call.state.count(records)
        rows = _part(call, location, name, records, index) if first < total else []
    else:
        read = all_of(records) if isinstance(records, str) else records
        listed = list_page(
            call,
            name,
            read,
            lambda state, some: [keep is None or keep(state, one) for one in some],
            range(first, first + size),
            version,
        )
        total, rows, version = listed.total, [one for _, one in listed.rows], listed.version
    pages = max(-(-total // size), 1)
    if index >= pages:
        text = f"the last page is {pages - 1}: page while nextPageIndex is there"
        broken(call, errors.PAGE_OUT_OF_RANGE, "pageIndex", text, rule="vpp-semantics")
    if index and call.has(quirks.VERSION_MOVES):
        versions.touch(call.state, location, name)
        version = versions.number(call.state, location, name)
    body: Body = {"currentPageIndex": index}
    if index + 1 < pages:
        body["nextPageIndex"] = index + 1
    body |= {
        "size": len(rows),
        "totalPages": pages,
        "versionId": versions.uuid_of(call.secret, f"{location.uid}/{name}", version),
    }
    return rows, body


class _Start:
    """The place after which page *index* of all of a kind begins, as far as it is known.

    Where pages start is kept with the version of the list that it holds for,
    so that the last page costs no more than the first.
    """

    def __init__(self, location: Location, name: str, kind: str, index: int, size: int) -> None:
        self._location, self._name, self._kind = location, name, kind
        self._index, self._size = index, size
        self._key = f"{location.id}/{name}"
        self._starts = [""]
        self._version: int | None = None
        """The version of the list that they hold for: no other is told of them."""

    @property
    def is_complete(self) -> bool:
        """Whether it is known."""
        return len(self._starts) > self._index

    @property
    def after(self) -> str:
        """The key after which the page begins, once that is known."""
        return self._starts[self._index]

    def recall(self, own: State) -> int:
        """Take over what is kept of the list as it is now; return that version."""
        version = versions.number(own, self._location, self._name)
        if self._version is None:
            self._version = version
        kept = own.get(STARTS, self._key)
        known: Body = {} if kept is None else kept.body
        if known.get("version") == version and known.get("size") == self._size:
            self._starts = max(self._starts, known["after"], key=len)
        return version

    def go_on(self, state: State) -> bool:
        """Go one page on from the last whose start is known; return whether that is it."""
        own = state.of(self._location.organisation)
        version = self.recall(own)
        if not self.is_complete:
            keys = own.keys(self._kind, after=self._starts[-1], limit=self._size)
            self._starts = [*self._starts, keys[-1] if keys else self._starts[-1]]
            if version == self._version:
                body = {"version": version, "size": self._size, "after": self._starts}
                own.put(STARTS, self._key, body)
        return self.is_complete


def _part(call: Call, location: Location, name: str, kind: str, index: int) -> list[Entity]:
    """Return page *index* of all of a kind; NeedsPieces while its start is not known."""
    size = call.settings.vpp_page_size
    start = _Start(location, name, kind, index, size)
    if call.lookups is not None:
        start = call.lookups.setdefault(f"{name}/start", start)
    start.recall(call.state)
    while not start.is_complete:
        if call.lookups is not None:
            raise NeedsPieces(start.go_on)
        start.go_on(call.state)
    return call.state.scan(kind, after=start.after, limit=size)
