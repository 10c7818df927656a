"""The console: what passes through the proxy, and a way to send, in a browser. Everything is text, nothing a secret."""
