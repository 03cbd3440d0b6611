"""Pages of incidents: causes, evidence, what is known of failures."""
