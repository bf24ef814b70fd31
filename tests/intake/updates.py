"""Updates as Telegram reports them."""

from __future__ import annotations


def said(update_id: int, person: int = 1, chat: int | None = None, text: str = "hello", date: int = 0) -> dict:
    """A message as Telegram reports it."""
    message = {
        "message_id": update_id,
        "date": date,
        "text": text,
        "from": {"id": person, "is_bot": False, "first_name": "Ann"},
        "chat": {"id": chat or person, "type": "private"},
    }
    return {"update_id": update_id, "message": message}


def tapped(update_id: int, person: int = 1) -> dict:
    """A press of a button as Telegram reports it."""
    query = {
        "id": str(update_id),
        "from": {"id": person, "is_bot": False, "first_name": "Ann"},
        "message": {"message_id": 1, "date": 0, "chat": {"id": person, "type": "private"}},
        "data": "x",
    }
    return {"update_id": update_id, "callback_query": query}
