"""Fields that may contain a credential are shown by name only."""

import pytest

from proxy.observe.masking import masked_field


@pytest.mark.parametrize("line", ["X-Key: s3cr3t", "X-Key:s3cr3t", "X-Key: a: b", "X-Key:"])
def test_a_masked_field_shows_its_name_only(line: str) -> None:
    """Whatever the value contains, colons too."""
    assert masked_field(line) == "X-Key: ***"
