"""What is done about a cause: remedies, what people wish instead, and how one sees whether it worked."""
