"""Files are read with a limit of size."""

from pathlib import Path

import pytest

from proxy.config.files import MOST_BYTES, FileTooLarge, read_file


def test_a_file_of_1_mib_is_read_and_a_larger_one_refused(tmp_path: Path) -> None:
    """Without reading the rest of it."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * MOST_BYTES)
    assert len(read_file(path)) == MOST_BYTES
    with path.open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(FileTooLarge, match=f"the file {path} is larger than 1 MiB"):
        read_file(path)
