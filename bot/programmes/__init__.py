"""What a cohort is carried by: programme files, read strictly, pinned by digest, shipped in a small library."""
