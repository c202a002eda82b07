"""The commands, buttons and modals that people use in chat. No Slack transport in this package (see bot.slack)."""
