"""What the text of a failed request says: which service, whose fault, and whether a retry can help."""

from bot.rules.failures.reading import FailureReading, FailureSide, read_failure

__all__ = ["FailureReading", "FailureSide", "read_failure"]
