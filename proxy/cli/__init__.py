"""The command line, one module for each command; only this package imports click, and only `send` imports rich."""

from proxy.cli.group import main

__all__ = ["main"]
