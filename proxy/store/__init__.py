"""What is kept on disk or in a database: the folder of one process, and the keys that encrypt what is kept."""
