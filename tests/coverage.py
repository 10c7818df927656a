"""What the tests covered: the whole must reach `fail_under` of pyproject.toml."""

import subprocess
import sys


def main() -> int:
    """Combines what the workers and subprocesses wrote, and reports it."""
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet"], check=False)
    return subprocess.run([sys.executable, "-m", "coverage", "report"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
