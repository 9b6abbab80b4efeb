"""Releases: what Apple has posted, and what of it stands in the look-up on a given day.

They belong to no organisation. A day is ``YYYY-MM-DD``, in UTC; such texts are
compared as they are.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from simulator.core.state import Body, State

RELEASE = "gdmf.release"
PLATFORMS = ("iOS", "macOS", "visionOS")
_LISTED = ("gdmf.catalogue", "begun")
_MOST = 100_000


class Release(Struct, frozen=True, kw_only=True):
    """One release for some devices."""

    platform: str
    line: str
    """Releases of one line replace each other for the public: the newest posted counts."""
    version: str
    build: str
    posted: str
    """Day from which on MDM may install it."""
    public_from: str = ""
    """Day from which on the public is offered it; empty: it never is."""
    expires: str = ""
    """Day on which its signing ends; empty: not said."""
    devices: tuple[str, ...]
    extra: str = ""
    """Such as ``(a)``: a background security improvement."""
    prerequisite: str = ""
    """Build that an improvement is for."""

    @property
    def key(self) -> str:
        """Name of it, such as ``ios-27.0.1-24A355-2026-03-01``."""
        return f"{self.platform.lower()}-{self.version}-{self.build}-{self.posted}"

    @classmethod
    def of(cls, body: Body) -> "Release":
        """Make it of what is stored."""
        return cls(**(body | {"devices": tuple(body["devices"])}))

    def asset(self, posted: str) -> Body:
        """Return it as it stands on the wire, *posted* being the date of the list."""
        facts = {
            "ProductVersion": self.version,
            "ProductVersionExtra": self.extra,
            "Build": self.build,
            "PrerequisiteBuild": self.prerequisite,
            "PostingDate": posted,
            "ExpirationDate": self.expires,
        }
        return {
            **{name: value for name, value in facts.items() if value},
            "SupportedDevices": list(self.devices),
        }


def is_begun(state: State) -> bool:
    """Tell whether releases were ever written."""
    return state.of("").has(*_LISTED)


def begin(state: State, releases: Iterable[Release]) -> None:
    """Write the releases that a world begins with."""
    root = state.of("")
    root.put(*_LISTED, {})
    root.put_many(RELEASE, ((one.key, asdict(one), None) for one in releases))


def write(state: State, release: Release) -> None:
    """Write a new or changed release."""
    state.of("").put(RELEASE, release.key, asdict(release))


def delete(state: State, key: str) -> bool:
    """Remove a release, as if Apple had never posted it; return whether it was there."""
    return state.of("").delete(RELEASE, key)


def find(state: State, key: str) -> Release | None:
    """Return a release by its name, or None."""
    found = state.of("").get(RELEASE, key)
    return None if found is None else Release.of(found.body)


def all_of(state: State) -> list[Release]:
    """Return all releases, in order of their names."""
    return [Release.of(one.body) for one in state.of("").scan(RELEASE, limit=_MOST)]


def document(releases: Iterable[Release], day: str) -> dict[str, dict[str, list[Body]]]:
    """Return the look-up's document as it is on *day*: what is posted by then.

    The public's list has the newest release of each line that has not expired;
    the other keeps all, expired ones too. The order says nothing, as in the real one.
    """
    posted = sorted((one for one in releases if one.posted <= day), key=_mixed)
    plain = [one for one in posted if not one.extra]
    public = [one for one in plain if "" < one.public_from <= day and not _is_past(one, day)]
    newest = dict(_newest(public))
    offered = [one for one in public if newest[one.line] == _rank(one)]
    better = [one for one in posted if one.extra and not _is_past(one, day)]
    return {
        "PublicAssetSets": _by_platform((one, one.asset(one.public_from)) for one in offered),
        "AssetSets": _by_platform((one, one.asset(one.posted)) for one in plain),
        "PublicBackgroundSecurityImprovements": _by_platform(
            (one, one.asset(one.posted)) for one in better
        ),
    }


def _by_platform(assets: Iterable[tuple[Release, Body]]) -> dict[str, list[Body]]:
    listed: dict[str, list[Body]] = {platform: [] for platform in PLATFORMS}
    for one, asset in assets:
        listed.setdefault(one.platform, []).append(asset)
    return listed


def _is_past(one: Release, day: str) -> bool:
    return "" < one.expires <= day


def _rank(one: Release) -> Any:
    return one.public_from, [int(part) for part in one.version.split(".")]


def _newest(releases: Iterable[Release]) -> Iterator[tuple[str, Any]]:
    """Yield each line with the rank of its newest release, the last one that is yielded."""
    for one in sorted(releases, key=_rank):
        yield one.line, _rank(one)


def _mixed(one: Release) -> bytes:
    return hashlib.sha256(one.key.encode()).digest()
