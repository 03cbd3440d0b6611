"""Every way in: the command line, and later the HTTP service and webhooks."""
