"""Slack: posts and their updates in a channel (`channel`), made of blocks, over one kept connection (`session`)."""
