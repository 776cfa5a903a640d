"""Real measurements as if the stations sent them: formats known by their headers, numbering, publishing."""
