"""What can be seen from outside: the log and the metrics."""
