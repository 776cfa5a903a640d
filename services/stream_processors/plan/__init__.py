"""Plan documents at the edge: read from files."""
