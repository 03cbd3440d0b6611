"""What users upload for an incident: where it is kept, and what reads it. Nothing here knows Temporal."""
