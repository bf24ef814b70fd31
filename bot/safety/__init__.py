"""Somebody needs somebody: the help card, alerts, and who was told what."""
