"""Understory carries a couple or a group through the days after a shared session, together.

A *facilitator* holds *cohorts* (a couple, a group, an individual). A *person* is one Telegram account; a *member* is a
person in a cohort. The cohort meets in a *session*; its *release*, the moment it really ended, opens the *window* (72
hours unless a programme says otherwise), divided into *phases*. A *programme* is a file of *steps* (prompts,
practices, check-ins, reminders); planning turns steps into *deliveries*, one planned call to one chat each, and
*moments*, decisions that fall due. Members give *answers*; sealed ones meet in an *opening*; a group takes turns in a
*round*. The facilitator reads a *board*, a *digest* and, when somebody needs them, an *alert*.
"""

import os

# python-telegram-bot warns at every "Too Many Requests" unless retry_after is a timedelta.
os.environ.setdefault("PTB_TIMEDELTA", "1")
