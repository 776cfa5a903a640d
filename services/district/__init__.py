"""The operator's command line: run, status, sql, logs, replay, stop."""
