"""Certificates and keys; whether they can be used is tried where they are read (test_clients, test_service_key)."""

import pytest

from proxy.config.material import repair_pem


@pytest.mark.parametrize("text", ["A\\nB\\n", "A\nB\n", "A\\r\\nB\\r\\n", " A\nB", "A\\nB"])
def test_pem_gets_its_line_breaks_back(text: str) -> None:
    """Letters that stand for line breaks become some, and the end has exactly one."""
    assert repair_pem(text) == "A\nB\n"
