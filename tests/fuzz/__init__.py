"""What must hold for any octets on either connection, checked against a slow reader that goes by the letter."""
