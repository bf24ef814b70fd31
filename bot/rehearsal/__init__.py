"""A rehearsal: the stage that plays Telegram, its clock that steps, the phones of the people in the play.

`stage.py` is Telegram as state, `api.py` the Bot API on it, `server.py` both over HTTP, `clock.py` the business clock,
`phone.py` what people see and do, `faults.py` what goes wrong on purpose. None of these know the bot: the stage and the
bot must not share mistakes.
"""
