"""Clicks and answers in Slack."""
