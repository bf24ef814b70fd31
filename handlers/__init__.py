"""What people say to the bot on Telegram."""
