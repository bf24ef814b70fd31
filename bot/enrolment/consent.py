"""The first three screens of joining: what this is, who reads what, and the switches, with their full texts.

``VERSION`` is made from the words themselves, in every language: whoever changes one of them has made another version,
and everybody's consent says which words they read.
"""

from __future__ import annotations

import hashlib

from bot.buttons import button
from bot.enrolment.queries import Joining
from bot.enrolment.rules import ABOUT, READERS, SCREENS, SWITCHES, WELCOME, switches_of
from bot.messages import Button, Html, Message
from bot.texts import N_, Texts, languages
from bot.words import CohortKind, Consent, SecretsPolicy

POLICY_TO_MEMBERS = {
    SecretsPolicy.KEPT: N_("What one of you tells {holders} alone stays with {holders}."),
    SecretsPolicy.JUDGED: N_("{holders} decides with care what has to be shared, and tells you first."),
    SecretsPolicy.OPEN: N_("{holders} keeps no secrets between you: what you say may be brought to everybody."),
}

SWITCH_LABELS = {
    Consent.FACILITATOR: N_("My check-ins may be read by {holders}"),
    Consent.PARTNER: N_("I may open single answers to my partner"),
    Consent.CIRCLE: N_("I may share in rounds with my group"),
}

_WELCOME = N_(
    "<b>Hello.</b> {holders} keeps a seat for you: <b>{cohort}</b>.\n\n"
    "Around your session I bring small questions and practices to this phone, at set times.\n\n"
    "I am a program that sends messages. I am no therapist and no emergency service, and nobody watches this chat "
    "around the clock. In danger, call your local emergency number.\n\n"
    "Taking part is your choice: skip, pause or leave whenever you like, without a reason.\n\n"
    "Five short screens. Stop and come back as you wish."
)
_WELCOME_FULL = N_(
    "<b>What this is, in full</b>\n\n"
    "{holders} runs this programme and chose its texts. Before a session you get the date, reminders and what to "
    "bring. After it, for some days, a few messages a day: a small practice, a prompt, a check-in. Never more than "
    "four of them a day, never in your quiet hours, apart from safety.\n\n"
    "It does not diagnose, and it gives no advice on health, doses, eating or medicines. For those, ask the people who "
    "treat you. It does not replace a conversation.\n\n"
    "Nothing here is required. Whether you answer, skip, pause or leave changes nothing in how you are cared for, and "
    "nobody is told your reasons.\n\n"
    "/help shows numbers to call, at any time. /call asks {holders} to contact you; nobody can promise how fast.\n\n"
    "Questions or complaints about this programme: please tell {holders}."
)

_READERS_HEAD = N_("<b>Who reads what</b>")
_READERS_ME = N_("• Your journal: only you.")
_READERS_FACILITATOR = N_("• Your check-ins: {holders}, if you allow it.")
_READERS_PAIR = N_("• Sealed answers: your partner, if you both answer and both share. Never before the hour.")
_READERS_CIRCLE = N_("• Your turns in rounds: your group, if you share them.")
_READERS_MINIMAL = N_("• Nothing you answer is kept: a tap only says that you are done.")
_READERS_TELEGRAM = N_(
    "• Telegram stores this chat on its servers. It is not end-to-end encrypted, and Telegram signs no agreement for "
    "health data (BAA)."
)
_READERS_HOLDER = N_("• Whoever runs this bot's server holds the key to what is stored.")
_READERS_DEVICES = N_("• Anybody who can open your phone or another device with your Telegram can read along.")
_READERS_FULL = N_(
    "<b>Who reads what, in full</b>\n\n"
    "Before each thing you type, one line says who can read it. Names, answers and what you write are stored "
    "encrypted; whoever runs the server holds the key and could read them. Not stored: phone number, diagnosis, dose."
    "\n\n"
    "Telegram can technically read chats with bots. Share here only what you would accept there, and use other ways "
    "for medical matters.\n\n"
    "Messages are discreet: the notification shows no content, and what you typed is removed from the chat once it is "
    "kept. Telegram on a shared tablet or computer shows this chat too; you can end such sessions in Telegram, "
    "Settings, Devices. If somebody checks your phone, think about whether this is the right place.\n\n"
    "{others}{holders} may have to act when somebody's safety is in danger, or where the law asks for it.\n\n"
    "/mydata shows and exports everything about you and erases it, at any time."
)

_READERS_OTHERS = N_(
    "Whoever you open something to can take screenshots of it. Everybody can promise discretion only for themselves."
)

