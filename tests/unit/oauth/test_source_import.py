"""What importing the token source loads."""

import subprocess
import sys


def test_importing_the_source_loads_neither_aiohttp_nor_cryptography() -> None:
    """They would slow down each start."""
    probe = "import sys, proxy.oauth.source; print(*({'aiohttp', 'jwt', 'cryptography'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
