"""What is known of failures, searched by meaning, by words and by signature."""
