"""The post office: what is due leaves once, together, and every delivery ends in a state with a reason."""
