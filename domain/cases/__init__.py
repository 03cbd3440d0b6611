"""Cases: what every one of them knows, is told and leaves behind."""
