"""Where the platform runs: local servers, containers, clusters."""
