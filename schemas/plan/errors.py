"""A plan, standard or policy that does not load."""

from __future__ import annotations


class PlanFileError(ValueError):
    """A document does not load; names the file, the key and the reason of each fault."""

    def __init__(self, file: str, problems: list[tuple[str, str]]) -> None:
        self.file = file
        self.problems = problems
        """(key, reason) of each fault."""
        lines = "; ".join(f"{key}: {reason}" for key, reason in problems)
        super().__init__(f"{file}: {lines}")
