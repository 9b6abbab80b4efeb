"""Pages of v2: by index, of a size that the service decides (D-page)."""

from collections.abc import Callable
from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.protocol.lookups import Read, list_page
from simulator.protocol.operations import Call
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
    show: Callable[[Entity], Any],
) -> tuple[list[Any], Body]:
    """Return the records of the page that was asked for, and the fields about it.

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
    return [show(one) for one in rows], body


def _part(call: Call, place: Location, name: str, kind: str, index: int) -> list[Entity]:
    """Return page *index* of all of a kind, starting from the nearest page whose start is known.

    Where pages start is kept with the version of the list that it holds for,
    so that the last page costs no more than the first.
    """
    size, version = call.settings.vpp_page_size, versions.number(call.state, place, name)
    key = f"{place.id}/{name}"
    kept = call.state.get(STARTS, key)
    known = kept.body if kept is not None else {}
    starts: list[str] = [""]
    if known.get("version") == version and known.get("size") == size:
        starts = known["after"]
    page, count = min(index, len(starts) - 1), len(starts)
    found = call.state.scan(kind, after=starts[page], limit=size)
    while found:
        if page + 1 == len(starts):
            starts = [*starts, found[-1].key]
        if page == index:
            break
        page += 1
        found = call.state.scan(kind, after=starts[page], limit=size)
    if len(starts) > count:
        call.state.put(STARTS, key, {"version": version, "size": size, "after": starts})
    return found
