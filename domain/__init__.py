"""The language of Surehand: values, ports and pure rules. Imports nothing of ours, does no I/O."""
