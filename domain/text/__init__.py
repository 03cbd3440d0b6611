"""Texts from outside: made safe to show, to store and to send on."""
