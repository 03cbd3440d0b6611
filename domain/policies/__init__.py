"""What a tenant decides about its cases."""
