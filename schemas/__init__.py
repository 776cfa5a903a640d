"""What crosses a boundary of the platform: readings, verdicts, topics and their names. No I/O."""
