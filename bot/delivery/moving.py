"""A group that became a supergroup has a new Telegram id; the chat stays the same one to us."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select, update

from bot.storage.database import Transaction
from bot.storage.tables import Chat, ChatAlias, Cohort, Delivery


async def move_chat(tx: Transaction, chat_id: UUID, new_telegram_id: int) -> None:
    """Give a chat its new Telegram id and remember the old one; doing it twice changes nothing.

    If somebody already wrote from the new id, that row is taken over by the old chat.
    """
    chat = (await tx.execute(select(Chat).where(Chat.id == chat_id).with_for_update())).scalar_one_or_none()
    if chat is None or chat.telegram_id == new_telegram_id:
        return
    twin = await tx.scalar(select(Chat.id).where(Chat.telegram_id == new_telegram_id))
    if twin is not None:
        await tx.execute(update(Delivery).where(Delivery.chat_id == twin).values(chat_id=chat_id))
        await tx.execute(update(Cohort).where(Cohort.chat_id == twin).values(chat_id=chat_id))
        await tx.execute(update(ChatAlias).where(ChatAlias.chat_id == twin).values(chat_id=chat_id))
        await tx.execute(delete(Chat).where(Chat.id == twin))
    await tx.execute(delete(ChatAlias).where(ChatAlias.telegram_id.in_([chat.telegram_id, new_telegram_id])))
    tx.add(ChatAlias(telegram_id=chat.telegram_id, chat_id=chat_id))
    chat.telegram_id = new_telegram_id
    chat.not_before = None
    await tx.flush()


async def chat_of(tx: Transaction, telegram_id: int) -> Chat | None:
    """The chat with this Telegram id, present or former."""
    present = await tx.scalar(select(Chat).where(Chat.telegram_id == telegram_id))
    if present is not None:
        return present
    former = select(Chat).join(ChatAlias, ChatAlias.chat_id == Chat.id).where(ChatAlias.telegram_id == telegram_id)
    return await tx.scalar(former)
