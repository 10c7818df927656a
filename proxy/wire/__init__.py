"""For connections on both sides: reading heads, framing bodies, running an exchange, watching deadlines."""
