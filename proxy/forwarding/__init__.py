"""What becomes of a request: its route, its forwarded form, the attempts, the verdicts, the relayed answer."""
