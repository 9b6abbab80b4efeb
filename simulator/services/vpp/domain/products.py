"""The catalogue of invented apps and books, from which managers buy and clients look up."""

from msgspec import Struct
from msgspec.structs import asdict

from simulator.core.state import Body, Entity, State

PRODUCT = "vpp.product"
KINDS = {"App": 8, "Mac": 7, "Book": 10}
"""The productTypeId of v1 by kind of product."""


class StoreProduct(Struct, frozen=True):
    """One app or book of the store."""

    adam_id: str
    name: str
    kind: str
    """``App``, ``Mac`` (Mac software) or ``Book``."""
    bundle_id: str = ""
    seller: str = "Example Publisher"
    genre: str = "Education"
    platforms: tuple[str, ...] = ("iOS",)
    price: float = 0.0
    version: str = "1.0.0"
    device_assignable: bool = True
    custom: bool = False
    """Whether it is a custom app, of this organisation's only."""

    @classmethod
    def of(cls, entity: Entity) -> "StoreProduct":
        """Make it of what is stored."""
        body = dict(entity.body)
        body["platforms"] = tuple(body["platforms"])
        return cls(**body)

    def body(self) -> Body:
        """Return what is stored."""
        return asdict(self)

    @property
    def book(self) -> bool:
        """Whether it is a book: irrevocable, and for users only."""
        return self.kind == "Book"


def put_product(state: State, product: StoreProduct) -> None:
    """Write a product of the store, which is one for all organisations."""
    state.of("").put(PRODUCT, product.adam_id, product.body())


def find_product(state: State, adam_id: str) -> StoreProduct | None:
    """Return a product of the store, or None."""
    found = state.of("").get(PRODUCT, adam_id) if adam_id else None
    return None if found is None else StoreProduct.of(found)
