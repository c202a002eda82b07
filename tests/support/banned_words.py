"""Words that no text for people may hold: of the standard words there is a plainer one (bot/docs/glossary.md)."""

import re

_WORDS = (
    "told|tells? of|hears|heard|listens|rings|rung|ringing|anew|whoever|whatever|nobody|somebody|blind|book|doors?|wider"
    "|called (?:resolved|over)|over since|posted (?:investigating|identified|monitoring)|hold off|held again"
    "|clean (?:looks|since|minutes)|looks? in a row|next look|first look|in words only|by the text alone|the word of"
    "|unless said again|goes on|once more|taken back|let go|let (?:work )?through|dearer|eldest|lately|meanwhile|owed"
    "|habits|calm|stroke|errand|vigil|episode|surfaces? in trouble|in trouble|partly down|that is no promise"
    "|such incidents|I don't know|nobody thought|cleanly|may I|is none of|gently|gentle"
)
_OPTION = re.compile(r"--[\w-]+")  # options are machine values: --gently stays
_CODE = re.compile(r"```.*?```|`[^`\n]+`|https?://[^)\s]+", re.DOTALL)
_BANNED = re.compile(rf"\b(?:{_WORDS})\b", re.IGNORECASE)


def banned_words(text):
    """The banned words of a text, without those in names of options."""
    return _BANNED.findall(" ".join(_OPTION.sub("", text).split()))


def without_code(markdown):
    """A page of Markdown without code and addresses: machine values stay as they are."""
    return _CODE.sub(" code ", markdown)
