"""The limits of a route: size, media type, rate and concurrency."""
