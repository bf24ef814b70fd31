"""The ground floor: every table, the database, and the keys that seal what people wrote."""
