"""Stand-ins with a memory, for what tests cannot have for real."""