_SWITCHES = N_(
    "<b>You decide</b>\n\n"
    "Each switch stands alone. All off is fine: then your answers stay with you, and the rest works the same. You can "
    "change them later under Settings."
)
_SWITCHES_NONE = N_("<b>You decide</b>\n\nNothing you answer here is kept, so there is nothing to allow.")
_SWITCHES_ADULT = N_("This is for people who are eighteen or older.")
_SWITCHES_FULL = N_(
    "<b>The switches, in full</b>\n\n"
    "A switch that is on allows sharing, it shares nothing by itself. Each answer says again who will read it.\n\n"
    "Nobody is told which switches you have on, apart from what follows from them: with the first one off, {holders} "
    "cannot read your check-ins. If you press a button that asks for help, {holders} is always told.\n\n"
    "Turning a switch off works at once and at any time. Turning one on waits while a session is still close.\n\n"
    "We keep which words you agreed to, and when. What you write is kept until you erase it: /mydata"
)

_EVERYTHING = (
    *POLICY_TO_MEMBERS.values(), *SWITCH_LABELS.values(), _WELCOME, _WELCOME_FULL, _READERS_HEAD, _READERS_ME,
    _READERS_FACILITATOR, _READERS_PAIR, _READERS_CIRCLE, _READERS_MINIMAL, _READERS_TELEGRAM, _READERS_HOLDER,
    _READERS_DEVICES, _READERS_FULL, _READERS_OTHERS, _SWITCHES, _SWITCHES_NONE, _SWITCHES_ADULT, _SWITCHES_FULL,
)  # fmt: skip

_READ = [Texts(language).label(sentence) for language in languages() for sentence in _EVERYTHING]
VERSION = hashlib.sha256("\0".join(_READ).encode()).hexdigest()[:12]


def welcome(j: Joining, t: Texts) -> Message:
    """One: what this is and is not."""
    text = t(_WELCOME, holders=j.holders, cohort=j.cohort_name)
    return Message(text, ((_go(j, READERS, t.label("Go on")),), (_full(j, WELCOME, t),)))


def readers(j: Joining, t: Texts) -> Message:
    """Two: who reads what, and what that cannot protect from."""
    text = Html("\n".join([t(_READERS_HEAD) + "\n", *_lines(j, t)]))
    back_and_on = (_go(j, WELCOME, t.label("Back")), _go(j, SWITCHES, t.label("Go on")))
    return Message(text, (back_and_on, (_full(j, READERS, t),)))


def _lines(j: Joining, t: Texts) -> list[Html]:
    answers = {CohortKind.COUPLE: [t(_READERS_PAIR)], CohortKind.GROUP: [t(_READERS_CIRCLE)]}.get(j.cohort.kind, [])
    kept = [t(_READERS_MINIMAL)] if j.cohort.minimal else [t(_READERS_FACILITATOR, holders=j.holders), *answers]
    policy = [] if j.cohort.kind is CohortKind.INDIVIDUAL else ["• " + policy_sentence(j, t)]
    return [Html(line) for line in (t(_READERS_ME), *kept, *policy)] + [
        t(_READERS_TELEGRAM),
        t(_READERS_HOLDER),
        t(_READERS_DEVICES),
    ]


def policy_sentence(j: Joining, t: Texts) -> Html:
    """What the facilitator does with what one of them says alone, as the members read it."""
    return t(POLICY_TO_MEMBERS[j.cohort.secrets_policy], holders=j.holders)


def switches(j: Joining, t: Texts) -> Message:
    """Three: the switches, all off until they are turned on, and the age."""
    asked = switches_of(j.cohort.kind, minimal=j.cohort.minimal)
    rows = [
        (
            button(
                f"{'☑' if switch in j.consents else '☐'} {t.label(SWITCH_LABELS[switch], holders=j.holders)}",
                "join-switch",
                j.member.id,
                switch.value,
            ),
        )
        for switch in asked
    ]
    text = Html(t(_SWITCHES if asked else _SWITCHES_NONE) + "\n\n" + t(_SWITCHES_ADULT))
    return Message(
        text,
        (
            *rows,
            (button(t.label("I am 18 or older, go on"), "join-adult", j.member.id),),
            (_go(j, READERS, t.label("Back")), _full(j, SWITCHES, t)),
        ),
    )


def full_text(j: Joining, screen: str, t: Texts) -> Message:
    """Everything else there is to know about a screen; it folds back."""
    words = {WELCOME: _WELCOME_FULL, READERS: _READERS_FULL, SWITCHES: _SWITCHES_FULL}[screen]
    others = Html("") if j.cohort.kind is CohortKind.INDIVIDUAL else Html(t(_READERS_OTHERS) + "\n\n")
    return Message(t(words, holders=j.holders, others=others), ((_go(j, screen, t.label("Fold")),),))


def _go(j: Joining, screen: str, label: str) -> Button:
    return button(label, "join-go", j.member.id, screen)


def _full(j: Joining, screen: str, t: Texts) -> Button:
    return button(t.label("Full text"), "join-full", j.member.id, screen)


FULL_TEXTS = frozenset(SCREENS) - {ABOUT}
