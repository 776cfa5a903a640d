"""Plan, standards and policies as data: pure parsing (`documents`, `toml`), reading at the edge (`files`)."""
