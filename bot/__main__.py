"""``python -m bot`` is ``brownout``."""

from bot.entry.cli import main

if __name__ == "__main__":
    main()
