"""Secret files."""

from pathlib import Path

import pytest

from proxy.config.secrets import SecretError, as_secret, read_secret
from tests.cases import grouped_cases


@grouped_cases(
    "secret, content",
    ("s3cret", [b"s3cret", b"s3cret\n", b"s3cret\r\n", b"\xef\xbb\xbfs3cret"]),
    ("s3cret\n", [b"s3cret\n\n"]),
    (" s ", [b" s \n"]),
    ("gr\u00fc\u00df", ["gr\u00fc\u00df\n".encode()]),
)
def test_one_line_end_is_dropped_and_nothing_else(tmp_path: Path, content: bytes, secret: str) -> None:
    """White space belongs to the secret."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert read_secret(file).get_secret_value() == secret


@grouped_cases(
    "wrong, content",
    ("is empty", [b"", b"\n", b"\xef\xbb\xbf\r\n"]),
    ("is not UTF-8", [b"sesame\xff"]),
    ("is larger than 1 MiB", [b"sesame" * 200_000]),
    (
        "is UTF-16; write it as UTF-8",
        ["sesame".encode("utf-16"), "sesame".encode("utf-16-be"), "sesame".encode("utf-16-le")],
    ),
)
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes, wrong: str) -> None:
    """With the file's name."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SecretError, match=wrong) as caught:
        read_secret(file)
    assert str(file) in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_what_comes_by_another_way_has_a_size_too() -> None:
    """Standard input, which `import-key` reads."""
    with pytest.raises(SecretError, match="standard input is larger than 1 MiB"):
        as_secret(b"sesame" * 200_000, "standard input")


def test_only_a_file_that_is_there_is_named(tmp_path: Path) -> None:
    """Else the secret may have been written in its place."""
    with pytest.raises(SecretError) as caught:
        read_secret(tmp_path / "sesame" / "open")
    assert str(caught.value).startswith(f"no file of this name in {tmp_path} can be read (No such file")


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    """A folder and an impossible path are told apart."""
    with pytest.raises(SecretError, match=r"No such file or directory"):
        read_secret(tmp_path / "missing")
    with pytest.raises(SecretError, match=r"Is a directory"):
        read_secret(tmp_path)
    with pytest.raises(SecretError, match=r"not a valid path"):
        read_secret(tmp_path / "a\0b")
