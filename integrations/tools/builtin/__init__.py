"""Tools on Surehand's own clients. Each class receives its client; without the client there are no such tools."""
