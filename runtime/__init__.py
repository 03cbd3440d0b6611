"""What the program runs on: settings, configuration files, the Temporal connection, the payload codec, telemetry."""
