"""Exercises: a scenario of the simulated district through the live pipeline, in a lane of its own, and its score."""
