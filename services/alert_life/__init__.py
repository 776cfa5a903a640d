"""The life of an alert as people and consumers see it: what the processors said and what was done, joined. Pure."""
