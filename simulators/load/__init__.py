"""Open-loop load and hostile messages, for tests and benchmarks."""
