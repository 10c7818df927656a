"""What one route's senders may take: size, media type, rate, concurrency."""
