"""Where TLS records end."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.records import RecordEnds


def record(size: int) -> bytes:
    """A record with so many octets of content."""
    return b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size)


@given(sizes=st.lists(st.integers(0, 700), max_size=6), places=st.lists(st.integers(0, 4300), max_size=12))
def test_it_is_whole_at_the_ends_of_records_and_nowhere_else(sizes: list[int], places: list[int]) -> None:
    """However the octets are cut."""
    octets = b"".join(map(record, sizes))
    ends = {0, *accumulate(len(record(size)) for size in sizes)}
    records = RecordEnds()
    assert records.whole

    cuts = sorted({0, len(octets), *(place for place in places if place < len(octets))})
    for begin, end in pairwise(cuts):
        records.follow(memoryview(octets)[begin:end])
        assert records.whole == (end in ends)
