"""Exchanges as they are stored: what each is found by, and the whole of it."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from simulator.core.messages import Exchange
from simulator.core.state import Guard
from simulator.store.errors import StoreError

_ENCODER = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(Exchange).decode


def decode(seq: int, record: bytes) -> Exchange:
    """Return the exchange of *record*, which is stored under the number *seq*.

    StoreError if it cannot be read: it is no longer what `row_of` gave.
    """
    try:
        exchange = _DECODE(record)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError) as error:
        raise StoreError(f"exchange {seq} cannot be read: it is damaged", "damaged") from error
    # Whoever pages goes on from this number: it has to be the one that rows are ordered by.
    exchange.seq = seq
    return exchange


def rows_of(exchanges: Sequence[Exchange], guard: Guard | None = None) -> Iterator[tuple[Any, ...]]:
    r"""Yield the columns of each exchange: what is searched by, and the whole of it.

    What *guard* finds of secrets is in neither.

    Half surrogate pairs, which UTF-8 cannot say and no transport lets through,
    are written out as ``\udc80``: an odd text is no reason to lose an exchange.
    """
    found, records = list(exchanges), []
    for place, exchange in enumerate(exchanges):
        try:
            record = _ENCODER.encode(exchange)
        except UnicodeEncodeError:
            plain = msgspec.to_builtins(exchange, builtin_types=(bytes,))
            found[place] = msgspec.convert(_written_out(plain), Exchange)
            record = _ENCODER.encode(found[place])
        records.append(record)
    if guard is not None:
        for place, cleaned in guard.cleaned(found, records).items():
            found[place], records[place] = cleaned, _ENCODER.encode(cleaned)
    for exchange, record in zip(found, records, strict=True):
        yield (*columns_of(exchange), record)


def row_of(exchange: Exchange, guard: Guard | None = None) -> tuple[Any, ...]:
    """Return the columns of one exchange, as `rows_of` gives them."""
    return next(rows_of((exchange,), guard))


def columns_of(exchange: Exchange) -> tuple[Any, ...]:
    """Return what an exchange is searched by."""
    # Next to the rules stand the other words that it can be found by.
    rules = ""
    if exchange.findings or exchange.faults or exchange.session:
        words = [finding.rule for finding in exchange.findings]
        words += [f"fault:{touch.fault}" for touch in exchange.faults]
        words += [f"session:{exchange.session}"] * bool(exchange.session)
        rules = f" {' '.join(words)} "
    return (
        exchange.seq,
        exchange.at_ms,
        exchange.organisation,
        exchange.client,
        exchange.service,
        exchange.operation,
        exchange.response.status,
        exchange.error,
        rules,
        exchange.route,
        f"{exchange.request.method} {exchange.request.target}",
    )


def _written_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written_out(item) for item in value]
    return value
