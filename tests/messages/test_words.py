"""The words, emoji and colours of statuses and advice: told apart by shape and lightness, and readable."""

from itertools import combinations

import pytest

from bot.domain import Advice, Condition
from bot.messages import words
from bot.messages.words import STATUS_STYLES, Status
from tests.support.samples import verdict

LIGHT, DARK = ("#F7F8FA", "#FFFFFF"), ("#0F1216", "#171B21")


def luminance(colour):
    """WCAG 2.2's relative luminance."""
    channels = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("status", Status)
def test_the_text_of_a_status_is_readable_on_light_and_on_dark(status):
    style = STATUS_STYLES[status]
    assert min(contrast(style.text_light, background) for background in LIGHT) >= 4.5
    assert min(contrast(style.text_dark, background) for background in DARK) >= 4.5


@pytest.mark.parametrize("status", Status)
def test_a_bar_stands_out_or_its_outline_in_the_texts_colour_does(status):
    style = STATUS_STYLES[status]
    assert min(max(contrast(c, background) for c in (style.bar, style.text_light)) for background in LIGHT) >= 3
    assert min(max(contrast(c, background) for c in (style.bar, style.text_dark)) for background in DARK) >= 3


@pytest.mark.parametrize("attribute", ["emoji", "symbol", "sign", "ascii_sign", "bar"])
def test_no_two_statuses_look_alike(attribute):
    looks = [getattr(style, attribute) for style in STATUS_STYLES.values()]
    assert all(one != other for one, other in combinations(looks, 2))


def test_no_two_advices_have_the_same_emoji():
    assert len({style.emoji for style in words.ADVICE_STYLES.values()}) == len(Advice)


@pytest.mark.parametrize(
    ("exposure", "text"), [(0.1, "10% load"), (0.14, "10% load"), (0.2, "20% load"), (0.29, "20% load")]
)
def test_load_is_told_in_steps_of_ten_rounded_down(exposure, text):
    assert words.load_text(exposure) == text


@pytest.mark.parametrize(
    ("exposure", "text"), [(0.0, "10% load"), (0.04, "10% load"), (0.5, "50% load"), (0.99, "50% load")]
)
def test_load_is_never_told_below_ten_or_above_fifty_percent(exposure, text):
    assert words.load_text(exposure) == text


@pytest.mark.parametrize(
    ("condition", "code", "call", "status"),
    [
        (Condition.MAJOR_OUTAGE, "down", Advice.HOLD_OFF, Status.OUTAGE),
        (Condition.OPERATIONAL, "settling", Advice.HOLD_OFF, Status.RECOVERING),
        (Condition.OPERATIONAL, "recovering", Advice.RETRY_GENTLY, Status.RECOVERING),
        (Condition.OPERATIONAL, "exonerated", Advice.RETRY_GENTLY, Status.RECOVERING),
        (Condition.OPERATIONAL, "named", Advice.RETRY_GENTLY, Status.OPERATIONAL),
        (Condition.OPERATIONAL, "needs", Advice.HOLD_OFF, Status.OPERATIONAL),
        (Condition.OPERATIONAL, "quiet", Advice.RETRY_NORMALLY, Status.OPERATIONAL),
        (Condition.UNKNOWN, "stale_unknown", Advice.UNKNOWN, Status.UNKNOWN),
    ],
)
def test_recovering_is_operational_and_not_yet_safe_to_retry_after_trouble(condition, code, call, status):
    given = verdict(call=call, code=code)
    assert words.derive_status(condition, given) is status
