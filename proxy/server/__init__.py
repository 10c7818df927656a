"""Where senders reach us: listeners and the connections that they accept."""
