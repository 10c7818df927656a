"""The report of `send` fits a terminal of 80 columns."""

from proxy.cli.report import timing
from proxy.observe.exchange_record import ExchangeRecord
from tests.cases import cases


def record(token: float, connect: float, first_byte: float, relay: float) -> ExchangeRecord:
    """The record of an exchange with these phases, in seconds."""
    found = ExchangeRecord("", "")
    found.token_seconds, found.connect_seconds = token, connect
    found.first_byte_seconds, found.relay_seconds = first_byte, relay
    found.total_seconds = token + connect + first_byte + relay
    return found


@cases(
    "phases, text",
    ((0.009, 0.0021, 0.0044, 0.0001), "15.6 ms: token 9.0, connect 2.1, first byte 4.4, relay 0.1"),
    ((1.2, 1.3, 5.0, 2.4), "9900 ms: token 1200, connect 1300, first byte 5000, relay 2400"),
    ((9.9, 9.9, 600.0, 599.0), "1219 s: token 9.9, connect 9.9, first byte 600, relay 599"),
    ((0.0, 0.0, 0.09996, 0.0), "100 ms: token 0.0, connect 0.0, first byte 100, relay 0.0"),
)
def test_the_time_row_fits_80_columns(phases: tuple[float, float, float, float], text: str) -> None:
    """The total is first; a long exchange is told in seconds."""
    assert timing(record(*phases)) == text
    assert len(f"{'time':<16}{text}") <= 80
