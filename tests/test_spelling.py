"""Names that are spelled like what was typed: asked about, never used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import spelling

LETTERS = st.text(alphabet="abcd", max_size=8)


@pytest.mark.parametrize(
    ("typed", "name", "wrong"),
    [("antropic", "anthropic", 1), ("gitub", "github", 1), ("cluade", "claude", 1), ("claude", "claude", 0)],
)
def test_a_letter_too_much_too_few_wrong_or_swapped_counts_one(typed, name, wrong):
    assert spelling.distance(typed, name) == wrong


@given(LETTERS, LETTERS)
def test_the_distance_is_the_same_in_both_directions(one, other):
    assert spelling.distance(one, other) == spelling.distance(other, one)


@given(LETTERS, LETTERS)
def test_only_the_same_letters_have_no_distance(one, other):
    assert (spelling.distance(one, other) == 0) == (one == other)


@given(LETTERS, st.integers(0, 7))
def test_one_lost_letter_is_at_most_one_step(word, position):
    assert spelling.distance(word[:position] + word[position + 1 :], word) <= 1


@pytest.mark.parametrize(
    ("typed", "name"), [("gh", "cf"), ("aws", "gcp"), ("slack", "slick shop"), ("zebra", "openai")]
)
def test_short_and_different_words_are_not_near(typed, name):
    assert not spelling.is_near(typed, name)


def test_the_nearest_name_is_first_and_each_is_named_once():
    assert spelling.nearest("retr", ["entry", "retry", "retry", "Retro"], 5) == ("retry", "Retro")


def test_a_text_without_end_is_near_to_nothing():
    assert spelling.nearest("x" * 100_000, ["x" * 99_999]) == ()
