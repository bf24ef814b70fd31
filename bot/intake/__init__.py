"""Intake: an update is in the database before Telegram is told that we have it."""
