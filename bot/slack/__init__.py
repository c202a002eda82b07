"""What Slack sends to the bot: commands, events, buttons and App Home, over Socket Mode or HTTP."""
