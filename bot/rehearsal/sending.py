"""Methods that make new messages: texts, files, albums, copies, forwards."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.access import message_in, reachable_chat, writable_chat
from bot.rehearsal.entities import read_text
from bot.rehearsal.files import Upload, content_of
from bot.rehearsal.keyboards import read_any
from bot.rehearsal.markup import Entity, utf16_length
from bot.rehearsal.message import Message, StoredFile
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.parameters import Fields, only
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Chat, Json

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
EVERY_SEND = (
    "chat_id message_thread_id:int disable_notification:bool protect_content:bool allow_paid_broadcast:bool "
    "message_effect_id reply_parameters:object"
)
MARKUP = "reply_markup:object"
TEXT = "text parse_mode entities:objects link_preview_options:object"
CAPTION = "caption parse_mode caption_entities:objects"
PREVIEW = {
    "is_disabled": bool,
    "url": str,
    "prefer_small_media": bool,
    "prefer_large_media": bool,
    "show_above_text": bool,
}
REPLY: Fields = {
    "message_id": int,
    "chat_id": (int, str),
    "allow_sending_without_reply": bool,
    "quote": str,
    "quote_parse_mode": str,
    "quote_entities": list,
    "quote_position": int,
}
ALBUM = {"photo", "video", "document", "audio"}
RIGHT_FOR = {"photo": "can_send_photos", "document": "can_send_documents", "voice": "can_send_voice_notes"}
RIGHT_FOR |= {"audio": "can_send_audios", "video": "can_send_videos", "animation": "can_send_other_messages"}
MEDIA = {
    "type": str,
    "media": str,
    "caption": str,
    "parse_mode": str,
    "caption_entities": list,
    "show_caption_above_media": bool,
    "has_spoiler": bool,
    "thumbnail": str,
    "disable_content_type_detection": bool,
    "supports_streaming": bool,
    "duration": int,
    "width": int,
    "height": int,
    "performer": str,
    "title": str,
}


# Texts and captions


def said_text(ask: Ask) -> Json:
    text, entities = _read(ask, ask["text"] or "", ask["parse_mode"], ask["entities"])
    if not text:
        raise bad("message text is empty")
    if len(text) > LONGEST_TEXT:
        raise bad("message is too long")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if ask["link_preview_options"]:
        content["link_preview_options"] = only("link preview options", ask["link_preview_options"], PREVIEW)
    return content


def said_caption(ask: Ask, part: Json) -> Json:
    """The caption that `part` (the parameters, or one medium of an album) carries."""
    caption, entities = _read(ask, part.get("caption") or "", part.get("parse_mode"), part.get("caption_entities"))
    if len(caption) > LONGEST_CAPTION:
        raise bad("message caption is too long")
    content: Json = {"caption": caption} if caption else {}
    if entities:
        content["caption_entities"] = entities
    if part.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    if part.get("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def _read(ask: Ask, text: str, parse_mode: str | None, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    text, marked = read_text(text, parse_mode or "", entities)
    if any(entity["type"] == "text_mention" for entity in marked):
        marked = [known for entity in marked if (known := _mention(ask, entity)) is not None]
    return text, marked


def _mention(ask: Ask, entity: Entity) -> Entity | None:
    """A person mentioned by id becomes tappable only if Telegram knows them."""
    if entity["type"] != "text_mention":
        return entity
    number = entity.get("user_id") or entity.get("user", {}).get("id")
    person = ask.stage.people.get(number) if isinstance(number, int) else None
    kept = {"type": "text_mention", "offset": entity["offset"], "length": entity["length"]}
    return kept | {"user": person.as_json()} if person else None


# The way of every new message


def put(ask: Ask, content: Json, files: list[StoredFile], kind: str = "text", **fixed: Any) -> Message:
    """Write into the chat the call names, with everything that the methods of sending share."""
    right, what = ("can_send_messages", "text messages") if kind == "text" else (RIGHT_FOR.get(kind, ""), f"{kind}s")
    chat = writable_chat(ask, right, what)
    inline, keyboard = read_any(ask["reply_markup"])
    if inline is not None:
        content = content | {"reply_markup": inline}
    fixed |= replied(ask, chat)
    if ask["protect_content"]:
        fixed["has_protected_content"] = True
    if ask["message_effect_id"]:
        if chat.person is None:
            raise bad("message effects can be used only in private chats")
        fixed["effect_id"] = ask["message_effect_id"]
    message = ask.stage.post(
        chat,
        ask.bot,
        content,
        fixed=fixed,
        silent=bool(ask["disable_notification"]),
        thread=_thread(ask, chat),
        files=files,
    )
    if keyboard is not None:
        _show_keyboard(chat, keyboard)
    return message


def _thread(ask: Ask, chat: Chat) -> int | None:
    """The topic to write into; the General topic is written into without naming one (its number 1 is refused)."""
    thread: int | None = ask["message_thread_id"]
    if not thread:
        return None
    if thread not in chat.topics:
        raise bad("message thread not found")
    return thread


def replied(ask: Ask, chat: Chat) -> Json:
    """The message that is answered, and the words quoted from it."""
    if not ask["reply_parameters"]:
        return {}
    wish = only("reply parameters", ask["reply_parameters"], REPLY)
    if wish.get("chat_id") not in {None, chat.id, str(chat.id)}:
        raise bad("message to be replied not found")
    message = chat.messages.get(wish.get("message_id") or 0)
    if message is None or message.deleted_at is not None:
        if wish.get("allow_sending_without_reply"):
            return {}
        raise bad("message to be replied not found")
    said: Json = {"reply_to_message": message.as_json(with_reply=False)}
    if wish.get("quote"):
        quote, entities = _read(ask, wish["quote"], wish.get("quote_parse_mode"), wish.get("quote_entities"))
        at = message.words.find(quote)
        if at < 0:
            raise bad("QUOTE_TEXT_INVALID")
        said["quote"] = {"text": quote, "position": utf16_length(message.words[:at]), "is_manual": True}
        if entities:
            said["quote"]["entities"] = entities
    return said


def _show_keyboard(chat: Chat, keyboard: Json) -> None:
    for person_id in [chat.person.id] if chat.person else list(chat.members):
        if "keyboard" in keyboard:
            chat.reply_keyboards[person_id] = keyboard
        elif "remove_keyboard" in keyboard:
            chat.reply_keyboards.pop(person_id, None)


# Files


def attached(ask: Ask, value: Any) -> Any:
    """The upload that "attach://name" points to, or the value itself."""
    if isinstance(value, str) and value.startswith("attach://"):
        upload = (ask["attached"] or {}).get(value.removeprefix("attach://"))
        if upload is None:
            upload = ask[value.removeprefix("attach://")]
        if not isinstance(upload, Upload):
            raise bad("file attached by attach:// is not in the request")
        return upload
    return value


def stored(ask: Ask, kind: str, value: Any, details: Json) -> StoredFile:
    """The file of a message: a new upload, or one that was sent before, by its file_id."""
    value = attached(ask, value)
    if not value:
        raise bad(f"there is no {kind} in the request")
    if isinstance(value, Upload):
        kept = ask.stage.files.keep(kind, value, details)
        thumbnail = attached(ask, details.get("thumbnail"))
        if isinstance(thumbnail, Upload):
            kept.described["thumbnail"] = ask.stage.files.keep("photo", thumbnail, {}).described
        return kept
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        raise bad("failed to get HTTP URL content")
    return ask.stage.files.find(value, kind)


def _send_file(ask: Ask, kind: str) -> Json:
    content = said_caption(ask, ask.given)
    file = stored(ask, kind, ask[kind], ask.given)
    return put(ask, content_of(kind, file) | content, [file], kind).as_json()


@method("sendMessage", EVERY_SEND, MARKUP, TEXT)
def send_message(ask: Ask) -> Json:
    return put(ask, said_text(ask), []).as_json()


@method("sendPhoto", EVERY_SEND, MARKUP, CAPTION, "photo:file show_caption_above_media:bool has_spoiler:bool")
def send_photo(ask: Ask) -> Json:
    return _send_file(ask, "photo")


@method("sendDocument", EVERY_SEND, MARKUP, CAPTION, "document:file thumbnail:file disable_content_type_detection:bool")
def send_document(ask: Ask) -> Json:
    return _send_file(ask, "document")


@method("sendVoice", EVERY_SEND, MARKUP, CAPTION, "voice:file duration:int")
def send_voice(ask: Ask) -> Json:
    return _send_file(ask, "voice")


@method("sendAudio", EVERY_SEND, MARKUP, CAPTION, "audio:file thumbnail:file duration:int performer title")
def send_audio(ask: Ask) -> Json:
    return _send_file(ask, "audio")


PICTURE = "thumbnail:file duration:int width:int height:int show_caption_above_media:bool has_spoiler:bool"


@method("sendVideo", EVERY_SEND, MARKUP, CAPTION, PICTURE, "video:file supports_streaming:bool")
def send_video(ask: Ask) -> Json:
    return _send_file(ask, "video")


@method("sendAnimation", EVERY_SEND, MARKUP, CAPTION, PICTURE, "animation:file")
def send_animation(ask: Ask) -> Json:
    return _send_file(ask, "animation")


def medium(ask: Ask, part: Any, allowed: set[str]) -> tuple[str, Json, StoredFile]:
    """One InputMedia: its kind, the content of its message, its file."""
    part = only("input media", part, MEDIA)
    kind = part.get("type")
    if kind not in allowed:
        raise bad("media type is not supported here")
    content = said_caption(ask, part)
    file = stored(ask, kind, part.get("media"), part)
    return kind, content_of(kind, file) | content, file


@method("sendMediaGroup", EVERY_SEND, "media:objects")
def send_media_group(ask: Ask) -> list[Json]:
    media = ask["media"] or []
    if not 2 <= len(media) <= 10:
        raise bad("there must be 2 to 10 media in an album")
    parts = [medium(ask, part, ALBUM) for part in media]
    kinds = {kind for kind, _, _ in parts}
    if len(kinds) > 1 and kinds & {"document", "audio"}:
        raise bad("documents and audio files can't be mixed with other media in an album")
    album = str(8_000_000_000 + next(ask.stage.serial))
    return [put(ask, content, [file], kind, media_group_id=album).as_json() for kind, content, file in parts]


@method("copyMessage", EVERY_SEND, MARKUP, CAPTION, "from_chat_id message_id:int show_caption_above_media:bool")
def copy_message(ask: Ask) -> Json:
    message = message_in(reachable_chat(ask, "from_chat_id"), ask["message_id"], "copy")
    if message.is_service or message.protected:
        raise bad("message can't be copied")
    content = {key: value for key, value in message.content.items() if key != "reply_markup"}
    if ask["caption"] is not None and "text" not in content:
        content = {key: value for key, value in content.items() if key not in {"caption", "caption_entities"}}
        content |= said_caption(ask, ask.given)
    return {"message_id": put(ask, content, message.files, _kind(message)).id}


@method(
    "forwardMessage",
    "chat_id from_chat_id message_id:int message_thread_id:int disable_notification:bool protect_content:bool "
    "message_effect_id",
)
def forward_message(ask: Ask) -> Json:
    message = message_in(reachable_chat(ask, "from_chat_id"), ask["message_id"], "forward")
    if message.is_service or message.protected:
        raise bad("message can't be forwarded")
    origin = {"type": "user", "sender_user": message.sender.as_json(), "date": int(message.sent_at.timestamp())}
    content = {key: value for key, value in message.content.items() if key != "reply_markup"}
    return put(ask, content, message.files, _kind(message), forward_origin=origin).as_json()


def _kind(message: Message) -> str:
    return message.files[0].kind if message.files else "text"
