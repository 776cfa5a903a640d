"""One event in the forms that consumers read: CloudEvents, server-sent events, CAP 1.2, one flat row. Pure.

Every form of one event says the same, field by field: `tests/unit/alert_life/test_renderings_agree.py` sees to it.
"""
