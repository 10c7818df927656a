"""The console's one library is what its makers published, and is renewed by a script."""

import shutil
import tarfile
from pathlib import Path

from tools import vendored


def test_the_files_have_their_hashes() -> None:
    """Those of the version that is noted."""
    assert vendored.changed_files() == []


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    """One byte more is a change."""
    folder = shutil.copytree(vendored.FOLDER, tmp_path / "vendor")
    with Path(folder, "htm-preact.js").open("a") as file:
        file.write("\n")
    assert vendored.changed_files(folder) == ["htm-preact.js"]


def test_another_version_takes_the_place(tmp_path: Path) -> None:
    """Out of the package of npm."""
    folder = shutil.copytree(vendored.FOLDER, tmp_path / "vendor")
    record = vendored.read_record(folder)
    for each in record["files"].values():
        file = tmp_path / "package" / each["from"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"new {each['from']}")
    with tarfile.open(tmp_path / "p.tgz", "w:gz") as package:
        package.add(tmp_path / "package", "package")
    vendored.take(tmp_path / "p.tgz", record, folder)
    assert Path(folder, "htm-preact.js").read_text() == "new preact/standalone.module.js"
    assert [vendored.sha256(folder / name) for name in record["files"]] == [
        each["sha256"] for each in record["files"].values()
    ]
