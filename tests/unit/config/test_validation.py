"""From plain values to models."""

from pathlib import Path

import pytest

from proxy.config.document import RouteEntry
from proxy.config.model import Tls
from proxy.config.problems import ConfigurationError, DocumentSource, Problems
from proxy.config.validation import nearest, validated


def test_what_is_wrong_is_noted_and_left_out() -> None:
    """The rest is there for further rules."""
    problems = Problems(DocumentSource(file="a.yaml", lines={("timeout",): 2}))
    entry = validated(RouteEntry, {"path": "/x/", "timeout": "never"}, (), problems)
    assert entry == RouteEntry(path="/x")
    with pytest.raises(ConfigurationError, match=r"^a\.yaml:2: timeout: is not a valid duration"):
        problems.end()


def test_paths_start_at_the_folder() -> None:
    """An absolute one stays."""
    problems = Problems(DocumentSource(file="a.yaml"))
    written = {"ca_file": "ca.pem", "cert_file": "/x/cert.pem"}
    assert validated(Tls, written, (), problems, folder=Path("/etc")) == Tls(
        ca_file=Path("/etc/ca.pem"), cert_file=Path("/x/cert.pem")
    )


def test_a_word_nobody_knows_leads_to_one_somebody_does() -> None:
    """The nearest word, else all of them."""
    assert nearest("tokenurl", ["token_url", "timeout"]) == "did you mean token_url?"
    assert nearest("x", ["b", "a"]) == "known are a, b"
    assert nearest("x", []) == "known are none"
