"""What programs send and get: values, lists, names, repeatable requests, and their description."""
