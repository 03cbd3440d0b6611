"""Who somebody is: people, principals, passwords."""
