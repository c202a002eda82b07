"""Markdown text -> its prose, the anchors of its headings and the rows of its tables."""

import re

from bot.queries import manual


def prose(text):
    """The text without its fenced blocks, where a # is no heading and a [link] is none."""
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    return {heading.anchor for heading in manual.headings(text)}


def rows(text):
    """The cells of every row of the tables in a text."""
    split = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in split]
