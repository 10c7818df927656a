"""The composition root: makes a running proxy from configurations; the only package that knows all parts."""

from proxy.app.lifecycle import App
from proxy.app.message_store import StoreUnreadable

__all__ = ["App", "StoreUnreadable"]
