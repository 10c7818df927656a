"""The composition root: makes a running proxy out of configurations; the only place that knows all parts."""

from proxy.app.lifecycle import App

__all__ = ["App"]
