"""The feed emergency: response times against the ten-minute circle, live coverage, the move that restores most."""
