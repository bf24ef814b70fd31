"""Words between facilitators and members: broadcasts to many, letters between two."""
