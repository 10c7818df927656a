"""The console: what passes through the proxy, and a way to send, in a browser. All of it is text; none of it is secret."""
