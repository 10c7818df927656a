"""The console: the web page on the admin address."""
