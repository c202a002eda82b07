"""The ``brownout`` command line: one module per command. ``run`` is the composition root of the bot."""
