"""What Surehand costs beside a bare workflow, measured side by side on one server."""
