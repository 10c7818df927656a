"""The console: pages for a browser, below `/console/` of the admin address."""

from proxy.admin.console.routes import add_console

__all__ = ["add_console"]
