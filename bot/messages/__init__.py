"""Pure texts: alerts, answers, digests and charts as messages of Block Kit."""
