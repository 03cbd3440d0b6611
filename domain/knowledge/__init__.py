"""Knowledge: what answers customers, and what closed cases teach."""
