"""`outbox`: shows what the running proxy keeps for later delivery, and does what a person decides about it."""

from proxy.cli.outbox.commands import command

__all__ = ["command"]
