"""What both connections share: reading heads, framing bodies, running an exchange, watching deadlines."""
