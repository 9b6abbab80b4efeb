"""All services and operations, frozen: what answers a method, host and path."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from urllib.parse import unquote

from msgspec import Struct

from simulator.core.memo import Memo
from simulator.core.messages import Request
from simulator.protocol.fields import ErrorCode, Field, walk
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service

APPLE = ".apple.com"
"""How the names of Apple's hosts end."""
_MOST_HOSTS = 256
_LONG_NAME = 20
"""Characters of a name that is long."""
_NO_VALUES: Mapping[str, str] = MappingProxyType({})


class Match(Struct, frozen=True):
    """Which service and operation a request is for; either may be unknown."""

    service: Service | None
    operation: Operation | None
    known_path: bool = False
    """Whether the path exists, be it with other methods."""
    path: Mapping[str, str] = _NO_VALUES
    """The values of the path's parameters."""

    @property
    def may_begin_anew(self) -> bool:
        """Whether something may have to be asked or done first, and the request handled again."""
        operation, service = self.operation, self.service
        return operation is not None and (operation.asks or (service is not None and service.waits))


class _Template(Struct):
    """A path with parameters."""

    key: tuple[int, str]
    fixed: tuple[tuple[int, str], ...]
    """Place and text of the further fixed segments."""
    names: tuple[tuple[int, str], ...]
    """Place and name of the parameters."""
    methods: dict[str, Operation]

    @classmethod
    def of(cls, path: str) -> "_Template":
        first, *rest = segments = path.split("/")[1:]
        if first.startswith("{"):
            raise ValueError(f"the path {path} must start with a fixed segment")
        fixed = [(place, one) for place, one in enumerate(rest, 2) if not one.startswith("{")]
        names = [(place, one[1:-1]) for place, one in enumerate(rest, 2) if one.startswith("{")]
        return cls((len(segments) + 1, first), tuple(fixed), tuple(names), {})


class Catalogue:
    """The services with their operations, compiled for look-up."""

    def __init__(self, services: Iterable[tuple[Service, Iterable[Operation]]]) -> None:
        """Take each service with its operations; ValueError if two of them collide."""
        self.services: dict[str, Service] = {}
        self.operations: dict[str, Operation] = {}
        self._routes: dict[str, dict[str, Operation]] = {}
        self._templates: dict[tuple[int, str], list[_Template]] = {}
        """Paths with parameters, by how many segments they have and the first, which is fixed."""
        self._hosts: dict[str, Service] = {}
        self._sent_hosts: Memo[str, Service | None] = Memo(_MOST_HOSTS)
        """Whom the Host headers name that were seen lately: clients repeat them."""
        self._answered: dict[str, frozenset[str]] = {}
        for service, operations in services:
            self.services[service.name] = service
            self._hosts |= dict.fromkeys(service.hosts, service)
            for operation in operations:
                self._add(operation)
                self._refuse_unlisted(operation)

    def _add(self, operation: Operation) -> None:
        if operation.name in self.operations:
            raise ValueError(f"two operations are called {operation.name}")
        self.operations[operation.name] = operation
        for path in (operation.path, *operation.aliases):
            self._route(path, operation)

    def _refuse_unlisted(self, operation: Operation) -> None:
        """Raise ValueError if *operation* names an error or a way that is not listed."""
        service = self.services[operation.service]
        ways = {"", *service.authenticate, *service.recognise}
        if operation.auth not in ways:
            raise ValueError(
                f"{operation.name}: no way to authenticate is called {operation.auth}: "
                f"{service.name} has {', '.join(sorted(ways - {''})) or 'none'}"
            )
        listed = {service.malformed, *self.errors(operation)}
        for row in walk(self.rows(operation)):
            for error in (row.missing, row.invalid):
                if error is not None and error not in listed:
                    raise ValueError(
                        f"{operation.name}: {row.name} is refused with {error.code}, which the "
                        "operation does not list: add the row to its errors"
                    )

    def _route(self, path: str, operation: Operation) -> None:
        if path not in self._routes and "{" in path:
            template = _Template.of(path)
            self._templates.setdefault(template.key, []).append(template)
            self._routes[path] = template.methods
        methods = self._routes.setdefault(path, {})
        for method in operation.methods:
            if method in methods:
                raise ValueError(f"two operations serve {method} {path}")
            methods[method] = operation

    def match(self, request: Request) -> Match:
        """Find the operation that *request* is for."""
        return self.find(request.method, request.target, request.header("host") or "")

    def find(self, method: str, target: str, host: str) -> Match:
        """Find the operation by path; one of Apple's host names narrows it to that service."""
        named = self._named(host)
        path = target.partition("?")[0]
        # A template itself is no path: it would have no values.
        methods, values = None if "{" in path else self._routes.get(path), _NO_VALUES
        if methods is None:
            methods, values = self._by_template(path)
        if methods is None:
            return Match(named, None)
        operation = methods.get(method)
        service = self.services[next(iter(methods.values())).service]
        if named is not None and named is not service:
            return Match(named, None)
        return Match(service, operation, known_path=True, path=values)

    def serves(self, host: str) -> bool:
        """Tell whether a service stands in for *host*, in lower case."""
        return host in self._hosts

    def _named(self, sent: str) -> Service | None:
        """Return the service that a Host header names, or None."""
        if sent in self._sent_hosts:
            return self._sent_hosts[sent]
        host = sent.lower().rpartition("@")[2].partition(":")[0]
        return self._sent_hosts.keep(sent, self._hosts.get(host))

    def _by_template(self, path: str) -> tuple[dict[str, Operation] | None, Mapping[str, str]]:
        segments = path.split("/")
        for one in self._templates.get((len(segments), segments[1] if path[:1] == "/" else ""), ()):
            for place, text in one.fixed:
                if segments[place] != text:
                    break
            else:
                return one.methods, {name: unquote(segments[place]) for place, name in one.names}
        return None, _NO_VALUES

    def errors(self, operation: Operation) -> tuple[ErrorCode, ...]:
        """Return the error rows that *operation* can give: its own, then its service's."""
        return operation.errors + self.services[operation.service].errors

    def rows(self, operation: Operation) -> tuple[Field, ...]:
        """Return the rows of a request: the service's headers, then the operation's own."""
        return self.services[operation.service].headers + operation.request

    def answered(self, service: str) -> frozenset[str]:
        """Return the places of all fields in the service's answers, such as ``/urls/uri``."""
        if service not in self._answered:
            self._answered[service] = frozenset(
                place
                for operation in self.operations.values()
                if operation.service == service
                for place in _places(operation.response, "")
            )
        return self._answered[service]

    @cached_property
    def long_names(self) -> frozenset[str]:
        """Long names of fields, and long segments of paths."""
        found: set[str] = set()
        for operation in self.operations.values():
            found |= {row.name for row in walk((*operation.request, *operation.response))}
            found |= set(operation.path.split("/"))
        return frozenset(name for name in found if len(name) >= _LONG_NAME)

    @cached_property
    def error_codes(self) -> dict[str, ErrorCode]:
        """All error rows by code, the first of each code."""
        rows: dict[str, ErrorCode] = {}
        for operation in self.operations.values():
            for row in self.errors(operation):
                rows.setdefault(row.code, row)
        return rows


def _places(rows: Iterable[Field], above: str) -> Iterator[str]:
    for row in rows:
        yield f"{above}/{row.name}"
        yield from _places((row.parts() or {}).values(), f"{above}/{row.name}")
