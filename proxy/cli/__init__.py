"""The command line, one file for each command; nothing else loads click, and only what prints tables loads rich."""

from proxy.cli.group import main

__all__ = ["main"]
