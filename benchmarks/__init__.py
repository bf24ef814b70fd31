"""How fast, how small and how certain: measured against a local server in Telegram's place."""
