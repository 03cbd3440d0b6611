"""The settings of one process: their groups, what is read, and what is wrong with it."""
