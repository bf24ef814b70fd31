"""Sessions and gatherings: planned, moved, called off, ended; who comes, and what stands in a calendar."""
