"""What a device does, step by step, without doing any I/O itself.

A flow is a generator: it yields a step and gets the step's result, as in

    received = yield from send("PUT", url, body)

Whoever hosts the device performs the steps (`simulator.devices.hosting`);
a test may do so without any network.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct, field

from simulator.devices.identity import Identity

OK = 200


class Send(Struct, frozen=True, kw_only=True):
    """Send an HTTP request to the MDM, or to a server that it names."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    purpose: str
    """What for: ``enrol``, ``web``, ``scep``, ``check-in``, ``connect``, ``asset`` ..."""
    identity: Identity | None = None
    """The client certificate to show in TLS, where the profile asks for no signatures."""
    roots: tuple[bytes, ...] = ()
    """Certificates, DER, that the device trusts beside the system's: its profiles' and anchors."""
    redirects: bool = False
    """Whether redirects are followed and cookies are kept, as in a web view."""


class FlowResponse(Struct, frozen=True):
    """What came back: a response, or why there is none."""

    status: int = 0
    """0: none came."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""
    problem: str = ""
    """Why no response came: the server cannot be reached, its certificate is not trusted ..."""
    url: str = ""
    """Where it came from in the end."""

    @property
    def content_type(self) -> str:
        """The media type, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Apple(Struct, frozen=True):
    """Ask Apple, in whose place the simulator's control API answers; *path* is below /api/v1."""

    method: str
    path: str
    body: Any = None
    """Sent as JSON, or as it is where it is bytes."""


class Pause(Struct, frozen=True):
    """Wait for a time of the simulator's clock."""

    seconds: float


class Save(Struct, frozen=True):
    """Keep the device as it is: what the server is told next holds after a power failure too."""


class NewKey(Struct, frozen=True):
    """Make an RSA key, which takes long."""

    bits: int
    shared: bool = False
    """Whether it may be a key that another device has too: their certificates differ anyway."""


class Compute(Struct, frozen=True):
    """Do *work*, which takes long: other devices go on meanwhile. It may raise an error."""

    work: Callable[[], Any]


T = TypeVar("T")
Step = Send | Apple | Pause | Save | NewKey | Compute
Flow = Generator[Step, Any, T]


def perform(step: Send | Apple) -> Flow[FlowResponse]:
    """Perform an exchange and return what came back."""
    received: FlowResponse = yield step
    return received


def pause(seconds: float) -> Flow[None]:
    """Wait."""
    yield Pause(seconds)


def save() -> Flow[None]:
    """Keep the device as it is."""
    yield Save()


def new_key(bits: int, *, shared: bool = False) -> Flow[rsa.RSAPrivateKey]:
    """Make a key."""
    key: rsa.RSAPrivateKey = yield NewKey(bits, shared)
    return key


def compute(work: Callable[[], T]) -> Flow[T]:
    """Do *work* and return its result."""
    result: T = yield Compute(work)
    return result
