"""What the commands that try a configuration share: composing a message, an embedded proxy, probes."""
