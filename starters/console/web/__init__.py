"""What every page is made of: templates, forms, files, live updates."""
