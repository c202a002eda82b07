"""What the pages of the board show, as values for their templates, in the same words as in Slack. No I/O.

Our own texts may contain ``**bold**`` and `` `code` ``, as in ``bot.messages.builder``. The vendor's words are only in
``quote``, ``title`` and ``before`` and are never read as markup. A status stands as its word (``bot.messages.words``)
and, for CSS classes only, as the same word with hyphens.
"""
