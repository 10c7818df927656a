"""What operators can see of exchanges: log lines, metrics and spans."""
