"""Addresses, networks, sizes, durations, counts, shares and switches."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.parsed_values import (
    Address,
    off_word,
    parse_address,
    parse_count,
    parse_duration,
    parse_frequency,
    parse_network,
    parse_share,
    parse_size,
    parse_switch,
    spelled_size,
)
from tests.cases import cases, grouped_cases


@cases(
    "text, address",
    ("127.0.0.1:8080", Address(host="127.0.0.1", port=8080)),
    ("0.0.0.0:0", Address(host="0.0.0.0", port=0)),
    ("proxy.example.com:65535", Address(host="proxy.example.com", port=65535)),
    ("[::1]:8080", Address(host="::1", port=8080)),
    ("unix:/run/proxy.sock", Address(path=Path("/run/proxy.sock"))),
)
def test_an_address_is_read_and_written_alike(text: str, address: Address) -> None:
    """Its text is what was read."""
    assert parse_address(text) == address
    assert parse_address(address) is address
    assert str(address) == text


@grouped_cases(
    "parse, wrong, text",
    (
        parse_address,
        "address; write host:port",
        ["", "8080", ":8080", "::1:8080", "[::1]", "host", "host:", "host:65536"],
    ),
    (parse_address, "address; write host:port", ["a/b:80", "unix:", "host:٣", None, True]),
    (parse_network, "network; write CIDR", ["", "host", "10.0.0.0/33", True, None]),
    (parse_count, "whole number", ["-1", "1.0", True, "", "9" * 13, None]),
    (parse_share, "share", ["1.1", "-0.1", "10%", True]),
    (parse_switch, "switch; write true or false", ["yes", "1", 1, "", ["true"], {}]),
    (parse_frequency, "rate; write a whole number per second", ["", "50", 50, "0/s", "-1/s"]),
    (parse_frequency, "rate; write a whole number per second", ["1.5/s", "5/d", "5 /s", "5/S", None]),
)
def test_what_is_none_is_refused(parse: Callable[[Any], object], wrong: str, text: Any) -> None:
    """The sentence says how one is written."""
    with pytest.raises(ValueError, match=f"is not a (valid )?{wrong}"):
        parse(text)


def test_a_unix_socket_counts_as_loopback() -> None:
    """Only this machine can reach it."""
    assert Address(path=Path("/run/x")).loopback
    assert Address(host="127.0.0.1", port=1).loopback
    assert not Address(host="0.0.0.0", port=1).loopback


@cases(
    "text, size",
    ("1MiB", 1 << 20),
    ("1.5KiB", 1536),
    ("200 KB", 200_000),
    ("2gb", 2 * 10**9),
    ("0", 0),
    (7, 7),
    (1.9, 1),
    ("5B", 5),
)
def test_a_size_is_bytes(text: Any, size: int) -> None:
    """Without a unit, too; 1000 and 1024 are told apart."""
    assert parse_size(text) == size


@cases("size, told", (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (10 << 30, "10.0 GiB"), (5 << 50, "5120.0 TiB"))
def test_a_size_is_told_in_one_unit(size: int, told: str) -> None:
    """The largest that fits."""
    assert spelled_size(size) == told


@cases(
    "text, seconds",
    ("500ms", 0.5),
    ("10s", 10),
    ("5m", 300),
    ("1.5h", 5400),
    ("1d", 86400),
    ("3", 3),
    (0.00001, 0.00001),
)
def test_a_duration_is_seconds(text: Any, seconds: float) -> None:
    """Without a unit, too."""
    assert parse_duration(text) == pytest.approx(seconds)


NO_QUANTITIES = ["", "x", "-1", -1, "1 parsec", True, None, [1], "1e3", "9" * 400, float("nan"), float("inf")]


@cases("text", *NO_QUANTITIES)
def test_what_is_no_quantity_is_neither_size_nor_duration(text: Any) -> None:
    """Nor are booleans."""
    with pytest.raises(ValueError, match="is not a valid size; write"):
        parse_size(text)
    with pytest.raises(ValueError, match="is not a valid duration; write"):
        parse_duration(text)


def test_the_case_of_a_duration_s_unit_counts() -> None:
    """`M` could be months or minutes."""
    with pytest.raises(ValueError, match="is not a valid duration"):
        parse_duration("5M")


@given(st.integers(min_value=0, max_value=10**12))
def test_a_number_of_bytes_or_seconds_is_itself(number: int) -> None:
    """A number is the same as text and as number."""
    assert parse_size(number) == parse_size(str(number)) == number
    assert parse_duration(number) == parse_duration(str(number)) == float(number)


@cases("text, interval", ("50/s", 0.02), ("600/m", 0.1), ("1/h", 3600))
def test_a_frequency_is_so_many_in_a_time(text: str, interval: float) -> None:
    """By second, minute or hour."""
    frequency = parse_frequency(text)
    assert frequency.interval == interval
    assert parse_frequency(frequency) is frequency


def test_a_network_may_have_host_bits() -> None:
    """An address alone is a network of one."""
    assert parse_network("10.1.2.3/16") == ip_network("10.1.0.0/16")
    assert parse_network("2001:db8::1") == ip_network("2001:db8::1/128")
    assert parse_network(ip_network("10.0.0.0/8")) == ip_network("10.0.0.0/8")


def test_a_count_is_a_whole_number() -> None:
    """Text and number count alike."""
    assert (parse_count("12"), parse_count(0)) == (12, 0)


def test_a_share_lies_between_none_and_all() -> None:
    """Both included."""
    assert (parse_share("0"), parse_share("0.25"), parse_share(1)) == (0.0, 0.25, 1.0)


@cases("text, value", (True, True), (False, False), ("true", True), ("false", False))
def test_a_switch_is_true_or_false(text: Any, value: bool) -> None:
    """So is the text that a variable can give."""
    assert parse_switch(text) is value


@given(st.text() | st.just(value=True) | st.lists(st.text()))
def test_only_false_means_off(value: Any) -> None:
    """YAML reads the word off as false."""
    assert off_word(False) == "off"
    assert off_word(value) == value
