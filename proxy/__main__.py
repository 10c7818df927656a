"""`python -m proxy` is the command `cpi-oauth-proxy`."""

from proxy.cli import main

main()
