"""Sharing rounds of a group: one turn each, passing is fine, opened only at their close."""
