"""Questions and answers: who is asked what, who may read it, and when two sealed answers open together."""
