"""The parts of the troubleshooting lifecycle."""
