"""What the documents say is true, and parts of them are made from the source."""
