"""The library that the console's pages use, as its makers published it: `python -m tools.vendored` verifies it.

`python -m tools.vendored VERSION` renews it with npm. Read what changed before you commit that.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).parents[1] / "proxy/console/static/vendor"
RECORD = "vendored.json"
"Says which package and version the files are from, and what they are."


def changed_files(folder: Path = FOLDER) -> list[str]:
    """Returns the files that are not as published."""
    record = read_record(folder)
    return [name for name, each in record["files"].items() if sha256(folder / name) != each["sha256"]]


def read_record(folder: Path) -> dict[str, Any]:
    """Returns what is known of the files."""
    record: dict[str, Any] = json.loads((folder / RECORD).read_text())
    return record


def sha256(path: Path) -> str:
    """Returns the hash of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def renew(version: str, folder: Path = FOLDER) -> None:
    """Replaces the files by those of another version, and notes their hashes."""
    record = read_record(folder)
    with TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, f"{record['package']}@{version}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(scratch).glob("*.tgz")
        take(archive, record, folder)
    record["version"] = version
    (folder / RECORD).write_text(f"{json.dumps(record, indent=2)}\n")


def take(archive: Path, record: dict[str, Any], folder: Path) -> None:
    """Copies the files out of a package, and notes their hashes in the record."""
    with tarfile.open(archive) as package:
        for name, each in record["files"].items():
            found = package.extractfile(f"package/{each['from']}")
            if found is None:
                raise ValueError(f"{archive.name} has no file {each['from']}")
            (folder / name).write_bytes(found.read())
            each["sha256"] = sha256(folder / name)


def main() -> None:
    """Verifies, or renews what the command line names."""
    if len(sys.argv) > 1:
        renew(sys.argv[1])
    if changed := changed_files():
        sys.exit(f"Not as published: {', '.join(changed)}. `python -m tools.vendored VERSION` renews them.")


if __name__ == "__main__":
    main()
