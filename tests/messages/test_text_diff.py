"""What an edit changed, in one line."""

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.text_diff import mark_changes


def test_a_word_that_was_replaced_is_marked_with_what_stands_around_it():
    assert mark_changes("we are looking into slow answers", "we are looking into failing answers") == (
        "we are looking into [-slow-] {+failing+} answers"
    )


def test_words_that_were_added_or_taken_away_are_marked():
    assert mark_changes("all is well", "all is well again") == "all is well {+again+}"
    assert mark_changes("all is not well", "all is well") == "all is [-not-] well"


def test_long_stretches_that_stayed_are_cut():
    kept = " ".join(f"w{n}" for n in range(20))
    assert mark_changes(f"a {kept} b", f"x {kept} y") == "[-a-] {+x+} w0 w1 w2 w3 … w16 w17 w18 w19 [-b-] {+y+}"
    assert mark_changes(f"{kept} b", f"{kept} y") == "… w16 w17 w18 w19 [-b-] {+y+}"


def test_nothing_changed_is_nothing():
    assert mark_changes("the same", "the same") == ""


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(before, after):
    assert isinstance(mark_changes(before, after), str)
