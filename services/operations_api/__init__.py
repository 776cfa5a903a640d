"""The HTTP interface of operators, integrators and the plan office, and the one map."""
