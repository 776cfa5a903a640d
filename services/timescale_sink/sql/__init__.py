"""The database's tables, views, migrations and the sink's queries."""
