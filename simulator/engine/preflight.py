"""What comes before the operation: whether a request is whole, and for anything that there is."""

from simulator.core.messages import Exchange, Finding, Request, Response
from simulator.protocol.catalogue import APPLE, Catalogue, Match
from simulator.protocol.operations import ApiError, Call, Operation
from simulator.protocol.service import Service

_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


def nothing(service: Service | None) -> Operation:
    """Return what stands for the operation where a path has none."""
    return Operation("" if service is None else f"{service.name}.", (), "", "", lambda _: None)


def unmatched(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Answer a request that is for no service of *catalogue*, and say what it was."""
    if exchange.request.problem:
        status, rule = _PROBLEMS[exchange.request.problem]
        about = exchange.request.problem_about
    else:
        status, rule, about = _nowhere(exchange.request, catalogue)
    exchange.findings.append(Finding(rule, "path", "", about, refused=True))
    exchange.error = rule
    return Response(status, _TEXT, f"mdmsim: {about}\n".encode(), close=True)


def _nowhere(request: Request, catalogue: Catalogue) -> tuple[int, str, str]:
    """Return status, rule and sentence for a request that no service is there for."""
    tunnel = request.method == "CONNECT"
    authority = request.target if tunnel else request.header("host") or ""
    host = authority.lower().partition(":")[0].removesuffix(".")
    if host.endswith(APPLE) and not catalogue.serves(host):
        about = "mdmsim does not simulate this host of Apple's yet"
        return 403 if tunnel else 404, "host-not-simulated", about
    if tunnel:
        return 403, "host-unknown", "the proxy stands in for Apple's hosts only, and relays nowhere"
    return 404, "path-unknown", "no service has this path: is the base URL of the client right?"


_PROBLEMS = {
    "malformed": (400, "http-malformed"),
    "truncated": (400, "body-truncated"),
    "too-large": (413, "body-too-large"),
}


def receive(call: Call, match: Match, service: Service) -> None:
    """Take the request as a whole: which version, is it complete, is it for an operation."""
    request, findings = call.request, call.exchange.findings
    call.exchange.version_sent, call.version = service.version(call)
    call.exchange.version = call.version
    if request.problem:
        _, rule = _PROBLEMS[request.problem]
        findings.append(Finding(rule, "body", "", request.problem_about, refused=True))
        raise ApiError(service.too_large if request.problem == "too-large" else service.malformed)
    if match.operation is None:
        _refuse_path(call, match, service)
    for name in _repeated(call):
        text = "send the header once; the first one counts"
        findings.append(Finding("header-repeated", "header", name, text))
    service.gate(call)


def _refuse_path(call: Call, match: Match, service: Service) -> None:
    findings = call.exchange.findings
    methods = service.methods
    if match.known_path or (methods and call.request.method not in methods):
        text = "the path has no such method"
        findings.append(Finding("method-unknown", "path", "", text, refused=True))
        raise ApiError(service.not_allowed, text)
    text = "no operation has this path"
    findings.append(Finding("path-unknown", "path", "", text, refused=True))
    raise ApiError(service.not_found, text)


_ONCE = {
    "authorization",
    "content-length",
    "content-type",
    "content-encoding",
    "host",
    "user-agent",
    "x-adm-auth-session",
    "x-server-protocol-version",
}


def _repeated(call: Call) -> list[str]:
    if len(call.names) == len(call.request.headers):
        return []
    names = [name.lower() for name, _ in call.request.headers]
    return [name for name in dict.fromkeys(names) if name in _ONCE and names.count(name) > 1]
