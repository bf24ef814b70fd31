"""The history of the database: Alembic, configured in pyproject.toml."""
