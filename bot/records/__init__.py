"""A member's own data across all rooms: reading it, taking it along, erasing it."""
