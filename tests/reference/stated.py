"""When it was bad by a vendor's text, word by word, by bot/docs/reliability-figures.md alone. Imports nothing of ``bot``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PLACES = {
    "UTC": ("utc", "gmt", "z"),
    "America/Los_Angeles": ("pt", "pst", "pdt", "pacific", "us/pacific", "america/los_angeles"),
    "America/New_York": ("et", "est", "edt", "eastern", "us/eastern", "america/new_york"),
    "Europe/Paris": ("cet", "cest"),
    "Asia/Tokyo": ("jst",),
}
ZONES = {name: ZoneInfo(place) for place, names in PLACES.items() for name in names}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL = ("january", "february", "march", "april", "june", "july", "august", "sept", "september", "october", "november")
MONTH_WORDS = {*MONTHS, *FULL, "december"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMBERS = {
    "a": 1,
    "an": 1,
    **{w: n for n, w in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)},
}
ABOUT = {"~", "about", "around", "approximately", "approx", "roughly", "at"}
BEGAN = {"started", "starting", "began", "beginning", "identified"}
ENDED = {"ended", "resolved", "mitigated", "restored", "recovered", "fixed", "until"}
LINKS = {"to", "until", "till", "through", "-", "\u2013", "\u2014"}
FAILURE = re.compile(
    r"\b(error|fail|unavailab|unable|unreachable|unexpected|down|outage|offline|degrad|disrupt|interrupt|latenc|slow"
    r"|impact|affect|issue|incident|problem|trouble|elevated|increas|timed?[ -]?out|delay|broken|could|instab"
    r"|experienced|date/time|[45]\d\d)",
    re.IGNORECASE,
)
NONE = re.compile(
    r"\b(will|won't|scheduled|planned|upcoming|unaffected|not (been )?(impacted|affected)"
    r"|(no|without( any)?) (impact|downtime|errors)|is expected|please expect"
    r"|(deploy|monitor|roll)(ed|ing)?( \w+){0,3} (at|for|from|between))\b",
    re.IGNORECASE,
)
TOKEN = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d(?::\d\d)?|\d+/\d+|US/Pacific|US/Eastern|America/\w+|\d+(?:\.\d+)?(?:st|nd|rd|th)?(?=\W|[A-Za-z]|$)"
    r"|[A-Za-z]+(?:'\w+)?|[-\u2013\u2014~,.():/]"
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"\u201c(])|\n+")
SIX_HOURS, MONTH, WEEK, DAY = timedelta(hours=6), timedelta(days=31), timedelta(days=7), timedelta(days=1)


class Time:
    """A time of a text."""

    def __init__(self, clock: str, half: str, zone: str, day: str) -> None:
        self.clock, self.half, self.zone, self.day = clock, half, zone, day

    def is_24(self) -> bool:
        hour = self.clock.split(":")[0]
        return not self.half and (self.zone in PLACES["UTC"] or hour[0] == "0" or int(hour) > 12)

    def on(self, day, half: str):
        hour, minute, second = ([int(x) for x in self.clock.split(":")] + [0, 0])[:3]
        if half and hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif half == "am":
            return None
        if hour > 23 or minute > 59 or second > 59:
            return None
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONES[self.zone]).astimezone(UTC)


def windows(posts) -> list[tuple[datetime, datetime]]:
    """The windows that (text, time of the post) state, merged."""
    posts = [(clean(text), at) for text, at in posts]
    about = bool(FAILURE.search(posts[0][0]))
    found = sorted({w for text, at in posts for w in of_text(text, at, about)})
    merged: list[tuple[datetime, datetime]] = []
    for a, b in found:
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


def clean(text: str) -> str:
    text = re.sub(r"[*_`]|<[^<>]{1,40}>", "", re.sub(r"[\u00a0\u2000-\u200a\u202f]", " ", text))
    return re.sub(r"\b([apAP])\.\s?[mM]\.?(?=\W|$)", r"\1m", text)


def of_text(text: str, posted: datetime, about: bool):
    tokens = TOKEN.findall(text)
    days = set()
    for i in range(len(tokens)):
        name, _ = read_day(tokens, i)
        if name and not (i and read_day(tokens, i - 1)[1] > i):
            days.add(day_of(name, posted.date()))
    doubtful = len(days) > 1 or None in days
    doubtful |= any(re.fullmatch(r"\d\d?/\d\d?", t) and t != "24/7" for t in tokens)
    doubtful |= bool(re.search(r"\blast (night|week|month)\b", text, re.IGNORECASE))
    only = None if doubtful or not days else days.pop()
    named = re.search(r"\ball times (?:are |in |listed |given |below )*([A-Za-z/_]+)", text, re.IGNORECASE)
    zone = named[1].lower() if named and named[1].lower() in ZONES else ""
    found = []
    for sentence in SENTENCE.split(text):
        if not NONE.search(sentence) and (about or FAILURE.search(sentence)):
            pairs, lengths = of_sentence(TOKEN.findall(sentence), zone)
            found += [choose(a, b, posted, only, doubtful) for a, b in pairs]
            if not pairs:
                found += [choose_length(a, length, posted, only, doubtful) for a, length in lengths]
    if not any(found) and not NONE.search(text):
        begun, over, clocks = told_once(tokens)
        if len(begun) == len(over) == 1 and clocks <= 2 and begun[0][0] < over[0][0]:
            first, second = shared(begun[0][1], over[0][1], zone)
            found.append(choose(first, second, posted, only, doubtful))
    return [w for w in found if w]


def read_day(tokens: list[str], i: int) -> tuple[str, int]:
    """The day that begins at a token, and where it ends; empty for none."""
    word = tokens[i].lower() if i < len(tokens) else ""
    after = [t.lower() for t in tokens[i + 1 : i + 5]] + [""] * 4
    if word in WEEKDAYS:
        step = 2 if after[0] == "," else 1
        dated, end = read_day(tokens, i + step)
        if dated and dated not in ("today", "yesterday") and dated.split()[0] not in WEEKDAYS:
            return f"{word} {dated}", end
        return word, i + 1
    if word in ("today", "yesterday") or re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        return word, i + 1
    is_number = re.compile(r"\d{1,2}(st|nd|rd|th)?")
    for month, number, shift in ((word, after[0], 2), (after[0], word, 2)):
        dot = int(month == word and number == ".")
        digits = after[1] if dot else number
        if month in MONTH_WORDS and is_number.fullmatch(digits):
            name, end = f"{month[:3]} {re.sub('[a-z]', '', digits)}", i + shift + dot
            rest = [t.lower() for t in tokens[end : end + 2]] + ["", ""]
            comma = rest[0] == ","
            if re.fullmatch(r"20\d\d", rest[comma]):
                return f"{name} {rest[comma]}", end + comma + 1
            return name, end
    return "", i


def day_of(name: str, posted):
    first, _, rest = name.partition(" ")
    if name in ("today", "yesterday"):
        return posted - (DAY if name == "yesterday" else timedelta())
    if name in WEEKDAYS:
        return next(posted - n * DAY for n in range(7) if WEEKDAYS[(posted - n * DAY).weekday()] == name)
    if first in WEEKDAYS:
        found = day_of(rest, posted)
        return found if found and WEEKDAYS[found.weekday()] == first else None
    try:
        if name[0].isdigit():
            return datetime.fromisoformat(name).date()
        month, number, *year = name.split()
        options = [int(y) for y in year] or [posted.year + n for n in (-1, 0, 1)]
        return min((date(y, MONTHS.index(month) + 1, int(number)) for y in options), key=lambda d: abs(d - posted))
    except ValueError:
        return None


def skip(tokens: list[str], i: int, words) -> int:
    while i < len(tokens) and tokens[i].lower() in words:
        i += 1
    return i


def read_time(tokens: list[str], i: int) -> tuple[Time | None, int]:
    """The time that begins at a token, with its day and its zone, and where it ends."""
    i += i < len(tokens) and tokens[i].lower() in ("on", "at")
    day, j = read_day(tokens, i)
    if day:
        j = skip(tokens, j, {",", "at", "from", "between", "t"})
    j = skip(tokens, j, ABOUT)
    if j >= len(tokens) or not re.fullmatch(r"\d{1,2}(:\d\d)?(:\d\d)?", tokens[j]):
        return None, i
    clock, half, j = tokens[j], "", j + 1
    if j < len(tokens) and tokens[j].lower() in ("am", "pm"):
        half, j = tokens[j].lower(), j + 1
    zone, j = read_zone(tokens, j)
    if not day:
        day, end = read_day(tokens, skip(tokens, j, {",", "(", "on"}))
        j = end + (end < len(tokens) and tokens[end] == ")") if day else j
    return Time(clock, half, zone, day), j


def read_zone(tokens: list[str], j: int) -> tuple[str, int]:
    k = j + (j < len(tokens) and tokens[j] == "(")
    if k >= len(tokens) or tokens[k].lower() not in ZONES:
        return "", j
    return tokens[k].lower(), skip(tokens, k + 1, {"time", "standard", "daylight", ")"})


def of_sentence(tokens: list[str], zone: str):
    """The pairs of times that are windows, and the times with a length after them."""
    pairs, lengths, i = [], [], 0
    while i < len(tokens):
        lead = tokens[i].lower() if tokens[i].lower() in ("between", "from") else ""
        first, j = read_time(tokens, i + bool(lead))
        if first is None:
            i += 1
            continue
        lead = lead or next((t.lower() for t in tokens[i:j] if t.lower() in ("between", "from")), "")
        link = tokens[j].lower() if j < len(tokens) else ""
        second, end = read_time(tokens, j + 1) if link in LINKS or link == "and" else (None, j)
        exact = first.half or ":" in first.clock
        is_pair = second and (second.half or ":" in second.clock) and (exact or (lead and second.half))
        if is_pair and (link != "and" or lead == "between"):
            pairs.append(shared(first, second, zone))
            i = end
            continue
        k = j + (j < len(tokens) and tokens[j] == ",")
        if exact and k < len(tokens) and tokens[k].lower() in ("for", "lasting", "lasted"):
            length = read_length(tokens, k + 1)
            start = shared(first, first, zone)[0]
            if length and (start.half or start.is_24()):
                lengths.append((start, length))
        i = max(j, i + 1)
    return pairs, lengths


def read_length(tokens: list[str], i: int) -> timedelta | None:
    while i < len(tokens) and tokens[i].lower() in ABOUT:
        i += 1
    if i + 1 >= len(tokens):
        return None
    word, unit = tokens[i].lower(), tokens[i + 1].lower()
    number = NUMBERS.get(word) or (float(word) if re.fullmatch(r"\d+(\.\d+)?", word) else None)
    if number is None:
        return None
    if re.fullmatch(r"min(ute)?s?", unit):
        return timedelta(minutes=number)
    return timedelta(hours=number) if re.fullmatch(r"hours?|hrs?|h", unit) else None


def told_once(tokens: list[str]):
    """When a text says that it began and that it was over, with their places, and how many times it has."""
    begun, over = [], []
    for i, token in enumerate(tokens):
        for words, kept, skip in ((BEGAN, begun, ("on", "from")), (ENDED, over, ("on", "by"))):
            if token.lower() in words:
                j = i + 1 + (i + 1 < len(tokens) and tokens[i + 1].lower() in skip)
                time, _ = read_time(tokens, j)
                if time and (time.half or ":" in time.clock):
                    kept.append((i, time))
    clocks = sum(
        (":" in t and t[0].isdigit())
        or (t.lower() in ("am", "pm") and ":" not in tokens[n - 1] and tokens[n - 1].isdigit())
        for n, t in enumerate(tokens)
    )
    return begun, over, clocks


def shared(first: Time, second: Time, zone: str) -> tuple[Time, Time]:
    a, b = first.zone or second.zone or zone, second.zone or first.zone or zone
    return Time(first.clock, first.half, a, first.day), Time(second.clock, second.half, b, second.day)


def days_for(time: Time, other: str, posted: datetime, only, doubtful: bool):
    here = posted.astimezone(ZONES[time.zone]).date()
    name = time.day or other
    if name:
        return [day_of(name, here)]
    if doubtful:
        return []
    return [only] if only else [here - DAY, here, here + DAY]


def halves(first: Time, second: Time):
    if first.half and second.half:
        return [(first.half, second.half)]
    if first.half or second.half:
        options = [(first.half or h, second.half or h) for h in ("am", "pm")]
        day = date(2026, 1, 1)

        def length(option):
            a, b = first.on(day, option[0]), second.on(day, option[1])
            same = Time(second.clock, second.half, first.zone, "").on(day, option[1]) if a and b else None
            return ((same - a) % DAY) if a and same else DAY

        return [min(options, key=length)]
    return [("", "")] if first.is_24() or second.is_24() else [("am", "am"), ("pm", "pm")]


def choose(first: Time, second: Time, posted: datetime, only, doubtful: bool):
    if first.zone not in ZONES:
        return None
    found, options = [], halves(first, second)
    for a, b in options:
        for day in days_for(first, second.day, posted, only, doubtful):
            start = first.on(day, a) if day else None
            if start is None:
                continue
            begun_on = start.astimezone(ZONES[second.zone]).date()
            own = day_of(second.day, posted.astimezone(ZONES[second.zone]).date()) if second.day else None
            ends = [second.on(d, b) for d in ([own] if second.day else [begun_on, begun_on + DAY]) if d]
            ends = [e for e in ends if e and e > start]
            if ends:
                found.append((start, ends[0]))
    return nearest(found, posted, guess=len(options) > 1)


def choose_length(first: Time, length: timedelta, posted: datetime, only, doubtful: bool):
    if first.zone not in ZONES:
        return None
    starts = [first.on(day, first.half) for day in days_for(first, "", posted, only, doubtful) if day]
    return nearest([(s, s + length) for s in starts if s], posted)


def nearest(found, posted: datetime, *, guess: bool = False):
    limit = SIX_HOURS if guess else MONTH if len(found) == 1 else DAY / 2
    near = []
    for a, b in found:
        if b - a <= WEEK and a - posted <= (timedelta() if guess else SIX_HOURS) and posted - b <= limit:
            near.append((max(a - posted, posted - b, timedelta()), a, b))
    near.sort()
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
    return near[0][1:]
