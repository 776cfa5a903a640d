"""Real servers on loopback under one supervisor, without containers."""
